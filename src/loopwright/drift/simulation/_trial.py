"""One simulated session under the monitor: what a setting of thresholds would do."""

from __future__ import annotations

from dataclasses import dataclass

from loopwright.drift._baseline import Baseline
from loopwright.drift._monitor import Monitor
from loopwright.drift.detectors._registry import DetectorName
from loopwright.drift.simulation._scenarios import Scenario, draw
from loopwright.types import Channel


@dataclass(frozen=True, slots=True)
class Trial:
    """What the monitor did in one session."""

    ever: bool
    """Whether anything alarmed at any time."""
    delay: int | None
    """Interactions from the change to the first alarm after it; None where there is none."""
    channels: tuple[Channel, ...]
    """That this alarm named."""


def trial(
    scenario: Scenario,
    seed: int,
    *,
    alpha: float = 0.035,
    size: int | None = None,
    horizon: int = 3000,
    detector: DetectorName = "windows",
) -> Trial:
    """Draws a baseline and a session, and watches it.

    Args:
        scenario: What happens.
        seed: Fixes every draw.
        alpha: Probability that a session without drift may ever alarm.
        size: Interactions of the baseline; the scenario's own by default.
        horizon: Interactions that alpha is spent on.
        detector: How a channel is watched.

    Raises:
        UserError: A setting is out of its range.
        MissingExtra: The detector's library is not installed.
    """
    session = draw(scenario, seed, baseline=size)
    monitor = Monitor(Baseline.freeze(session.baseline, alpha=alpha, horizon=horizon), detector)
    ever, delay = False, None
    channels: tuple[Channel, ...] = ()
    for at, one in enumerate(session.stream):
        alarms = monitor.observe(one)
        if alarms:
            ever = True
            if at >= scenario.begins and delay is None:
                delay, channels = at - scenario.begins, tuple(alarm.channel for alarm in alarms)
    return Trial(ever, delay, channels)
