"""The monitor: interactions in, alarms and points of the index out."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from loopwright.drift._baseline import WINDOW, Baseline
from loopwright.drift._embedding import Embed, embedder
from loopwright.drift._index import Index, Tally, combine, window_scores
from loopwright.drift._observation import Interaction, sound
from loopwright.drift.channels._direction import DirectionScore
from loopwright.drift.channels._level import BURST
from loopwright.drift.detectors._detection import Detection
from loopwright.drift.detectors._registry import DetectorName, detectors
from loopwright.errors import ModelError, UserError
from loopwright.types import TRAITS, Category, Channel, DriftAlarm

_FARTHEST = 99.0
_LATELY = 100
"""Interactions within which no more than a burst of them is set aside."""
_SILENCE = 200
"""Interactions after an alarm in which the channel does not alarm again."""
_ODD_LEAST = 8
"""Signals below which an interaction is never odd as a whole"""
_REMEMBERED = 1024
"""Ids that are kept to tell duplicates and to name examples."""


@dataclass(slots=True)
class Counts:
    """What came in, for the reader of a report."""

    seen: int = 0
    duplicates: int = 0
    malformed: int = 0
    """Fields that were dropped because no such value can be."""
    unembedded: int = 0
    """Outputs that a server gave no embedding for."""
    aside: int = 0
    """Interactions in which half the signals were odd at once: up to ten in a hundred do not count for alarms."""
    backwards: int = 0
    """Times that went back; the order of arrival counts."""


class Monitor:
    """Watches one stream of interactions against a baseline, in bounded memory.

    Usable alone: it knows nothing of how the interactions came about, and never raises for what they hold.

    Args:
        baseline: What is usual.
        detector: How a channel is watched: a name in `BUILTIN_DETECTORS`, an entry point's, or `module:Name`.
        folder: Where such a module is looked for beside the installed ones.
        embed: How outputs without an embedding get one; None for as in the baseline.

    Raises:
        UserError: There is no such detector.
        MissingExtra: The detector's library, or that of the baseline's embedder, is not installed.
    """

    def __init__(
        self,
        baseline: Baseline,
        detector: DetectorName = "windows",
        *,
        folder: Path = Path(),
        embed: Embed | None = None,
    ) -> None:
        self.baseline = baseline
        self.detector = detector
        self.counts = Counts()
        self.index: Index | None = None
        """The latest complete window."""
        self._embed = embed or (embedder(baseline.embedding) if baseline.embedding else None)
        self._heading = DirectionScore(baseline.reference.spread)
        self._watches = detectors(baseline, detector, folder)
        levels = baseline.levels
        # What an interaction needs of each signal, at hand: this is most of the monitor's time.
        self._plan = [
            (at, level.means, level.means[""], level.sd, level.tail, (signal, watch))
            for at, signal, watch in self._watches
            for level in (levels[signal.name],)
        ]
        self._tally = Tally()
        self._quiet: dict[Channel, int] = {}
        self._aside: deque[int] = deque(maxlen=BURST)
        self._ids: deque[str] = deque(maxlen=_REMEMBERED)
        self._known: set[str] = set()
        self._time = ""

    def observe(self, one: Interaction) -> tuple[DriftAlarm, ...]:
        """Takes the next interaction; returns the alarms it raises, which mostly are none."""
        if one.id and one.id in self._known:
            self.counts.duplicates += 1
            return ()
        one, dropped = sound(one)
        self.counts.malformed += dropped
        one = self._embedded(one)
        self._remember(one)
        place = self.counts.seen
        self.counts.seen = place + 1
        scores = self.baseline.reference.scores(one, heading=self._heading)
        self._tally.add(one, scores)
        if self.counts.seen % WINDOW == 0:
            start = self.counts.seen - WINDOW
            self.index = combine(window_scores(self._tally, self.baseline.norms), start=start, end=self.counts.seen)
            self._tally = Tally()
        given, odd, task = [], 0, one.task
        for at, means, overall, sd, tail, watched in self._plan:
            score = scores[at]
            if score is not None:
                value = (score - means.get(task, overall)) / sd
                odd += value >= tail
                given.append((watched, value))
        if 2 * odd >= max(len(given), _ODD_LEAST) and self._few_lately(place):
            return ()
        alarms: list[DriftAlarm] = []
        for (signal, detector), value in given:
            finding = detector.update(value, place)
            if finding is not None and place >= self._quiet.get(signal.channel, 0):
                self._quiet[signal.channel] = place + _SILENCE
                alarms.append(self._alarm(signal.channel, finding, one))
        return tuple(alarms)

    def _few_lately(self, place: int) -> bool:
        """Whether another odd interaction may be set aside, and sets it aside."""
        if len(self._aside) == BURST and place - self._aside[0] < _LATELY:
            return False
        self._aside.append(place)
        self.counts.aside += 1
        return True

    def _alarm(self, channel: Channel, finding: Detection, one: Interaction) -> DriftAlarm:
        size = abs(finding.shift)
        now = self.counts.seen - 1
        ids = list(self._ids)
        begun = len(ids) - (now - finding.onset) - 1
        return DriftAlarm(
            channel=channel,
            category=TRAITS[channel].category,
            at=now,
            onset=finding.onset,
            worse=finding.up,
            shift=max(-_FARTHEST, min(_FARTHEST, finding.shift)),
            severity="minor" if size < 0.5 else "moderate" if size < 1 else "severe",
            time=one.time,
            before=tuple(filter(None, ids[max(begun - 3, 0) : max(begun, 0)])),
            after=tuple(filter(None, ids[-3:])),
        )

    def _remember(self, one: Interaction) -> None:
        if len(self._ids) == _REMEMBERED:
            self._known.discard(self._ids[0])
        self._ids.append(one.id)
        if one.id:
            self._known.add(one.id)
        if one.time:
            if one.time < self._time:
                self.counts.backwards += 1
            else:
                self._time = one.time

    def _embedded(self, one: Interaction) -> Interaction:
        """Gives an output its embedding; a server that fails must not stop the loop that is watched."""
        if one.embedding or not one.output or self._embed is None:
            return one
        try:
            return replace(one, embedding=tuple(self._embed(one.output)))
        except ModelError:
            self.counts.unembedded += 1
            return one

    def checkpoint(self) -> dict[str, Any]:
        """Everything that later results depend on, as JSON types; floats survive JSON exactly."""
        return {
            "baseline": self.baseline.digest,
            "detector": self.detector,
            "counts": asdict(self.counts),
            "tally": asdict(self._tally),
            "aside": list(self._aside),
            "quiet": {channel.value: until for channel, until in self._quiet.items()},
            "ids": list(self._ids),
            "time": self._time,
            "index": None if self.index is None else asdict(self.index),
            "watches": {signal.name: watch.state() for _, signal, watch in self._watches},
            "heading": self._heading.state(),
        }

    @classmethod
    def restore(cls, baseline: Baseline, checkpoint: Mapping[str, Any], *, folder: Path = Path()) -> Self:
        """Goes on from a checkpoint; everything after is as if there had been no interruption.

        Raises:
            UserError: The checkpoint belongs to another baseline.
        """
        if checkpoint["baseline"] != baseline.digest:
            raise UserError(
                "the checkpoint belongs to another baseline",
                remedy="Restore it with the baseline it was made with, or begin a new monitor.",
            )
        monitor = cls(baseline, checkpoint["detector"], folder=folder)
        monitor.counts = Counts(**checkpoint["counts"])
        monitor._tally = Tally(**checkpoint["tally"])
        monitor._quiet = {Channel(name): until for name, until in checkpoint["quiet"].items()}
        monitor._aside.extend(checkpoint["aside"])
        monitor._ids.extend(checkpoint["ids"])
        monitor._known = set(filter(None, checkpoint["ids"]))
        monitor._time = checkpoint["time"]
        if checkpoint["index"] is not None:
            monitor.index = _index(checkpoint["index"])
        for _, signal, watch in monitor._watches:
            watch.restore(checkpoint["watches"][signal.name])
        monitor._heading.restore(checkpoint["heading"])
        return monitor


def _index(stored: Mapping[str, Any]) -> Index:
    values = {field.name: stored[field.name] for field in fields(Index)}
    values["scores"] = {Channel(name): value for name, value in stored["scores"].items()}
    values["categories"] = {Category(name): value for name, value in stored["categories"].items()}
    return Index(**values)
