"""The environments that ship."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from loopwright.environments._bash import BashEnvironment
from loopwright.environments._python import PythonEnvironment
from loopwright.environments._types import Environment, EnvironmentSetup

BUILTIN_ENVIRONMENTS: Mapping[str, Callable[[EnvironmentSetup], Environment]] = MappingProxyType(
    {"bash": BashEnvironment, "python": PythonEnvironment}
)
"""Environments by the name that a task gives."""
