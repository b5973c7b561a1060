"""The environments that ship."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from loopwright.environments._bash import BashEnvironment
from loopwright.environments._ctf import CtfEnvironment
from loopwright.environments._interpreter import InterpreterEnvironment
from loopwright.environments._python import PythonEnvironment
from loopwright.environments._sql import SqlEnvironment
from loopwright.environments._text import TextEnvironment
from loopwright.environments._types import Environment, EnvironmentSetup

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
