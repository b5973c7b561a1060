"""Places where candidates are executed."""

from loopwright.environments._actions import action_of, code_block, submission
from loopwright.environments._builders import (
    bash_environment,
    ctf_environment,
    interpreter_environment,
    python_environment,
    sql_environment,
    text_environment,
)
from loopwright.environments._registry import (
    BUILTIN_ENVIRONMENTS,
    EnvironmentFolder,
    find_environment,
    list_environments,
)
from loopwright.environments._scores import (
    BUILTIN_SCORE_RULES,
    NothingToScore,
    Score,
    ScoreRule,
    Scores,
    find_score_rule,
    score_outcome,
)
from loopwright.environments._shells._fixture import load_fixture
from loopwright.environments._shells._persistent import CommandResult
from loopwright.environments._shells._shell import SHELL, WAIT, Shell
from loopwright.environments._stateful import GoldCache, StatefulEnvironment
from loopwright.environments._tools import (
    EXECUTE,
    SUBMIT,
    action_text,
    action_tools,
    told_action,
    tool_call_of,
    tool_call_text,
)
from loopwright.environments._types import (
    ChecksInstances,
    Environment,
    EnvironmentSetup,
    ExecutesTogether,
    ExpectsReply,
    Fields,
    HasMachine,
    KnowsSolution,
    KnowsVisibleChecks,
    NamesScoreRules,
    OpensWorkplaces,
    ReplyForm,
    ScoredFields,
    ScoringFields,
    Snapshots,
    TakesText,
    Unchecked,
    Workplace,
    read_fields,
)
from loopwright.environments.bash._environment import BashEnvironment, BashFields, BashHidden
from loopwright.environments.bash._hidden_tests import RewardOutcome
from loopwright.environments.bash._outcome import ShellOutcome, ShellState
from loopwright.environments.bash._shell_pool import ShellRole, ShellStart
from loopwright.environments.ctf._environment import CtfEnvironment, FlagOutcome
from loopwright.environments.interpreter._environment import InterpreterEnvironment
from loopwright.environments.interpreter._functions import first_definition, tested_name
from loopwright.environments.interpreter._interpreter import Interpreter
from loopwright.environments.interpreter._outcome import FunctionOutcome
from loopwright.environments.python._environment import PythonEnvironment
from loopwright.environments.sql._environment import SqlEnvironment
from loopwright.environments.sql._outcome import QueryOutcome
from loopwright.environments.text import AnswerOutcome, TextEnvironment
from loopwright.types import Observation

__all__ = [
    "BUILTIN_ENVIRONMENTS",
    "BUILTIN_SCORE_RULES",
    "EXECUTE",
    "SHELL",
    "SUBMIT",
    "WAIT",
    "AnswerOutcome",
    "BashEnvironment",
    "BashFields",
    "BashHidden",
    "ChecksInstances",
    "CommandResult",
    "CtfEnvironment",
    "Environment",
    "EnvironmentFolder",
    "EnvironmentSetup",
    "ExecutesTogether",
    "ExpectsReply",
    "Fields",
    "FlagOutcome",
    "FunctionOutcome",
    "GoldCache",
    "HasMachine",
    "Interpreter",
    "InterpreterEnvironment",
    "KnowsSolution",
    "KnowsVisibleChecks",
    "NamesScoreRules",
    "NothingToScore",
    "Observation",
    "OpensWorkplaces",
    "PythonEnvironment",
    "QueryOutcome",
    "ReplyForm",
    "RewardOutcome",
    "Score",
    "ScoreRule",
    "ScoredFields",
    "Scores",
    "ScoringFields",
    "Shell",
    "ShellOutcome",
    "ShellRole",
    "ShellStart",
    "ShellState",
    "Snapshots",
    "SqlEnvironment",
    "StatefulEnvironment",
    "TakesText",
    "TextEnvironment",
    "Unchecked",
    "Workplace",
    "action_of",
    "action_text",
    "action_tools",
    "bash_environment",
    "code_block",
    "ctf_environment",
    "find_environment",
    "find_score_rule",
    "first_definition",
    "interpreter_environment",
    "list_environments",
    "load_fixture",
    "python_environment",
    "read_fields",
    "score_outcome",
    "sql_environment",
    "submission",
    "tested_name",
    "text_environment",
    "told_action",
    "tool_call_of",
    "tool_call_text",
]
