"""The environments that ship."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from loopwright.environments._types import Environment, EnvironmentSetup
from loopwright.environments.bash._environment import BashEnvironment
from loopwright.environments.ctf._environment import CtfEnvironment
from loopwright.environments.interpreter._environment import InterpreterEnvironment
from loopwright.environments.python._environment import PythonEnvironment
from loopwright.environments.sql._environment import SqlEnvironment
from loopwright.environments.text._environment import TextEnvironment

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
