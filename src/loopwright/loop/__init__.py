"""The loop: a LangGraph graph per strategy, its rules, and the episode around it."""

from loopwright.loop._agent_strategies import ACTING_STRATEGIES, AgentStrategy
from loopwright.loop._calls import REUSED, NodeCalls, spend_of
from loopwright.loop._charging import spent_time
from loopwright.loop._context import EpisodeContext
from loopwright.loop._decision import Decision, Standing
from loopwright.loop._episode import EpisodePlan, run_episode
from loopwright.loop._graph import compile_loop
from loopwright.loop._probe import ProbeResult, probe
from loopwright.loop._stop_rules import SAMPLING_RULES, STOP_RULES
from loopwright.loop._strategies import BEST_OF_N, BUILTIN_STRATEGIES, REFINE, SINGLE, RefinementStrategy, Strategy
from loopwright.loop._tree import AttemptTree
from loopwright.loop._views import view_for

__all__ = [
    "ACTING_STRATEGIES",
    "BEST_OF_N",
    "BUILTIN_STRATEGIES",
    "REFINE",
    "REUSED",
    "SAMPLING_RULES",
    "SINGLE",
    "STOP_RULES",
    "AgentStrategy",
    "AttemptTree",
    "Decision",
    "EpisodeContext",
    "EpisodePlan",
    "NodeCalls",
    "ProbeResult",
    "RefinementStrategy",
    "Standing",
    "Strategy",
    "compile_loop",
    "probe",
    "run_episode",
    "spend_of",
    "spent_time",
    "view_for",
]
