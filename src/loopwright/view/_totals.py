"""What a run has come to and spent so far, counted as its events come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from loopwright.record import Spent
from loopwright.report import alarm_line
from loopwright.store import (
    DriftAlarm,
    EpisodeFinished,
    EpisodeStarted,
    Event,
    RunFinished,
    RunResumed,
    RunStarted,
    RunSteered,
)
from loopwright.text import encodable

_ALARMS = 5
"""Of drift, the latest, that are told."""


@dataclass(slots=True)
class _Sum:
    """Of ended episodes."""

    calls: int = 0
    images: int = 0
    tokens: int = 0
    usd: Decimal = Decimal(0)
    unpriced: int = 0
    """Episodes without a known cost."""

    def add(self, ended: EpisodeFinished, sign: int) -> None:
        self.calls += sign * ended.model_calls
        self.images += sign * ended.images
        self.tokens += sign * ended.usage.total
        self.usd += sign * Decimal(ended.cost_usd or 0)
        self.unpriced += sign * (ended.cost_usd is None)


@dataclass(slots=True)
class Totals:
    """Counts the events of a run."""

    config: Mapping[str, Any]
    """Of the run."""
    _ended: dict[str, EpisodeFinished] = field(default_factory=dict)
    _sum: _Sum = field(default_factory=_Sum)
    _failures: Counter[str] = field(default_factory=Counter)
    _passed: int = 0
    _scored: int = 0
    _paused: bool = False
    _again: dict[str, EpisodeFinished] = field(default_factory=dict)
    """Episodes that failed or were left out and are tried again: what they spent counts, their end does not."""
    _alarms: list[str] = field(default_factory=list)
    _caps: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._set_caps(self.config.get("budget") or {})

    def apply(self, event: Event) -> None:
        """Takes in the next event."""
        if event.episode in self._again and not isinstance(event.data, RunSteered):
            # What it spent is counted with the episodes under way from now on.
            self._forget(event.episode or "")
        match event.data:
            case EpisodeStarted():
                self._forget(event.episode or "")
            case EpisodeFinished() as data:
                self._forget(event.episode or "")
                self._ended[event.episode or ""] = data
                self._sum.add(data, 1)
                self._count(data, 1)
            case DriftAlarm() as data:
                self._alarms.append(encodable(alarm_line(data)))
            case RunSteered(action="retry"):
                self._try_again([event.episode or ""])
            case RunSteered(action="set_cap") as data:
                self._set_caps(data.budget)
            case RunResumed() as data:
                self._paused = False
                self._set_caps(data.budget)
                self._try_again([name for name, ended in self._ended.items() if ended.tried_again])
            case RunSteered(action="pause" | "continue") as data:
                self._paused = data.action == "pause"
            case RunStarted() | RunFinished():
                self._paused = False

    def counts(self, name: str) -> bool:
        """Whether the end of an episode is counted: what it spent is in it."""
        return name in self._ended or name in self._again

    def status(self, name: str) -> str | None:
        """How an episode ended; None where it did not, or is tried again."""
        return self._ended[name].status if name in self._ended else None

    def _forget(self, name: str) -> None:
        self._try_again([name])
        if before := self._again.pop(name, None):
            self._sum.add(before, -1)

    def _try_again(self, names: Iterable[str]) -> None:
        for name in names:
            if ended := self._ended.pop(name, None):
                self._again[name] = ended
                self._count(ended, -1)

    def _count(self, ended: EpisodeFinished, sign: int) -> None:
        self._scored += sign * (ended.status == "scored")
        self._passed += sign * bool(ended.passed)
        if ended.failure:
            self._failures[ended.failure.cause] += sign

    def _set_caps(self, budget: Mapping[str, Any]) -> None:
        self._caps |= {name: amount for name, amount in budget.items() if isinstance(amount, int | float)}

    def told(self, others: Iterable[Spent]) -> dict[str, Any]:
        """What the page tells.

        Args:
            others: What episodes under way and sessions spent.
        """
        found, more = self._sum, Spent.total(others)
        usd = None if found.unpriced or more.cost_usd is None else found.usd + more.cost_usd
        used = {
            "usd": usd,
            "model_calls": found.calls + more.calls,
            "images": found.images + more.images,
            "tokens": found.tokens + more.usage.total,
        }
        return {
            "paused": self._paused,
            "done": len(self._ended),
            "scored": self._scored,
            "passed": self._passed,
            "calls": used["model_calls"],
            "tokens": used["tokens"],
            "cost": None if usd is None else str(usd),
            "caps": [
                {"cap": name, "amount": amount, "used": None if used.get(name) is None else float(used[name] or 0)}
                for name, amount in self._caps.items()
            ],
            "failures": {encodable(cause): n for cause, n in self._failures.most_common() if n},
            "alarms": self._alarms[-_ALARMS:],
            "alarmed": len(self._alarms),
        }
