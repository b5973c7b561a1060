"""Sessions whose drift is known: fifteen scenarios, and cases that must not alarm or must all the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final

from loopwright.drift._baseline import Baseline
from loopwright.drift._monitor import Monitor
from loopwright.drift._observation import Interaction
from loopwright.drift.detectors._registry import DetectorName
from loopwright.drift.simulation._simulator import Injection, Setting, Simulator
from loopwright.types import Channel

CHANGE = 1000
"""Interaction of the session at which drift begins."""
LENGTH = 3000
"""Interactions of a session."""
_BURST = 10
_NONE: Final = Injection()


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of session."""

    name: str
    what: str
    drift: Callable[[int], Injection] | None = None
    """Injection by interactions since the change; None for a session that must not alarm."""
    channels: frozenset[Channel] = frozenset()
    """Any of which is right to name."""
    setting: Setting = field(default_factory=Setting)
    baseline: int = 1000
    contaminated: float = 0.0
    """Share of the baseline that has drifted."""
    burst: Injection | None = None
    """What ten interactions from the change on are like, and none after."""
    begins: int = CHANGE
    """Interaction of the session at which drift or the burst begins."""


def _ramp(since: int, over: int, top: float) -> float:
    return top * min(1.0, (since + 1) / over)


def _rise(since: int, top: float) -> float:
    return top * (1 - math.exp(-since / 200))


def _boiling(since: int) -> Injection:
    return Injection(
        rotation=_ramp(since, 2000, 16),
        steps=_ramp(since, 2000, 0.2),
        values=_ramp(since, 2000, 0.25),
        disagreement=_ramp(since, 2000, 0.06),
        messages=_ramp(since, 2000, 0.9),
        length=1 + _ramp(since, 2000, 0.3),
        overrides=_ramp(since, 2000, 0.04),
    )


_SEVEN = frozenset(
    {
        Channel.C_SEM,
        Channel.C_PATH,
        Channel.T_PARAM,
        Channel.I_AGREE,
        Channel.I_HANDOFF,
        Channel.B_LENGTH,
        Channel.B_HUMAN,
    }
)


def _one(channel: Channel) -> frozenset[Channel]:
    return frozenset({channel})


