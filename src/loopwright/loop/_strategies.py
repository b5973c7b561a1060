"""Strategies: which nodes a loop has, and where it goes when no stop rule says stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from loopwright.loop._agent_strategies import ACTING_STRATEGIES
from loopwright.loop._decision import Decision, Standing
from loopwright.loop._graph import compile_loop
from loopwright.loop._stop_rules import (
    SAMPLING_RULES,
    STOP_RULES,
    Policy,
    Rule,
    all_passed,
    continue_from_latest,
    critic,
    first,
    regression,
    restart_when_stuck,
)

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph

    from loopwright.loop._context import EpisodeContext
    from loopwright.loop._nodes import LoopState


@runtime_checkable
class Strategy(Protocol):
    """A way to loop."""

    @property
    def name(self) -> str:
        """As it is written in a task file."""
        ...

    @property
    def asks_critic(self) -> bool:
        """Whether its graph has a critique node."""
        ...

    def compile(
        self, checkpointer: BaseCheckpointSaver[Any] | None
    ) -> CompiledStateGraph[LoopState, EpisodeContext, LoopState, LoopState]:
        """Returns the compiled graph; `compile_loop` builds the usual ones."""
        ...


def _once(standing: Standing) -> Decision:
    return Decision("stop", "max_iterations", "the strategy makes one candidate")


def _afresh(standing: Standing) -> Decision:
    return Decision("restart", "best_of_n", "the candidates are independent")


def _refine(standing: Standing) -> Decision:
    return first((restart_when_stuck, critic, regression), standing) or continue_from_latest(standing)


@dataclass(frozen=True, slots=True)
class RefinementStrategy:
    """A strategy that proposes, acts, verifies and decides by a policy."""

    name: str
    policy: Policy
    """Decides where no stop rule does."""
    stop_rules: tuple[Rule, ...]
    asks_critic: bool = False

    def compile(
        self, checkpointer: BaseCheckpointSaver[Any] | None
    ) -> CompiledStateGraph[LoopState, EpisodeContext, LoopState, LoopState]:
        """Returns the compiled graph."""
        return compile_loop(self.policy, critic=self.asks_critic, checkpointer=checkpointer, stop_rules=self.stop_rules)


SINGLE = RefinementStrategy("single", _once, (all_passed,))
"""One candidate, no second try."""
BEST_OF_N = RefinementStrategy("best_of_n", _afresh, SAMPLING_RULES)
"""Independent candidates, the best by the visible checks wins: the compute-matched baseline of `refine`."""
REFINE = RefinementStrategy("refine", _refine, STOP_RULES, asks_critic=True)
"""Each candidate is made from an earlier one and what its checks and the critic said about it."""

BUILTIN_STRATEGIES: dict[str, Strategy] = {
    **{strategy.name: strategy for strategy in (SINGLE, BEST_OF_N, REFINE)},
    **ACTING_STRATEGIES,
}
