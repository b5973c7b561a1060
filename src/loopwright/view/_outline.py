"""What a page shows of a run before its whole record is read: the episodes that ended, and what they come to."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from loopwright.record import is_session
from loopwright.report import ended_entry
from loopwright.store import EpisodeFinished, EpisodeStarted, Event, RunFinished, RunStarted
from loopwright.text import encodable
from loopwright.view._totals import Totals


@dataclass(slots=True)
class Outline:
    """Takes in the events in which a run and its episodes begin and end."""

    totals: Totals
    planned: int = 0
    finished: str = ""
    """How the run ended; empty if it is under way or was cut off."""
    _variants: dict[str, None] = field(default_factory=dict)
    _started: dict[str, EpisodeStarted] = field(default_factory=dict)
    _ended: dict[str, EpisodeFinished] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        """Takes in the next event."""
        self.totals.apply(event)
        self.finished = event.data.reason if isinstance(event.data, RunFinished) else ""
        name = event.episode or ""
        if isinstance(event.data, RunStarted):
            self.planned = event.data.episodes
            self._variants |= dict.fromkeys(event.data.variants)
        elif is_session(name):
            return
        elif isinstance(event.data, EpisodeStarted):
            self._started[name] = event.data
            if self._scored(name):
                del self._ended[name]
        elif isinstance(event.data, EpisodeFinished) and name in self._started and not self._scored(name):
            self._ended[name] = event.data
            self._variants[self._started[name].variant] = None

    def _scored(self, name: str) -> bool:
        """Whether an episode has a score, which nothing but a new beginning takes away."""
        return name in self._ended and self._ended[name].status == "scored"

    def added(self, index: Mapping[str, Any], known: Container[str]) -> dict[str, Any]:
        """An index with the episodes that ended and are not known yet, by their ids in the page."""
        more = [
            ended_entry(name, self._started[name], ended)
            for name, ended in self._ended.items()
            if encodable(name) not in known
        ]
        return {**self.named(index), "episodes": [*index["episodes"], *more]}

    def named(self, index: Mapping[str, Any]) -> dict[str, Any]:
        """An index with the variants of all episodes that ended."""
        return {**index, "variants": list(dict.fromkeys([*self._variants, *index["variants"]]))}