_LIST = (
    Scenario("S1", "no drift"),
    Scenario("S2", "outputs turned by 27 degrees", lambda u: Injection(rotation=27), _one(Channel.C_SEM)),
    Scenario(
        "S3",
        "outputs turn to 45 degrees over 1,000",
        lambda u: Injection(rotation=_ramp(u, 1000, 45)),
        _one(Channel.C_SEM),
    ),
    Scenario(
        "S4",
        "outputs turned by 36 degrees, 200 on and 200 off",
        lambda u: Injection(rotation=36 if u // 200 % 2 == 0 else 0),
        _one(Channel.C_SEM),
    ),
    Scenario("S5", "40 % of reasoning chains from another chain", lambda u: Injection(steps=0.4), _one(Channel.C_PATH)),
    Scenario("S6", "accuracy x 0.8, confidence unchanged", lambda u: Injection(accuracy=0.8), _one(Channel.C_CONF)),
    Scenario("S7", "25 % of tool sequences in another order", lambda u: Injection(order=0.25), _one(Channel.T_SEQ)),
    Scenario(
        "S8",
        "values to 50 % foreign over 1,000",
        lambda u: Injection(values=_ramp(u, 1000, 0.5)),
        _one(Channel.T_PARAM),
    ),
    Scenario("S9", "consensus 0.92 to 0.80", lambda u: Injection(disagreement=0.12), _one(Channel.I_AGREE)),
    Scenario(
        "S10",
        "hand-off messages +2 over 1,000",
        lambda u: Injection(messages=_ramp(u, 1000, 2)),
        _one(Channel.I_HANDOFF),
    ),
    Scenario("S11", "30 % of tasks to a random agent", lambda u: Injection(roles=0.3), _one(Channel.I_ROLE)),
    Scenario(
        "S12", "length x 1.5 over 1,000", lambda u: Injection(length=1 + _ramp(u, 1000, 0.5)), _one(Channel.B_LENGTH)
    ),
    Scenario("S13", "+8 % errors, most of new kinds", lambda u: Injection(errors=0.08), _one(Channel.B_ERROR)),
    Scenario("S14", "overrides 0.05 to 0.12", lambda u: Injection(overrides=0.07), _one(Channel.B_HUMAN)),
    Scenario("S15", "seven kinds, a little, over 2,000", _boiling, _SEVEN),
    Scenario(
        "plateau",
        "outputs turn to 12 degrees, length to x 1.25, then stay",
        lambda u: Injection(rotation=_rise(u, 12), length=1 + _rise(u, 0.25)),
        frozenset({Channel.C_SEM, Channel.B_LENGTH}),
    ),
    Scenario("seasonal", "no drift, the mix of tasks swings", setting=Setting(seasonal=True)),
    Scenario("burst", "no drift, ten outliers in a row", burst=Injection(garbage=True)),
    Scenario("outage", "no drift, ten failures in a row", burst=Injection(errors=0.98, accuracy=0.0)),
    Scenario("ar1", "no drift, noise with a lag-1 correlation of 0.5", setting=Setting(autocorrelation=0.5)),
    Scenario("small", "no drift, a baseline of 200", baseline=200),
    Scenario("contaminated", "no drift, a tenth of the baseline drifted", contaminated=0.1),
    Scenario(
        "missing",
        "overrides 0.05 to 0.12, no embeddings and no votes",
        lambda u: Injection(overrides=0.07),
        _one(Channel.B_HUMAN),
        setting=Setting(missing=frozenset({"embedding", "votes"})),
    ),
    Scenario(
        "swap",
        "another provider from the first interaction: outputs, values, messages and length a little off",
        lambda u: Injection(rotation=10, values=0.15, messages=0.3, length=1.15),
        begins=0,
        channels=frozenset({Channel.C_SEM, Channel.T_PARAM, Channel.I_HANDOFF, Channel.B_LENGTH}),
    ),
)
SCENARIOS: Final = {scenario.name: scenario for scenario in _LIST}
"""By name: S1 to S15, then cases of robustness."""


@dataclass(frozen=True, slots=True)
class SimulatedSession:
    """One draw of a scenario."""

    baseline: tuple[Interaction, ...]
    stream: Iterator[Interaction]
    """Drawn as it is read."""


def draw_session(
    scenario: Scenario, seed: int, *, length: int = LENGTH, baseline: int | None = None
) -> SimulatedSession:
    """Draws a baseline and the session after it.

    Args:
        scenario: What happens.
        seed: Fixes every draw.
        length: Interactions of the session.
        baseline: Interactions of the baseline; the scenario's own by default.
    """
    first, simulator = start(scenario, seed, baseline)
    return SimulatedSession(first, simulator.session(injection(scenario, place) for place in range(length)))


def start(scenario: Scenario, seed: int, size: int | None = None) -> tuple[tuple[Interaction, ...], Simulator]:
    """Draws a baseline; returns it and the simulator that draws the session after it."""
    simulator = Simulator(seed, scenario.setting)
    chance = Random(seed)
    wrong = Injection(rotation=27, steps=0.4, disagreement=0.12, overrides=0.07, length=1.3)
    first = tuple(
        simulator.draw(wrong if chance.random() < scenario.contaminated else _NONE)
        for _ in range(scenario.baseline if size is None else size)
    )
    return first, simulator


def injection(scenario: Scenario, place: int) -> Injection:
    """What is injected at an interaction of the session."""
    since = place - scenario.begins
    if scenario.burst and 0 <= since < _BURST:
        return scenario.burst
    return scenario.drift(since) if scenario.drift and since >= 0 else _NONE


@dataclass(frozen=True, slots=True)
class Trial:
    """What the monitor did in one session."""

    ever: bool
    """Whether anything alarmed at any time."""
    delay: int | None
    """Interactions from the change to the first alarm after it; None where there is none."""
    channels: tuple[Channel, ...]
    """That this alarm named."""


def run_trial(
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
    session = draw_session(scenario, seed, baseline=size)
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
