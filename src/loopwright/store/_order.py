"""Whether the events of a run can have happened in their order: checksums prove nothing of a line that was made up."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from loopwright.errors import StoreError
from loopwright.store._events import EpisodeFinished, EpisodeStarted, Event, Graded, Judged, Observed, Proposed


@dataclass(slots=True)
class Order:
    """Takes in the events of one file, from the first.

    What an iteration holds beside a candidate needs none: strategies of your own may criticise or stop before one.
    """

    file: Path
    _proposed: dict[str, set[int]] = field(default_factory=dict)
    """Episode to its iterations with an attempt so far."""
    _scored: set[str] = field(default_factory=set)

    def check(self, event: Event) -> None:
        """Takes in the next event.

        Raises:
            StoreError: It rests on an iteration that does not stand before it; file and line are named.
        """
        if event.episode is None:
            return
        if isinstance(event.data, EpisodeStarted) and event.episode in self._scored:
            # An episode that begins anew after its score has nothing of what was before.
            self._scored.remove(event.episode)
            del self._proposed[event.episode]
        before = self._proposed.setdefault(event.episode, set())
        needed = _needed(event)
        later = isinstance(event.data, Proposed) and needed is not None and needed >= (event.iteration or 0)
        if needed is not None and (later or needed not in before):
            raise StoreError(
                f"{self.file} line {event.seq + 1}: {event.data.type} of {event.episode} rests on iteration {needed}, "
                "which is no attempt before it",
                remedy="The line was made up or moved. Restore the file from a backup.",
            )
        if isinstance(event.data, Proposed) and event.iteration is not None:
            before.add(event.iteration)
        if isinstance(event.data, EpisodeFinished) and event.data.status == "scored":
            self._scored.add(event.episode)


def _needed(event: Event) -> int | None:
    """The iteration whose attempt an event rests on; None where it needs none."""
    match event.data:
        case Proposed() as data:
            return data.parent
        case Observed() | Judged():
            return event.iteration
        case Graded() as data:
            return data.candidate_iteration
        case EpisodeFinished() as data:
            return data.answer_iteration
    return None
