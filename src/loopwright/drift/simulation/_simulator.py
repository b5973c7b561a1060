"""A synthetic session of agents whose drift is known: for testing thresholds before trusting them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from statistics import NormalDist

from loopwright.drift._observation import Interaction, ToolCall

TASKS = ("triage", "report", "reconcile", "review", "forecast", "audit")
AGENTS = ("router", "analyst", "clerk", "checker")
TOOLS = ("search", "read", "write", "sql", "shell", "plot", "mail", "calc")
STEPS = ("plan", "look", "compute", "check", "explain", "finish")
ERRORS = ("timeout", "not found", "permission denied", "bad syntax")
NEW_ERRORS = ("disk full", "schema mismatch", "rate limited", "out of memory")
VALUES = ("a", "b", "c", "d", "e", "f")
DIMENSION = 16
_SPREAD = 0.09
"""Noise per coordinate of an embedding: cosines to the centre are 0.94 +- 0.02."""
_TEAM = 12
_LATENT = ("size", "agree", "messages", "correct", "error", "override", "confidence")
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Injection:
    """Strength of every kind of drift at one interaction; all zero is no drift."""

    rotation: float = 0.0
    """Degrees by which outputs are turned away."""
    steps: float = 0.0
    """Share of reasoning chains from another Markov chain."""
    accuracy: float = 1.0
    """Factor on the accuracy; the confidence stays."""
    order: float = 0.0
    """Share of tool sequences in another order."""
    values: float = 0.0
    """Share of parameter values from another distribution."""
    disagreement: float = 0.0
    """Fall of the consensus rate."""
    messages: float = 0.0
    """Additional messages per hand-off."""
    roles: float = 0.0
    """Share of tasks that go to a random agent."""
    length: float = 1.0
    """Factor on the length."""
    errors: float = 0.0
    """Additional error rate, 80 % of it of kinds not seen before."""
    overrides: float = 0.0
    """Additional override rate."""
    garbage: bool = False
    """An outlier: everything is wrong at once."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a session without drift is like."""

    seasonal: bool = False
    """Whether the mix of tasks swings with a period of 500 interactions."""
    autocorrelation: float = 0.0
    """Lag-1 correlation of the noise of lengths, messages, confidence, agreement, accuracy, errors and overrides."""
    missing: frozenset[str] = frozenset()
    """Fields of `Interaction` that nobody records."""


@dataclass(slots=True)
class _Latent:
    """Uniform draws, one stream per name, each an AR(1) Gaussian copula."""

    random: Random
    phi: float
    state: dict[str, float] = field(default_factory=dict)

    def draw(self) -> dict[str, float]:
        if not self.phi:
            return {name: self.random.random() for name in _LATENT}
        scale = math.sqrt(1 - self.phi * self.phi)
        for name in _LATENT:
            old = self.state.get(name)
            noise = self.random.gauss()
            self.state[name] = noise if old is None else self.phi * old + scale * noise
        return {name: min(max(_NORMAL.cdf(value), 1e-12), 1 - 1e-12) for name, value in self.state.items()}


