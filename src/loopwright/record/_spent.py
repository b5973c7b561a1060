"""What recorded model calls used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from loopwright.store import CallFinished
from loopwright.types import Usage

ResultOf = Callable[[CallFinished], Mapping[str, Any] | None]
"""Gives the result of a recorded call; None where there is none."""


def inline_result(call: CallFinished) -> Mapping[str, Any] | None:
    """The result in the event itself, where the artifacts are out of reach."""
    return call.result


@dataclass(slots=True)
class Spent:
    """Model calls and what they used."""

    calls: int = 0
    usage: Usage = field(default_factory=Usage)
    cost_usd: Decimal | None = Decimal(0)
    """None where a call has no price."""
    seconds: float = 0.0
    unreported: int = 0
    """Calls of which the provider did not say what they used."""
    left_out: frozenset[str] = frozenset()
    """Parameters that a provider refused, so that a reply was drawn without them."""
    measured: frozenset[str] = frozenset()
    """Days on which `models check` had found that out, where it did."""

    @classmethod
    def total(cls, parts: Iterable[Spent]) -> Spent:
        """All of it together."""
        whole = cls()
        for part in parts:
            costs = (whole.cost_usd, part.cost_usd)
            whole = cls(
                calls=whole.calls + part.calls,
                usage=whole.usage + part.usage,
                cost_usd=None if costs[0] is None or costs[1] is None else costs[0] + costs[1],
                seconds=whole.seconds + part.seconds,
                unreported=whole.unreported + part.unreported,
                left_out=whole.left_out | part.left_out,
                measured=whole.measured | part.measured,
            )
        return whole

    def add(self, finished: CallFinished, result: Mapping[str, Any]) -> None:
        """Counts one model call that was answered."""
        self.calls += 1
        self.seconds += finished.seconds
        self.usage += Usage.model_validate(result.get("usage") or {})
        self.unreported += result.get("usage_reported") is False
        self.left_out |= frozenset(map(str, result.get("left_out") or ()))
        self.measured |= frozenset(filter(None, [str(result.get("measured") or "")]))
        cost = result.get("cost_usd")
        self.cost_usd = None if cost is None or self.cost_usd is None else self.cost_usd + Decimal(str(cost))
