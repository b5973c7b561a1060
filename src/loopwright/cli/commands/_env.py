"""`loopwright env`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopwright.cli._options import examples, json_option

if TYPE_CHECKING:
    from loopwright.environments import EnvironmentFolder

_project = click.option(
    "--project",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="Folder with your environments; the current one by default.",
)


@click.group(epilog=examples("loopwright env list", "loopwright env build python --base-image python:3.12-slim"))
def command() -> None:
    """List environments, and build their images."""


@command.command("list", epilog=examples("loopwright env list"))
@_project
@json_option
def list_command(project: Path, as_json: bool) -> None:
    """List the environments that a task here can name."""
    from loopwright.cli._output import write_json, write_table
    from loopwright.environments import list_environments
    from loopwright.project import Project

    found = list_environments(Project(project))
    if as_json:
        write_json([{**one.model_dump(by_alias=True), "folder": _path(one)} for one in found])
        return
    rows = [(one.name, one.image or "", _path(one), one.description) for one in found]
    write_table(("environment", "image", "folder", "description"), rows)


def _path(found: EnvironmentFolder) -> str:
    """Where an environment's folder is; empty where it needs none."""
    return str(found.folder) if found.folder.name else ""


@command.command(
    "build", epilog=examples("loopwright env build guests", "loopwright env build python --base-image python:3.12-slim")
)
@click.argument("name")
@click.option(
    "--base-image", metavar="IMAGE", help="What the Dockerfile starts from, as its build argument BASE_IMAGE."
)
@_project
@json_option
def build_command(name: str, base_image: str | None, project: Path, as_json: bool) -> None:
    """Build the Docker image of an environment from the Dockerfile in its folder."""
    from loopwright.cli._image import build
    from loopwright.cli._output import write, write_json
    from loopwright.environments import find_environment
    from loopwright.project import Project

    here = Project(project)
    # The search tells what there is, where there is none of that name.
    here.find("environments", name)
    folder = find_environment(name, here)
    assert folder is not None
    image = build(folder, base_image)
    if as_json:
        write_json({"environment": name, "image": folder.image, "id": image})
    else:
        write(f"built {folder.image} ({image})")
