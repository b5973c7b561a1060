"""Scores of one answer by several rules side by side, and the verdict that the chosen one gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from loopwright.verify import Check, Verdict


@dataclass(frozen=True, slots=True)
class Score:
    """What one rule says of an outcome."""

    value: float
    """1 is success; 0 and below are none."""
    parts: Mapping[str, Any] = field(default_factory=dict)
    """What the value is made of, for readers of the record."""


class NothingToScore(Exception):
    """There is nothing that a rule could look at: every rule gives 0.

    Args:
        text: What the agent sees, where its action is the cause.
        parts: Why, for readers of the record.
    """

    def __init__(self, text: str = "", **parts: object) -> None:
        super().__init__(text)
        self.parts: Mapping[str, object] = parts


class Scores(BaseModel):
    """What the rules say of one answer; the check of the verdict holds it as its data.

    The rules beside `exact` are further fields, by the names that the task gives them.
    """

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, float]

    exact: float
    """1 where the answer is what the task asks, else 0; a share for tests."""
    legacy: bool = False
    """Whether the defects of the published code were kept as well."""
    gold_failed: bool = False
    """Whether the gold answer itself could not be executed: nothing can be said about this task."""
    parts: Mapping[str, Any] = {}
    """What the scores are made of."""

    @property
    def rules(self) -> Mapping[str, float]:
        """Rule to its score, which may be negative; 1 is success."""
        return {**self.__pydantic_extra__, "exact": self.exact}

    def verdict(self, rule: str) -> Verdict:
        """The verdict by one of the rules; negative scores become 0, the check's data keeps them."""
        score = min(1.0, max(0.0, self.rules[rule]))
        data = self.model_dump(mode="json")
        return Verdict(checks=(Check(name=rule, score=score, evidence=self._evidence(), data=data),))

    @classmethod
    def of(cls, verdict: Verdict) -> Scores | None:
        """Reads the scores back from a verdict; None where it is not such a verdict."""
        return next((found for check in verdict.checks if (found := cls._of_check(check))), None)

    @classmethod
    def _of_check(cls, check: Check) -> Scores | None:
        try:
            # Checks of older records have no data: the evidence is the scores as JSON.
            return cls.model_validate_json(check.evidence) if check.data is None else cls.model_validate(check.data)
        except ValidationError:
            return None

    def _evidence(self) -> str:
        """The scores and their parts, one a line."""
        told = {**self.rules, **self.parts}
        told |= {"gold": "could not be executed"} if self.gold_failed else {}
        return "\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in told.items())
