"""The choice of a detector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

from loopwright.drift.channels._channels import SIGNALS, Signal
from loopwright.drift.channels._level import ChannelBaseline
from loopwright.drift.detectors._detection import Detection
from loopwright.drift.detectors._windows import WindowDetector
from loopwright.errors import UserError

if TYPE_CHECKING:
    from loopwright.drift._baseline import Baseline

DetectorName = Literal["windows", "cusum", "adwin", "e-process"]
"""`windows`: likelihood ratios of moving windows, the default. `cusum`: two-sided, calibrated by block bootstrap.
`adwin`: river's. `e-process`: valid for sessions without end."""


class Detector(Protocol):
    """Watches one signal."""

    level: ChannelBaseline

    def update(self, value: float, place: int) -> Detection | None:
        """Takes the next score, standardised by the level, and its interaction's number."""
        ...

    def state(self) -> dict[str, Any]:
        """Everything that the next update depends on, as JSON types."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from a state."""
        ...


def detectors(baseline: Baseline, name: DetectorName) -> list[tuple[int, Signal, Detector]]:
    """A detector for each signal of a baseline, after the signal and its place among the scores.

    Raises:
        UserError: There is no such detector.
        MissingExtra: Its library is not installed.
    """
    if name not in get_args(DetectorName):
        raise UserError(
            f"there is no detector named {name!r}", remedy=f"There are: {', '.join(get_args(DetectorName))}."
        )
    watched = [(at, signal) for at, signal in enumerate(SIGNALS) if signal.name in baseline.levels]
    total = sum(signal.budget for _, signal in watched)
    return [
        (at, signal, _detector(baseline, name, signal, baseline.alpha * signal.budget / total, len(watched)))
        for at, signal in watched
    ]


def _detector(baseline: Baseline, name: DetectorName, signal: Signal, chance: float, signals: int) -> Detector:
    level = baseline.levels[signal.name]
    match name:
        case "windows":
            return WindowDetector(level, graded=signal.graded)
        case "cusum":
            from loopwright.drift.detectors._cusum import Cusum, limit

            return Cusum(level, limit(level, chance, baseline.horizon))
        case "adwin":
            from loopwright.drift.detectors._adwin import Adwin

            return Adwin(level, baseline.alpha / 20 / signals)
        case "e-process":
            from loopwright.drift.detectors._eprocess import EProcess

            return EProcess(level, chance, signal.up)