class Simulator:
    """Draws interactions of a small team of agents.

    Args:
        seed: Fixes the team and every draw.
        setting: What the team is like without drift.
    """

    def __init__(self, seed: int, setting: Setting = Setting()) -> None:
        self._random = random = Random(seed)
        self._setting = setting
        self._latent = _Latent(random, setting.autocorrelation)
        # The team is the same whatever the seed, so that a strength means the same everywhere.
        team = Random(_TEAM)
        self._centres = [_unit(team) for _ in TASKS]
        self._away = [_orthogonal(team, centre) for centre in self._centres]
        self._chain = _chain(team, len(STEPS))
        self._other_chain = _mixed(self._chain, _chain(team, len(STEPS)), 0.5)
        self._tools = _chain(team, len(TOOLS))
        self._values = [_weights(team, len(VALUES)) for _ in TOOLS]
        self._other_values = [_weights(team, len(VALUES)) for _ in TOOLS]
        self._count = 0

    def draw(self, injection: Injection = Injection()) -> Interaction:
        """Draws the next interaction."""
        random, latent = self._random, self._latent.draw()
        task = self._task()
        agent = task % len(AGENTS)
        stray = 0.05 + 0.95 * injection.roles
        if random.random() < stray or injection.garbage:
            agent = random.randrange(len(AGENTS))
        self._count += 1
        rate = 0.89 + 0.08 * _NORMAL.inv_cdf(latent["confidence"])
        confidence = min(max(rate, 0.5), 0.99)
        error = self._error(latent["error"], injection)
        agreed = latent["agree"] >= 0.08 + injection.disagreement and not injection.garbage
        size = 5.3 + 0.15 * task + 0.5 * _NORMAL.inv_cdf(latent["size"])
        fields: dict[str, object] = {
            "id": str(self._count),
            "task": TASKS[task],
            "agent": AGENTS[agent],
            "embedding": self._embedding(task, injection),
            "steps": self._steps(injection),
            "confidence": confidence,
            "correct": latent["correct"] < confidence * injection.accuracy and not injection.garbage,
            "tools": self._calls(task, injection),
            "votes": (True, True, True, True) if agreed else (True, False, True, False),
            "messages": 1 + _poisson(0.8 + injection.messages, latent["messages"]) + 8 * injection.garbage,
            "length": max(1, round(math.exp(size) * injection.length * (8 if injection.garbage else 1))),
            "error": error,
            "override": latent["override"] < 0.05 + injection.overrides or injection.garbage,
        }
        for name in self._setting.missing:
            fields.pop(name)
        return Interaction(**fields)  # type: ignore[arg-type]  # the values are those of the fields by name

    def session(self, injections: Sequence[Injection] | Iterator[Injection]) -> Iterator[Interaction]:
        """Draws one interaction for each injection."""
        return (self.draw(injection) for injection in injections)

    def _task(self) -> int:
        if not self._setting.seasonal:
            return self._random.randrange(len(TASKS))
        phase = 2 * math.pi * self._count / 500
        shares = [1 + 0.9 * math.sin(phase + 2 * math.pi * k / len(TASKS)) for k in range(len(TASKS))]
        return _pick(shares, self._random.random() * sum(shares))

    def _embedding(self, task: int, injection: Injection) -> tuple[float, ...]:
        gauss = self._random.gauss
        if injection.garbage:
            return tuple(_unit(self._random))
        angle = math.radians(injection.rotation)
        along, across = math.cos(angle), math.sin(angle)
        return tuple(
            along * centre + across * away + gauss(0.0, _SPREAD)
            for centre, away in zip(self._centres[task], self._away[task], strict=True)
        )

    def _steps(self, injection: Injection) -> tuple[str, ...]:
        random = self._random
        if injection.garbage:
            return tuple(random.choices(STEPS, k=6))
        chain = self._other_chain if random.random() < injection.steps else self._chain
        return tuple(STEPS[index] for index in _walk(random, chain, 0, 4 + random.randrange(5)))

    def _calls(self, task: int, injection: Injection) -> tuple[ToolCall, ...]:
        random = self._random
        walk = _walk(random, self._tools, task, 3 + random.randrange(5))
        if random.random() < injection.order:
            walk.reverse()
        if injection.garbage:
            return tuple(ToolCall("unknown", {"mode": "?"}) for _ in walk)
        calls = []
        for tool in walk:
            values = self._other_values if random.random() < injection.values else self._values
            calls.append(ToolCall(TOOLS[tool], {"mode": VALUES[_pick(values[tool], random.random())]}))
        return tuple(calls)

    def _error(self, draw: float, injection: Injection) -> str:
        if injection.garbage:
            return "the provider is down"
        if draw < 0.02:
            return ERRORS[min(int(draw / 0.02 * len(ERRORS)), len(ERRORS) - 1)]
        if draw < 0.02 + injection.errors:
            return self._random.choice(NEW_ERRORS if self._random.random() < 0.8 else ERRORS)
        return ""


def _unit(random: Random) -> list[float]:
    vector = [random.gauss() for _ in range(DIMENSION)]
    norm = math.sqrt(math.fsum(value * value for value in vector))
    return [value / norm for value in vector]


def _orthogonal(random: Random, centre: Sequence[float]) -> list[float]:
    vector = _unit(random)
    along = math.fsum(a * b for a, b in zip(vector, centre, strict=True))
    rest = [a - along * b for a, b in zip(vector, centre, strict=True)]
    norm = math.sqrt(math.fsum(value * value for value in rest))
    return [value / norm for value in rest]


def _weights(random: Random, count: int) -> list[float]:
    raw = [0.03 + random.random() ** 3 for _ in range(count)]
    total = math.fsum(raw)
    return [value / total for value in raw]


def _chain(random: Random, count: int) -> list[list[float]]:
    return [_weights(random, count) for _ in range(count)]


def _mixed(one: Sequence[Sequence[float]], other: Sequence[Sequence[float]], share: float) -> list[list[float]]:
    return [
        [(1 - share) * a + share * b for a, b in zip(left, right, strict=True)]
        for left, right in zip(one, other, strict=True)
    ]


def _pick(weights: Sequence[float], draw: float) -> int:
    for index, weight in enumerate(weights):
        draw -= weight
        if draw < 0:
            return index
    return len(weights) - 1


def _walk(random: Random, chain: Sequence[Sequence[float]], start: int, count: int) -> list[int]:
    here, walk = start, [start]
    for _ in range(count - 1):
        here = _pick(chain[here], random.random())
        walk.append(here)
    return walk


def _poisson(rate: float, draw: float) -> int:
    term = total = math.exp(-rate)
    count = 0
    while draw > total and count < 100:
        count += 1
        term *= rate / count
        total += term
    return count
