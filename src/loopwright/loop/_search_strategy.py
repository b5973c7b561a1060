"""Strategies that search: several candidates are in flight, each made from an earlier one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loopwright.loop._decision import StopRule
from loopwright.loop._graph import compile_nodes
from loopwright.loop._search import Search
from loopwright.loop._stop_rules import SAMPLING_RULES
from loopwright.task import LoopOptions

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph

    from loopwright.loop._context import EpisodeContext, LoopState


@dataclass(frozen=True, slots=True)
class SearchStrategy:
    """A strategy whose candidates are in flight together: `loop.width` model calls, and a few that are executed."""

    name: str
    """As it is written in a task file."""
    begin: Callable[[LoopOptions, int | None], Search]
    """Begins the search of an episode, from the options of the task and its seed."""
    stop_rules: Sequence[StopRule] = SAMPLING_RULES
    needs_value: bool = False
    """Whether it chooses by values, so that a task must say which are better (`loop.value`)."""

    @property
    def asks_critic(self) -> bool:
        """Whether its graph has a critique node."""
        return False

    def in_flight(self, context: EpisodeContext) -> int:
        """How many candidates of an episode are in flight together."""
        from loopwright.loop._flight import sizes

        return sizes(context)[1]

    def compile(
        self, checkpointer: BaseCheckpointSaver[Any] | None
    ) -> CompiledStateGraph[LoopState, EpisodeContext, LoopState, LoopState]:
        """Returns the compiled graph."""
        from loopwright.loop._flight import nodes_of

        search, decide = nodes_of(self.begin, self.stop_rules)
        return compile_nodes({"search": search, "decide": decide}, checkpointer=checkpointer)
