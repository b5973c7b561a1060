"""Places where candidates are executed."""

from loopwright.environments._bash import BashEnvironment
from loopwright.environments._builtin import BUILTIN_ENVIRONMENTS
from loopwright.environments._ctf import CtfEnvironment
from loopwright.environments._folder import EnvironmentFolder, find_environment
from loopwright.environments._functions import tested_name
from loopwright.environments._interpreter import InterpreterEnvironment
from loopwright.environments._machines import SharedShells
from loopwright.environments._python import PythonEnvironment
from loopwright.environments._scores import Scores
from loopwright.environments._sql import SqlEnvironment
from loopwright.environments._text import TextEnvironment
from loopwright.environments._types import Environment, EnvironmentSetup
from loopwright.types import Observation

__all__ = [
    "BUILTIN_ENVIRONMENTS",
    "BashEnvironment",
    "CtfEnvironment",
    "Environment",
    "EnvironmentFolder",
    "EnvironmentSetup",
    "InterpreterEnvironment",
    "Observation",
    "PythonEnvironment",
    "Scores",
    "SharedShells",
    "SqlEnvironment",
    "TextEnvironment",
    "find_environment",
    "tested_name",
]
