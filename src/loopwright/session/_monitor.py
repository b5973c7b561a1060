"""The drift monitor of one agent in a session."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from loopwright.drift import Band, Baseline, Embed, Index, Interaction, Monitor, count_low_windows
from loopwright.task import DriftOptions
from loopwright.types import DriftAlarm


class SessionMonitor:
    """Learns the baseline from the first interactions, or has one, and watches the rest.

    Args:
        options: The task's.
        baseline: From a file; None to learn one.
        folder: Where the module of a detector is looked for beside the installed ones.
        embed: How outputs without an embedding get one; None for as in the baseline.
    """

    def __init__(
        self, options: DriftOptions, baseline: Baseline | None, folder: Path, embed: Embed | None = None
    ) -> None:
        self._options = options
        self._folder = folder
        self._embed = embed
        self._first: list[Interaction] = []
        self._waiting: list[Interaction] = []
        self._monitor = self._begun(baseline) if baseline else None
        self.baseline = baseline
        self._seen = self._before = 0
        self.windows = 0
        """Complete windows of the index so far."""
        self.low = 0
        """Windows in a row whose index was under the baseline's band."""

    @property
    def index(self) -> Index | None:
        """The latest complete window."""
        return self._monitor.index if self._monitor else None

    @property
    def band(self) -> Band | None:
        """Where the index lies in the baseline; None without one."""
        return self.baseline.bands.get("index") if self.baseline else None

    def observe(self, interactions: Iterable[Interaction]) -> Iterator[DriftAlarm]:
        """Takes interactions, and yields what alarms.

        Raises:
            UserError: The first interactions make no baseline.
        """
        for one in interactions:
            self._seen += 1
            if self._monitor is None:
                self._first.append(one)
                if len(self._first) == self._options.first:
                    self._freeze()
                continue
            self._waiting.append(one)
            if len(self._waiting) >= self._options.every:
                waiting, self._waiting = self._waiting, []
                for seen in waiting:
                    yield from self._look(self._monitor, seen)

    def reset(self) -> None:
        """Begins anew against the same baseline, which is never changed."""
        self._monitor = self._begun(self.baseline) if self.baseline else None
        self._before = self._seen
        self._waiting.clear()
        self.low = 0

    def _begun(self, baseline: Baseline) -> Monitor:
        return Monitor(baseline, self._options.detector, folder=self._folder, embed=self._embed)

    def _freeze(self) -> None:
        embedding = self._options.embedding
        self.baseline = Baseline.freeze(
            self._first,
            name="session",
            alpha=self._options.alpha,
            horizon=self._options.horizon,
            embedding="" if embedding == "none" else embedding,
            embed=self._embed,
        )
        self._first.clear()
        self._monitor = self._begun(self.baseline)
        self._before = self._seen

    def _look(self, monitor: Monitor, one: Interaction) -> Iterator[DriftAlarm]:
        before = monitor.index
        for alarm in monitor.observe(one):
            # Counted from the beginning of the session, not of the monitor.
            yield alarm.model_copy(update={"at": alarm.at + self._before, "onset": alarm.onset + self._before})
        if monitor.index is not before and monitor.index is not None:
            self.windows += 1
            self.low = count_low_windows(self.low, monitor.index.value, self.band)
