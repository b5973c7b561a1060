"""The loop: a LangGraph graph per strategy, its rules, and the episode around it."""

from loopwright import _old_names
from loopwright.loop._agent_strategies import ACTING_STRATEGIES, AgentStrategy
from loopwright.loop._calls import REUSED, NodeCalls, most_of_call, spend_of
from loopwright.loop._context import Arm, EpisodeContext, LoopState
from loopwright.loop._decision import Decision, DecisionContext, Policy, StopRule
from loopwright.loop._environment_work import spent_time
from loopwright.loop._episode import GRADE, EpisodePlan, regrade_episode, run_episode, spent_fields
from loopwright.loop._gate import Gate
from loopwright.loop._graph import compile_loop
from loopwright.loop._ideas import IdeaPool
from loopwright.loop._image_calls import spend_of_images
from loopwright.loop._person import Nobody, Person
from loopwright.loop._search import Brief, Search
from loopwright.loop._search_strategy import SearchStrategy
from loopwright.loop._stop_rules import (
    ALL_PASSED,
    BUDGET,
    BUILTIN_STOP_RULES,
    GAVE_UP,
    LEARNING_CURVE,
    MAX_ITERATIONS,
    NO_EXPECTED_GAIN,
    PLAN_DONE,
    PLATEAU,
    REPETITION,
    SAMPLING_RULES,
    STOP_MEANINGS,
    STOP_RULES,
    SUBMITTED,
    THRESHOLD,
)
from loopwright.loop._strategies import (
    BEST_OF_N,
    BUILTIN_STRATEGIES,
    REFINE,
    SINGLE,
    Graphs,
    RefinementStrategy,
    Strategy,
    StrategyTraits,
    traits_of,
)
from loopwright.loop._under_way import LostReply, call_under_way
from loopwright.loop._verdicts import ProbeResult, probe
from loopwright.loop._views import VIEW_FIELDS, ViewField, view_for, view_of, what_is_seen

__all__ = [
    "ACTING_STRATEGIES",
    "ALL_PASSED",
    "BEST_OF_N",
    "BUDGET",
    "BUILTIN_STOP_RULES",
    "BUILTIN_STRATEGIES",
    "GAVE_UP",
    "GRADE",
    "LEARNING_CURVE",
    "MAX_ITERATIONS",
    "NO_EXPECTED_GAIN",
    "PLAN_DONE",
    "PLATEAU",
    "REFINE",
    "REPETITION",
    "REUSED",
    "SAMPLING_RULES",
    "SINGLE",
    "STOP_MEANINGS",
    "STOP_RULES",
    "SUBMITTED",
    "THRESHOLD",
    "VIEW_FIELDS",
    "AgentStrategy",
    "Arm",
    "Brief",
    "Decision",
    "DecisionContext",
    "EpisodeContext",
    "EpisodePlan",
    "Gate",
    "Graphs",
    "IdeaPool",
    "LoopState",
    "LostReply",
    "Nobody",
    "NodeCalls",
    "Person",
    "Policy",
    "ProbeResult",
    "RefinementStrategy",
    "Search",
    "SearchStrategy",
    "StopRule",
    "Strategy",
    "StrategyTraits",
    "ViewField",
    "call_under_way",
    "compile_loop",
    "most_of_call",
    "probe",
    "regrade_episode",
    "run_episode",
    "spend_of",
    "spend_of_images",
    "spent_fields",
    "spent_time",
    "traits_of",
    "view_for",
    "view_of",
    "what_is_seen",
]

_RENAMED = {"Standing": "DecisionContext"}
"""Names of the last release, kept for one more."""


def __getattr__(name: str) -> object:
    """Finds a name of the last release, with a warning."""
    return globals()[_old_names.newest(__name__, _RENAMED, name)]
