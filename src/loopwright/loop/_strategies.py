"""Strategies: which nodes a loop has, and where it goes when no stop rule says stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from loopwright.agents import Agent
from loopwright.loop._agent_strategies import ACTING_STRATEGIES
from loopwright.loop._decision import Policy, StopRule, Wanted
from loopwright.loop._graph import compile_loop
from loopwright.loop._policies import independent_candidates, one_candidate, refine
from loopwright.loop._stop_rules import ALL_PASSED, SAMPLING_RULES, STOP_RULES

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph

    from loopwright.loop._context import EpisodeContext, LoopState

    Compiled = CompiledStateGraph[LoopState, EpisodeContext, LoopState, LoopState]


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


class Graphs:
    """The graphs of a run. A strategy is compiled once for all of its episodes: a graph holds nothing of an episode."""

    def __init__(self, checkpointer: BaseCheckpointSaver[Any] | None = None) -> None:
        """Keeps the state of all graphs in `checkpointer`, for others to look at; None keeps none."""
        self.checkpointer = checkpointer
        self._compiled: dict[int, tuple[Strategy, Compiled]] = {}

    def of(self, strategy: Strategy) -> Compiled:
        """The graph of a strategy."""
        known = self._compiled.get(id(strategy))
        if known is None:
            # The strategy is kept, too, so that no other object gets its id.
            known = self._compiled[id(strategy)] = (strategy, strategy.compile(self.checkpointer))
        return known[1]


@dataclass(frozen=True, slots=True)
class StrategyTraits:
    """What else a strategy may tell of itself, as attributes of the same names; a strategy without them has these."""

    stop_rules: Sequence[StopRule] = STOP_RULES
    """What may stop its loops, in the order in which it is asked."""
    one_candidate: bool = False
    """Whether an episode has one candidate."""
    acts: bool = False
    """Whether a candidate is an action, and an answer takes many."""
    asks_person: bool = False
    """Whether its graph asks a person where the task says so: `compile_loop` does, a graph of its own may not."""
    oracle: bool = False
    """Whether the hidden verdict decides which candidate counts."""
    own_critic: Agent | None = None
    """The critic where the task names none; None for the one without a model."""
    with_critic: Strategy | None = None
    """What is run in its place where the task names a critic; None for the strategy itself."""


def traits_of(strategy: Strategy | None) -> StrategyTraits:
    """What a strategy tells of itself; the defaults for None and for what it does not tell."""
    told = {name: getattr(strategy, name) for name in StrategyTraits.__slots__ if hasattr(strategy, name)}
    return StrategyTraits(**told)


@dataclass(frozen=True, slots=True)
class RefinementStrategy:
    """A strategy that proposes, acts, verifies and decides by a policy."""

    name: str
    """As it is written in a task file."""
    policy: Policy
    """Decides where no stop rule does."""
    stop_rules: Sequence[StopRule] = STOP_RULES
    """Asked before the policy and before the critic, in this order."""
    critic: bool = False
    """Whether a critic is asked after each verdict."""
    critic_wanted: Wanted | None = None
    """After which verdicts it is asked; None for all."""
    own_critic: Agent | None = None
    """The critic where the task names none; None for the one without a model."""
    with_critic: Strategy | None = None
    """What is run in its place where the task names a critic; None for the strategy itself."""
    one_candidate: bool = False
    """Whether the policy stops after the first candidate."""
    independent: bool = False
    """Whether candidates are drawn without a look at each other, so that `loop.width` of them are drawn at once."""
    asks_person: bool = True
    """As its nodes do."""

    @property
    def asks_critic(self) -> bool:
        """Whether its graph has a critique node."""
        return self.critic

    def compile(
        self, checkpointer: BaseCheckpointSaver[Any] | None
    ) -> CompiledStateGraph[LoopState, EpisodeContext, LoopState, LoopState]:
        """Returns the compiled graph."""
        return compile_loop(
            self.policy,
            critic=self.critic,
            critic_wanted=self.critic_wanted,
            checkpointer=checkpointer,
            stop_rules=self.stop_rules,
            independent=self.independent,
        )


SINGLE = RefinementStrategy("single", one_candidate, (ALL_PASSED,), one_candidate=True)
"""One candidate, no second try."""
BEST_OF_N = RefinementStrategy("best_of_n", independent_candidates, SAMPLING_RULES, independent=True)
"""Independent candidates, the best by the visible checks wins: the compute-matched baseline of `refine`."""
REFINE = RefinementStrategy("refine", refine, critic=True)
"""Each candidate is made from an earlier one and what its checks and the critic said about it."""

BUILTIN_STRATEGIES: dict[str, Strategy] = {
    **{strategy.name: strategy for strategy in (SINGLE, BEST_OF_N, REFINE)},
    **ACTING_STRATEGIES,
}
"""The shipped strategies by name."""
