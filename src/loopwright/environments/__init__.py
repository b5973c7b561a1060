"""Places where candidates are executed."""

from loopwright.environments._builtin import BUILTIN_ENVIRONMENTS
from loopwright.environments._python import PythonEnvironment
from loopwright.environments._types import Environment, EnvironmentSetup, Observation

__all__ = [
    "BUILTIN_ENVIRONMENTS",
    "Environment",
    "EnvironmentSetup",
    "Observation",
    "PythonEnvironment",
]
