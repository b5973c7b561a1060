"""Verdicts: what was found out about a candidate."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from loopwright.errors import VerifierError
from loopwright.types._value import Value, ValueOptions


class Check(BaseModel):
    """One thing that was checked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    score: float = Field(ge=0, le=1)
    evidence: str = ""
    """Why it did not pass: the failing assertion with its values and a trimmed traceback."""
    confidence: float = Field(default=1.0, ge=0, le=1)
    """1 for executed checks; what the judge claims for judged ones."""
    weight: float = Field(default=1.0, gt=0)
    data: Mapping[str, JsonValue] | None = None
    """The measurements behind the score, for programs; the evidence is for readers and prompts."""

    @property
    def passed(self) -> bool:
        """Whether the score is full."""
        return self.score >= 1.0


def _numbered(checks: Iterable[Check]) -> tuple[Check, ...]:
    """The same checks under names of their own: `a`, `a (2)`, `a (3)`."""
    taken: dict[str, Check] = {}
    for check in checks:
        name, number = check.name, 1
        while name in taken:
            number += 1
            name = f"{check.name} ({number})"
        taken[name] = check.model_copy(update={"name": name})
    return tuple(taken.values())


class Verdict(BaseModel):
    """Scores per check, with evidence, confidence and cost."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checks: tuple[Check, ...] = ()
    summary: str = ""
    """One line that holds even where there are no checks, e.g. that the module could not be imported."""
    value: Value | None = Field(default=None, exclude_if=lambda value: value is None)
    """What the task maximises or minimises beside the score (`loop.value`); None where there is nothing to measure."""
    margin: float = Field(default=0.0, ge=0, allow_inf_nan=False, exclude_if=operator.not_)
    """How much worse the value may be, where it is measured with noise: values are compared by their worse ends."""
    cost_usd: Decimal = Decimal(0)
    seconds: float = Field(default=0.0, ge=0)

    def worth(self, value: ValueOptions) -> float:
        """A number that is higher for a better value, at the worse end of its margin; the lowest for no value."""
        return value.rank(self.value) - self.margin

    @property
    def score(self) -> float:
        """Weighted mean of the checks' scores, in [0, 1]; 0 without checks."""
        weight = sum(check.weight for check in self.checks)
        return sum(check.weight * check.score for check in self.checks) / weight if weight else 0.0

    @property
    def blank(self) -> bool:
        """Whether nothing was checked, said or measured."""
        return not self.checks and not self.summary and self.value is None

    @property
    def confidence(self) -> float:
        """The least sure check's confidence, in [0, 1]."""
        return min((check.confidence for check in self.checks), default=1.0)

    @property
    def passed(self) -> bool:
        """Whether there are checks and all of them passed."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that did not pass, in order."""
        return tuple(check for check in self.checks if not check.passed)

    @classmethod
    def joined(cls, verdicts: Iterable[Verdict]) -> Verdict:
        """One verdict of several on the same candidate; checks of the same name are told apart by a number.

        Raises:
            VerifierError: More than one of them gives a value.
        """
        told = [verdict for verdict in verdicts if not verdict.blank]
        if len(told) == 1:
            return told[0]
        values = [verdict.value for verdict in told if verdict.value is not None]
        if len(values) > 1:
            raise VerifierError(
                f"{len(values)} verdicts on one candidate give a value",
                remedy="Measure in one place: the environment or the verifier.",
            )
        return cls(
            checks=_numbered(check for verdict in told for check in verdict.checks),
            summary="; ".join(verdict.summary for verdict in told if verdict.summary),
            value=next(iter(values), None),
            margin=max((verdict.margin for verdict in told), default=0.0),
            cost_usd=sum((verdict.cost_usd for verdict in told), Decimal(0)),
            seconds=sum(verdict.seconds for verdict in told),
        )

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [check.name for check in self.checks]
        if len(set(names)) != len(names):
            msg = f"check names repeat: {sorted(names)}"
            raise ValueError(msg)
        return self
