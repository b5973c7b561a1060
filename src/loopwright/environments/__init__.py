"""Places where candidates are executed."""

from loopwright.environments._bash import BashEnvironment
from loopwright.environments._builtin import BUILTIN_ENVIRONMENTS
from loopwright.environments._folder import EnvironmentFolder, find_environment
from loopwright.environments._python import PythonEnvironment
from loopwright.environments._scores import Scores
from loopwright.environments._types import Environment, EnvironmentSetup, Observation

__all__ = [
    "BUILTIN_ENVIRONMENTS",
    "BashEnvironment",
    "Environment",
    "EnvironmentFolder",
    "EnvironmentSetup",
    "Observation",
    "PythonEnvironment",
    "Scores",
    "find_environment",
]
