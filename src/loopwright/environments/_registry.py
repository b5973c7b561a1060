"""The environments that ship, and all that a task in a project can name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from loopwright.environments._folder import EnvironmentFolder, find_environment
from loopwright.environments._types import Environment, EnvironmentSetup
from loopwright.environments.bash._environment import BashEnvironment
from loopwright.environments.ctf._environment import CtfEnvironment
from loopwright.environments.interpreter._environment import InterpreterEnvironment
from loopwright.environments.python._environment import PythonEnvironment
from loopwright.environments.sql._environment import SqlEnvironment
from loopwright.environments.text._environment import TextEnvironment
from loopwright.plugins import plugin_names
from loopwright.project import Project

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
