"""`loopwright validate`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loopwright.cli._options import examples, json_option
from loopwright.cli._plan_options import checked, plan_options
from loopwright.text import counted

if TYPE_CHECKING:
    from loopwright.plan import ResolvedRun, RunOptions


@click.command(
    epilog=examples(
        "loopwright validate task.yaml",
        "loopwright validate tasks --model openai/gpt-5-mini",
        "loopwright validate tasks --solutions",
    )
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@plan_options
@click.option(
    "--solutions",
    is_flag=True,
    help="Also run each instance's own solution, which must pass, and an answer that does nothing, which must not.",
)
@json_option
def command(paths: tuple[Path, ...], plan: RunOptions, solutions: bool, as_json: bool) -> None:
    """Check task files and everything that they name, and run nothing.

    PATH is a task file or a folder of them. All files are checked, and the exit code is 2 if one cannot be used. It is
    3 if --solutions finds nothing wrong but graders that fail. A model that is still to be named, or a loop without a
    visible check, is a note and no error. --solutions runs solutions in sandboxes, and asks no model.
    """
    from loopwright.cli._exit import ExitCode, as_dict
    from loopwright.cli._files import task_files
    from loopwright.cli._output import write, write_json
    from loopwright.cli.render._loosened import loosened_lines
    from loopwright.errors import UserError

    results: list[dict[str, Any]] = []
    for file in task_files(paths):
        try:
            found = checked([file], plan, unnamed=True)
        except UserError as error:
            results.append({"file": str(file), "valid": False, **as_dict(error)})
        else:
            instances = sum(map(len, found.instances.values()))
            loosened = (f"the sandbox is loosened by {what}" for what in loosened_lines(found.config.tasks))
            notes = [*found.notes, *loosened]
            good = {"instances": instances, "episodes": len(found.episodes), "notes": notes}
            tried = _tried(found.resolved) if solutions else {}
            valid = not any(one["flags"] for one in tried.get("solutions", ()))
            results.append({"file": str(file), "valid": valid, **good, **tried})
    if as_json:
        write_json(results)
    else:
        write("\n".join(_line(result) for result in results))
    broken = [result for result in results if not result["valid"]]
    code = ExitCode.INFRASTRUCTURE if all(map(_only_ungraded, broken)) else ExitCode.USAGE
    click.get_current_context().exit(int(code if broken else ExitCode.PASSED))


def _tried(run: ResolvedRun) -> dict[str, list[dict[str, Any]]]:
    import asyncio

    from loopwright.bench import check_solutions

    return {"solutions": [one.as_dict() for one in asyncio.run(check_solutions(run))]}


def _is_failure(flag: str) -> bool:
    """Whether it is the grader that failed, which says nothing of the task's solution."""
    return flag.startswith("the grader failed")


def _only_ungraded(result: dict[str, Any]) -> bool:
    flags = [flag for one in result.get("solutions", ()) for flag in one["flags"]]
    return bool(flags) and all(map(_is_failure, flags))


def _line(result: dict[str, Any]) -> str:
    if "notes" in result:
        word = "good" if result["valid"] else "not sound"
        size = ", ".join(counted(result[f"{noun}s"], noun) for noun in ("instance", "episode"))
        head = f"{result['file']}: {word}, {size}"
        return "\n".join([head, *(f"  note: {note}" for note in result["notes"]), *_solutions(result)])
    message = str(result["message"])
    placed = message if message.startswith(str(result["file"])) else f"{result['file']}: {message}"
    return f"{placed}\n  {result['remedy']}".rstrip()


def _have(number: int) -> str:
    return "has" if number == 1 else "have"


def _solutions(result: dict[str, Any]) -> Iterator[str]:
    """What was tried came to, then what is wrong."""
    if not (tried := result.get("solutions")):
        return
    golds = [one["gold"] for one in tried if one["gold"]]
    passed = sum(not any("own solution" in flag for flag in one["flags"]) for one in tried if one["gold"])
    ungraded = [one for one in tried if any(map(_is_failure, one["flags"]))]
    without = sum(not one["gold"] for one in tried if one not in ungraded)
    yield f"  solutions: {passed} of {len(golds)} pass; {counted(without, 'instance')} {_have(without)} none"
    for one in tried:
        yield from (f"  {one['instance']}: {flag}" for flag in one["flags"])
    if unjudged := sum(one["idle"] is None for one in tried if one not in ungraded):
        are = "is" if unjudged == 1 else "are"
        yield f"  {counted(unjudged, 'instance')} {are} for a judge to tell, who was not asked"
