"""What a page shows of a run before its whole record is read: the episodes that ended, and what they come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    complete: bool = False
    """Whether the record was looked through once."""
    later: dict[str, None] = field(default_factory=dict)
    """Episodes that ended since."""
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
                self.later.pop(name, None)
        elif isinstance(event.data, EpisodeFinished) and name in self._started and not self._scored(name):
            self._ended[name] = event.data
            if self.complete:
                self.later[name] = None
            self._variants[self._started[name].variant] = None

    def _scored(self, name: str) -> bool:
        """Whether an episode has a score, which nothing but a new beginning takes away."""
        return name in self._ended and self._ended[name].status == "scored"

    @property
    def ended(self) -> Iterable[str]:
        """Episodes that ended."""
        return self._ended

    def status(self, name: str) -> str | None:
        """How an episode ended; None where it did not."""
        return self._ended[name].status if name in self._ended else None

    def outdated(self, rows: Iterable[Mapping[str, Any]]) -> set[str]:
        """Ids of the rows of episodes that are known to have ended, and have no score as far as the record is read."""
        ended = {encodable(name) for name in self._ended}
        return {row["id"] for row in rows if row["status"] != "scored" and row["id"] in ended}

    def added(self, index: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
        """An index with rows of episodes that ended, where it has none, and the variants of all that ended."""
        known = {row["id"] for row in index["episodes"]}
        more = [
            ended_entry(name, self._started[name], self._ended[name]) for name in names if encodable(name) not in known
        ]
        variants = list(dict.fromkeys([*self._variants, *index["variants"]]))
        return {**index, "variants": variants, "episodes": [*index["episodes"], *more]}
