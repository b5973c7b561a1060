"""Scores by two rules side by side, and the verdict that the chosen one gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from loopwright.verify import Check, Verdict

Rule = Literal["intercode", "exact"]


class Scores(BaseModel):
    """What both rules say of one answer; the check of the verdict holds it as its data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    intercode: float
    """The published reward, in [-1, 1]; 1 is success."""
    exact: float
    """1 where the answer is what the task asks, else 0; a share for tests."""
    legacy: bool = False
    """Whether the defects of the published code were kept as well."""
    gold_failed: bool = False
    """Whether the gold answer itself could not be executed: nothing can be said about this task."""
    parts: Mapping[str, Any] = {}
    """What the scores are made of."""

    def verdict(self, rule: Rule) -> Verdict:
        """The verdict by one of the rules; negative rewards become 0, the check's data keeps them."""
        score = min(1.0, max(0.0, getattr(self, rule)))
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
        """Both scores and their parts, one a line."""
        told = {"intercode": self.intercode, "exact": self.exact, **self.parts}
        told |= {"gold": "could not be executed"} if self.gold_failed else {}
        return "\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in told.items())
