"""Places where candidates are executed."""

from loopwright.environments._builders import (
    bash_environment,
    ctf_environment,
    interpreter_environment,
    python_environment,
    sql_environment,
    text_environment,
)
from loopwright.environments._folder import EnvironmentFolder, find_environment
from loopwright.environments._registry import BUILTIN_ENVIRONMENTS, list_environments
from loopwright.environments._scores import Scores
from loopwright.environments._types import ChecksInstances, Environment, EnvironmentSetup, Snapshots
from loopwright.environments.bash._environment import BashEnvironment
from loopwright.environments.bash._shell_pool import SharedShells
from loopwright.environments.ctf._environment import CtfEnvironment
from loopwright.environments.interpreter._environment import InterpreterEnvironment
from loopwright.environments.interpreter._functions import tested_name
from loopwright.environments.python._environment import PythonEnvironment
from loopwright.environments.sql._environment import SqlEnvironment
from loopwright.environments.text._environment import TextEnvironment
from loopwright.types import Observation

__all__ = [
    "BUILTIN_ENVIRONMENTS",
    "BashEnvironment",
    "ChecksInstances",
    "CtfEnvironment",
    "Environment",
    "EnvironmentFolder",
    "EnvironmentSetup",
    "InterpreterEnvironment",
    "Observation",
    "PythonEnvironment",
    "Scores",
    "SharedShells",
    "Snapshots",
    "SqlEnvironment",
    "TextEnvironment",
    "bash_environment",
    "ctf_environment",
    "find_environment",
    "interpreter_environment",
    "list_environments",
    "python_environment",
    "sql_environment",
    "tested_name",
    "text_environment",
]
