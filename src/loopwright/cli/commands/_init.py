"""`loopwright init`."""

from __future__ import annotations

from pathlib import Path

import click

from loopwright.cli._options import examples, json_option

_TEMPLATE = Path(__file__).parents[1] / "_project"
_TASK = "tasks/invitation.yaml"
_MODEL = "scripted/replies.yaml"


@click.command(epilog=examples("loopwright init mine", "loopwright init mine --model local/smollm2-135m"))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option("--model", default=_MODEL, show_default=True, help="provider/model that the task uses.")
@json_option
def command(folder: Path, model: str, as_json: bool) -> None:
    """Write a small project that runs at once.

    FOLDER gets a task, an agent's card with its prompt, an environment, a verifier, and replies for a scripted model:
    it needs neither a key nor weights. Nothing that is there already is written over.
    """
    from loopwright.cli._output import write, write_json

    written = _write(folder, model)
    if as_json:
        write_json({"folder": str(folder), "files": written})
        return
    enter = [] if folder == Path() else [f"  cd {folder}"]
    steps = [*enter, "  loopwright run tasks", "  loopwright show", "  loopwright explain tasks/invitation.yaml"]
    write("\n".join([*(f"wrote {folder / name}" for name in written), "", "Next:", *steps]))


def _write(folder: Path, model: str) -> list[str]:
    """Copies the template and returns the names of its files.

    Raises:
        UserError: One of them is there already; nothing was written.
    """
    from loopwright.errors import UserError

    sources = sorted(path for path in _TEMPLATE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    names = {source: str(source.relative_to(_TEMPLATE)).replace("gitignore", ".gitignore") for source in sources}
    there = [name for name in names.values() if (folder / name).exists() and name != ".gitignore"]
    if there:
        raise UserError(f"{folder / there[0]} is there already", remedy="Name a folder that is not there yet.")
    written = []
    for source, name in names.items():
        target = folder / name
        if target.exists():
            continue
        text = source.read_text(encoding="utf-8")
        if name == _TASK:
            text = text.replace(_MODEL, model)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UserError(f"{target} cannot be written: {error.strerror}", remedy="Name another folder.") from None
        written.append(name)
    return written
