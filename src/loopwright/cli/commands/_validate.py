"""`loopwright validate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopwright.cli._options import examples, json_option
from loopwright.cli._plan_options import checked, plan_options

if TYPE_CHECKING:
    from loopwright.plan import RunOptions


@click.command(epilog=examples("loopwright validate task.yaml", "loopwright validate tasks --model openai/gpt-5-mini"))
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@plan_options
@json_option
def command(paths: tuple[Path, ...], plan: RunOptions, as_json: bool) -> None:
    """Check task files and everything that they name, and run nothing.

    PATH is a task file or a folder of them. All files are checked, and the exit code is 2 if one cannot be used. A
    model that is still to be named, or a loop without a visible check, is a note and no error.
    """
    from loopwright.cli._exit import ExitCode, as_dict
    from loopwright.cli._files import task_files
    from loopwright.cli._output import write, write_json
    from loopwright.errors import UserError

    results: list[dict[str, object]] = []
    for file in task_files(paths):
        try:
            found = checked([file], plan, unnamed=True)
        except UserError as error:
            results.append({"file": str(file), "valid": False, **as_dict(error)})
        else:
            instances = sum(map(len, found.instances.values()))
            good = {"instances": instances, "episodes": len(found.episodes), "notes": list(found.notes)}
            results.append({"file": str(file), "valid": True, **good})
    if as_json:
        write_json(results)
    else:
        write("\n".join(_line(result) for result in results))
    broken = not all(result["valid"] for result in results)
    click.get_current_context().exit(int(ExitCode.USAGE if broken else ExitCode.PASSED))


def _line(result: dict[str, object]) -> str:
    if result["valid"]:
        good = f"{result['file']}: good, {result['instances']} instances, {result['episodes']} episodes"
        notes = result["notes"] if isinstance(result["notes"], list) else []
        return "\n".join([good, *(f"  note: {note}" for note in notes)])
    message = str(result["message"])
    placed = message if message.startswith(str(result["file"])) else f"{result['file']}: {message}"
    return f"{placed}\n  {result['remedy']}".rstrip()
