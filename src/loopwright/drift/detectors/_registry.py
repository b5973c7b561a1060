"""The detectors by name, and how one is made for each signal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from loopwright.drift.channels._channels import SIGNALS, Signal
from loopwright.drift.channels._level import ChannelBaseline
from loopwright.drift.detectors._detection import Detection
from loopwright.drift.detectors._windows import WindowDetector
from loopwright.errors import MissingExtra, UserError
from loopwright.plugins import check_detector, instantiate_plugin, load_plugin

if TYPE_CHECKING:
    from loopwright.drift._baseline import Baseline

DetectorName = str
"""A name in `BUILTIN_DETECTORS`, that of an entry point of `loopwright.detectors`, or `package.module:Name`."""


class Detector(Protocol):
    """Watches one signal."""

    def update(self, value: float, place: int) -> Detection | None:
        """Takes the next score, standardised by the level, and its interaction's number."""
        ...

    def state(self) -> dict[str, Any]:
        """Everything that the next update depends on, as JSON types."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from a state."""
        ...


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """What a detector of one signal is made from."""

    level: ChannelBaseline
    """What is usual in the signal."""
    signal: Signal
    chance: float
    """Probability that this detector ever alarms within the horizon without drift, above 0: its share of `alpha`."""
    alpha: float
    """The same probability for all signals together."""
    horizon: int
    """Interactions that `alpha` is spent on."""
    signals: int
    """How many signals are watched."""


DetectorFactory = Callable[[DetectorSettings], Detector]
"""Makes the detector of one signal: a function, or a class whose constructor takes the settings."""


@dataclass(frozen=True, slots=True)
class BuiltinDetector:
    """A detector that is part of Loopwright."""

    make: DetectorFactory
    library: str = ""
    """The library of the extra `drift` that it needs; empty for none."""


def _windows(settings: DetectorSettings) -> Detector:
    return WindowDetector(settings.level, graded=settings.signal.graded)


def _cusum(settings: DetectorSettings) -> Detector:
    from loopwright.drift.detectors._cusum import Cusum, limit

    return Cusum(settings.level, limit(settings.level, settings.chance, settings.horizon))


def _adwin(settings: DetectorSettings) -> Detector:
    from loopwright.drift.detectors._adwin import Adwin

    return Adwin(settings.level, settings.alpha / 20 / settings.signals)


def _e_process(settings: DetectorSettings) -> Detector:
    from loopwright.drift.detectors._eprocess import EProcess

    return EProcess(settings.level, settings.chance, settings.signal.up)


BUILTIN_DETECTORS: Mapping[str, BuiltinDetector] = MappingProxyType(
    {
        "windows": BuiltinDetector(_windows),
        "cusum": BuiltinDetector(_cusum, "numpy"),
        "adwin": BuiltinDetector(_adwin, "river"),
        "e-process": BuiltinDetector(_e_process),
    }
)
"""Name to detector. `windows`: likelihood ratios of moving windows, the default. `cusum`: two-sided, calibrated by
block bootstrap. `adwin`: river's. `e-process`: valid for sessions without end."""


def find_detector(name: DetectorName, folder: Path) -> DetectorFactory:
    """Finds what makes the detectors of a name.

    Args:
        name: A built-in name, an entry point's name, or `package.module:Name`.
        folder: Where modules are looked for beside the installed ones.

    Raises:
        MissingContent: There is no such detector; the remedy names what there is.
        MissingExtra: Its library is not installed.
        UserError: It does not take the settings as its only argument, or makes no detector.
    """
    part = load_plugin("detectors", name, BUILTIN_DETECTORS, folder=folder)
    if not isinstance(part, BuiltinDetector):
        check_detector(name, part)
        return _checked(name, part)
    if part.library and find_spec(part.library) is None:
        raise MissingExtra(
            f"{name} needs {part.library}, which is not installed",
            remedy="Install it: pip install 'loopwright[drift]', or '.[drift]' from a clone.",
        )
    return part.make


def _checked(name: str, factory: DetectorFactory) -> DetectorFactory:
    """A factory of the user's, which may fail in any way, or make something else."""

    def make(settings: DetectorSettings) -> Detector:
        try:
            made = factory(settings)
        except Exception as error:
            raise UserError(f"{name} cannot be made: {type(error).__name__}: {error}") from None
        detector: Detector = instantiate_plugin("detectors", name, made)
        return detector

    return make


def detectors(baseline: Baseline, name: DetectorName, folder: Path) -> list[tuple[int, Signal, Detector]]:
    """A detector for each signal of a baseline, after the signal and its place among the scores.

    Raises:
        UserError: As `find_detector` does.
    """
    make = find_detector(name, folder)
    watched = [(at, signal) for at, signal in enumerate(SIGNALS) if signal.name in baseline.levels]
    total = sum(signal.budget for _, signal in watched)
    return [
        (
            at,
            signal,
            make(
                DetectorSettings(
                    level=baseline.levels[signal.name],
                    signal=signal,
                    chance=baseline.alpha * signal.budget / total,
                    alpha=baseline.alpha,
                    horizon=baseline.horizon,
                    signals=len(watched),
                )
            ),
        )
        for at, signal in watched
    ]
