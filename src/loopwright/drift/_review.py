"""A whole session under the monitor, for reports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from loopwright.drift._baseline import WINDOW, Baseline
from loopwright.drift._index import Index
from loopwright.drift._monitor import Counts, Monitor
from loopwright.drift._observation import Interaction
from loopwright.drift.detectors._registry import DetectorName
from loopwright.types import DriftAlarm


@dataclass(frozen=True, slots=True)
class Review:
    """What the monitor said about a session."""

    baseline: Baseline
    points: tuple[Index, ...]
    """The index of each complete window."""
    alarms: tuple[DriftAlarm, ...]
    counts: Counts
    detector: DetectorName = "windows"

    @property
    def worse(self) -> tuple[DriftAlarm, ...]:
        """Alarms with which the index falls."""
        return tuple(alarm for alarm in self.alarms if alarm.worse)

    @property
    def compared(self) -> bool:
        """Whether a window was complete and had data, so that something can be said about a change."""
        return any(point.value is not None for point in self.points)

    @property
    def outcome(self) -> str:
        """What the session shows, in a few words."""
        if self.worse:
            return f"{len(self.worse)} alarm{'s' if len(self.worse) > 1 else ''} of a change for the worse"
        if not self.compared:
            return f"nothing can be said about a change, as no window of {WINDOW} interactions with data is complete"
        return "no change for the worse was found"

    def as_dict(self) -> dict[str, Any]:
        """Plain data for `--json`."""
        from dataclasses import asdict

        return {
            "baseline": {"name": self.baseline.name, "digest": self.baseline.digest},
            "outcome": self.outcome,
            "interactions": self.counts.seen,
            "duplicates": self.counts.duplicates,
            "malformed": self.counts.malformed,
            "set_aside": self.counts.aside,
            "detector": self.detector,
            "alpha": self.baseline.alpha,
            "horizon": self.baseline.horizon,
            "alarms": [alarm.model_dump(mode="json", exclude={"type", "agent"}) for alarm in self.alarms],
            "index": [asdict(point) for point in self.points],
        }


def review(baseline: Baseline, observations: Iterable[Interaction], detector: DetectorName = "windows") -> Review:
    """Runs a monitor over a session.

    Raises:
        MissingExtra: The detector's library is not installed.
    """
    monitor = Monitor(baseline, detector)
    points: list[Index] = []
    alarms: list[DriftAlarm] = []
    for one in observations:
        alarms += monitor.observe(one)
        if monitor.index is not None and (not points or monitor.index is not points[-1]):
            points.append(monitor.index)
    return Review(baseline, tuple(points), tuple(alarms), monitor.counts, detector)


def find_onsets(review: Review) -> tuple[int, ...]:
    """Where the index changed, looked at from the end (PELT, Killick et al. 2012, by ruptures).

    Returns:
        Numbers of the interactions at which another level begins; empty for fewer than eight windows.

    Raises:
        MissingExtra: ruptures is not installed.
    """
    from loopwright.errors import MissingExtra

    values = [point.value for point in review.points if point.value is not None]
    band = review.baseline.bands.get("index")
    if len(values) < 8 or band is None:
        return ()
    try:
        import numpy as np
        import ruptures
    except ImportError:
        raise MissingExtra("ruptures is not installed", remedy="Install it: pip install 'loopwright[drift]'.") from None
    spread = max(band.sd, 1e-6)
    signal = np.array(values).reshape(-1, 1) / spread
    # The usual penalty for a change of the mean at known spread: three times the log of the length.
    found = ruptures.Pelt(model="l2", min_size=2).fit(signal).predict(pen=3 * float(np.log(len(values))))
    return tuple(review.points[at].start for at in found if at < len(values))
