"""The environments that ship, and all that a task can name: built in, or a folder with an `environment.yaml`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from loopwright.environments._types import Environment, EnvironmentSetup
from loopwright.environments.bash._environment import BashEnvironment
from loopwright.environments.ctf._environment import CtfEnvironment
from loopwright.environments.interpreter._environment import InterpreterEnvironment
from loopwright.environments.python._environment import PythonEnvironment
from loopwright.environments.sql._environment import SqlEnvironment
from loopwright.environments.text._environment import TextEnvironment
from loopwright.errors import MissingContent
from loopwright.plugins import plugin_names
from loopwright.project import Includes, Project, load_yaml, with_started_paths
from loopwright.types import ValueOptions

BUILTIN_ENVIRONMENTS: Mapping[str, Callable[[EnvironmentSetup], Environment]] = MappingProxyType(
    {
        "bash": BashEnvironment,
        "ctf": CtfEnvironment,
        "interpreter": InterpreterEnvironment,
        "python": PythonEnvironment,
        "sql": SqlEnvironment,
        "text": TextEnvironment,
    }
)
"""Environments by the name that a task gives."""


def list_environments(project: Project) -> Sequence[EnvironmentFolder]:
    """The environments that a task can name: built in, in a folder of the project or the defaults, or installed.

    Raises:
        TaskError: An `environment.yaml` is broken; names file and line.
    """
    names = {*BUILTIN_ENVIRONMENTS, *project.names("environments"), *plugin_names("environments")}
    return [find_environment(name, project) or _without_folder(name) for name in sorted(names)]


def _without_folder(name: str) -> EnvironmentFolder:
    made = BUILTIN_ENVIRONMENTS.get(name)
    return EnvironmentFolder(name=name, description=(made.__doc__ or "").partition("\n")[0] if made else "installed")


_FILE = "environment.yaml"


class EnvironmentFolder(BaseModel):
    """What `environments/NAME/environment.yaml` says."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)

    version: Literal[1] = 1
    name: str
    description: str = ""
    kind: str | None = Field(default=None, alias="class")
    """The class that makes it: a built-in name, or `module:Class` of a module in the folder; None for its own name."""
    image: str | None = None
    """Docker image that candidates run in, where a task names none; a Dockerfile beside it can build it."""
    fields: Mapping[str, Any] = {}
    """Public fields of every instance, where a task does not say otherwise; `{file: NAME}` is a file of the folder, and
    paths start there."""
    value: ValueOptions | None = None
    """What is maximised or minimised, where a task does not say otherwise in `loop.value`."""
    folder: Path = Field(default=Path(), exclude=True)


def find_environment(name: str, project: Project) -> EnvironmentFolder | None:
    """Reads an environment's folder, the user's before the shipped; None where there is none of that name.

    Raises:
        TaskError: Its `environment.yaml` is broken; names file and line.
    """
    try:
        folder = project.find("environments", name)
    except MissingContent:
        return None
    document = load_yaml(folder / _FILE)
    if not isinstance(document.data, dict):
        raise document.error("an environment is a mapping", remedy=f"Start with `name: {name}`.")
    includes = Includes(document, folder)
    data = {key: includes.put_in(value, (key,), document.path) for key, value in document.data.items()}
    if isinstance(data.get("fields"), dict):
        data["fields"] = with_started_paths(data["fields"], folder)
    try:
        return EnvironmentFolder.model_validate({**data, "folder": folder})
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in problem["loc"])
        known = ", ".join(("version", "name", "description", "class", "image", "fields", "value"))
        raise document.error(f"{place}: {problem['msg']}", tuple(problem["loc"]), remedy=f"Keys: {known}.") from None
