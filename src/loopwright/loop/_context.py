"""What the nodes of one episode work with. None of it is checkpointed; all of it can be rebuilt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from loopwright.agents import Agent, AgentRole, Memory
from loopwright.budget import Ledger
from loopwright.environments import Environment
from loopwright.loop._calls import NodeCalls
from loopwright.loop._decision import StopRule
from loopwright.models import Model, Prices
from loopwright.record import EpisodeRecord
from loopwright.store import Payload, RunStore
from loopwright.task import Instance, LoopOptions
from loopwright.verify import Verifier


class LoopState(TypedDict, total=False):
    """The graph's state: counters only, the same size after any number of iterations."""

    iteration: int
    """The iteration under way."""
    target: int | None
    """Iteration that the next candidate is made from; None for a fresh start."""
    stopped: bool


@dataclass(frozen=True, slots=True)
class EpisodeContext:
    """The handles of one episode."""

    episode: str
    instance: Instance
    """Without its hidden fields: those went into `environment` alone."""
    environment: Environment
    agents: Mapping[AgentRole, Agent]
    verifiers: Sequence[Verifier]
    """Verdicts beside the environment's visible checks."""
    models: Mapping[str, Model]
    store: RunStore
    ledger: Ledger
    options: LoopOptions
    stop_rules: Sequence[StopRule] = ()
    """Those that the task names beside the strategy's own."""
    prices: Prices | None = None
    seed: int | None = None
    memory: Memory = field(default_factory=Memory)
    """What the proposer remembers of its session."""
    tree: EpisodeRecord = field(default_factory=EpisodeRecord)

    def record(self, data: Payload, iteration: int, node: str) -> None:
        """Appends an event and takes it into the tree."""
        event = self.store.append(data, episode=self.episode, iteration=iteration, node=node)
        self.tree.apply(event)

    def calls(self, iteration: int, node: str) -> NodeCalls:
        """The way of one node to its models."""
        return NodeCalls(
            models=self.models,
            store=self.store,
            ledger=self.ledger,
            prices=self.prices,
            episode=self.episode,
            iteration=iteration,
            node=node,
            seed=self.seed,
        )
