"""What the nodes of one episode work with. None of it is checkpointed; all of it can be rebuilt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from loopwright.agents import Agent, AgentReply, AgentRole, Memory, ModelAgent, NamedModels
from loopwright.budget import Ledger
from loopwright.environments import Environment, KnowsVisibleChecks
from loopwright.errors import AgentError, EventTooLarge
from loopwright.loop._calls import NodeCalls
from loopwright.loop._decision import StopRule
from loopwright.loop._gate import Gate
from loopwright.loop._person import Nobody, Person
from loopwright.loop._search import Search
from loopwright.mcp_tools import Toolbox
from loopwright.models import Model, Prices
from loopwright.models.image import ImageModel
from loopwright.record import EpisodeRecord
from loopwright.store import Payload, Proposed, RunStore
from loopwright.task import Instance, LoopOptions
from loopwright.types import ArmUse
from loopwright.verify import Verifier

TOO_LARGE = "the candidate is too large to be recorded; give a smaller one"
"""Told in the place of a candidate of which nobody could read the event."""


class LoopState(TypedDict, total=False):
    """The graph's state: counters only, the same size after any number of iterations."""

    iteration: int
    """The iteration under way."""
    target: int | None
    """Iteration that the next candidate is made from; None for a fresh start."""
    stopped: bool


@dataclass(frozen=True, slots=True)
class Arm:
    """One of several who make the candidates of a search."""

    agent: Agent
    models: NamedModels
    """Those that the task names, with its own for the proposer."""
    operation: str = ""
    """What its agent is told to do; empty for anything."""


@dataclass(slots=True)
class Draw:
    """A candidate that is asked for ahead of its iteration."""

    reserved: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the budget has room for its call, and at the latest when it ends."""
    result: AgentReply | Exception | None = None
    """What came of it; None before that, and when its iteration has taken it."""
    made_by: ArmUse | None = None
    """Who made it, where a search chooses among several."""

    @property
    def ends_loop(self) -> bool:
        """Whether its iteration will be the last: it failed, and not by an unreadable reply."""
        return isinstance(self.result, Exception) and not isinstance(self.result, AgentError)


@dataclass(slots=True)
class Flight:
    """The candidates of a search that are under way."""

    search: Search = field(init=False)
    """Set when the first is begun."""
    landed: EpisodeRecord = field(init=False)
    """The episode up to the candidate that was looked at last, whatever else is judged already; set as `search` is."""
    size: int = 0
    """Candidates in flight, at most; 0 before the first is begun."""
    calls: asyncio.Semaphore = field(init=False)
    """For whoever asks its model."""
    places: asyncio.Semaphore = field(init=False)
    """For whoever is executed."""
    tasks: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    """By iteration."""
    targets: dict[int, int | None] = field(default_factory=dict)
    """What each is made from, by iteration."""


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
    image_models: Mapping[str, ImageModel] = field(default_factory=dict)
    named: NamedModels = field(default_factory=NamedModels)
    """The models that the task names."""
    arms: Mapping[str, Arm] = field(default_factory=dict)
    """Those whom a search chooses among; none for the proposer alone."""
    stop_rules: Sequence[StopRule] = ()
    """Those that the task names beside the strategy's own."""
    prices: Prices | None = None
    seed: int | None = None
    memory: Memory = field(default_factory=Memory)
    """What the proposer remembers of its session."""
    tree: EpisodeRecord = field(default_factory=EpisodeRecord)
    draws: dict[int, Draw] = field(default_factory=dict)
    """Candidates that were asked for ahead of their iteration: see `loop.width`."""
    places: Callable[[int], asyncio.Semaphore] = asyncio.Semaphore
    """Gives places for so many candidates that are executed together; those of a run are for all of its episodes."""
    toolbox: Toolbox | None = None
    """Tools beside the actions of the environment; None for none."""
    flight: Flight = field(default_factory=Flight)
    """The candidates of a search that are under way."""
    person: Person = field(default_factory=Nobody)
    """Who is asked, where the task asks a person."""
    gate: Gate = field(default_factory=Gate)
    """Where the episode waits while its run is paused, and by which it is asked to stop."""

    @property
    def known(self) -> Instance:
        """The instance, with what the proposer worked out before the loop among its public fields."""
        if self.tree.prepared is None:
            return self.instance
        return self.instance.model_copy(update={"public": {**self.instance.public, **self.tree.prepared.fields}})

    def record(self, data: Payload, iteration: int, node: str) -> None:
        """Appends an event and takes it into the tree.

        Raises:
            EventTooLarge: Nobody could read it again; nothing was recorded.
            StoreError: The record cannot be written.
        """
        event = self.store.append(data, episode=self.episode, iteration=iteration, node=node)
        self.tree.apply(event)

    def record_proposed(self, proposed: Proposed, iteration: int) -> None:
        """Appends what was proposed. A candidate that the record cannot hold counts as none: that is its agent's doing.

        Raises:
            StoreError: The record cannot be written.
        """
        try:
            self.record(proposed, iteration, "propose")
        except EventTooLarge:
            none = Proposed(parent=proposed.parent, problem=TOO_LARGE, made_by=proposed.made_by)
            self.record(none, iteration, "propose")

    @property
    def judged_by_model(self) -> bool:
        """Whether a model's verdict is all there is of a candidate, so that each takes a second model call."""
        if self.verifiers or not isinstance(self.agents.get(AgentRole.VERIFIER), ModelAgent):
            return False
        place: object = self.environment
        return isinstance(place, KnowsVisibleChecks) and place.unchecked(self.instance) is not None

    def calls(self, iteration: int, node: str, on_reserved: Callable[[], None] | None = None) -> NodeCalls:
        """The way of one node to its models; `on_reserved` is called whenever the budget has room for a call."""
        calls = NodeCalls(
            models=self.models,
            store=self.store,
            ledger=self.ledger,
            prices=self.prices,
            episode=self.episode,
            iteration=iteration,
            node=node,
            seed=self.seed,
            on_reserved=on_reserved,
            gate=self.gate,
            # After a draft the verifier is to be asked, after a critique there is to be one more candidate.
            kept={"propose": 1, "critique": 2}.get(node, 0) if self.judged_by_model else 0,
            image_models=self.image_models,
            named=self.named,
            environment=self.environment,
        )
        # Replies that a verifier failed on are in the record; a resume asks anew.
        return calls.part(self.tree.verifier_failures) if node in ("verify", "grade") else calls
