"""Proposers that learn from the episodes of their run."""

from __future__ import annotations

from collections.abc import Iterable

from loopwright.agents import AgentRole, Learns
from loopwright.plan import ResolvedComponents
from loopwright.record import EpisodeRecord
from loopwright.store import Event


def teach(cast: ResolvedComponents, episode: EpisodeRecord) -> None:
    """Lets the proposer learn from an episode that came to its end."""
    proposer: object = cast.agents.get(AgentRole.PROPOSER)
    if isinstance(proposer, Learns):
        proposer.learn(tuple(episode))


def teach_recorded(cast: ResolvedComponents, events: Iterable[Event]) -> None:
    """The same, from the events of an episode that an earlier process ended."""
    if isinstance(cast.agents.get(AgentRole.PROPOSER), Learns):
        episode = EpisodeRecord()
        for event in events:
            episode.apply(event)
        teach(cast, episode)
