"""Scores by two rules side by side, and the verdict that the chosen one gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from loopwright.verify import Check, Verdict

Rule = Literal["intercode", "exact"]


class Scores(BaseModel):
    """What both rules say of one answer; it is the evidence of the verdict's check, as JSON."""

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
        """The verdict by one of the rules; negative rewards become 0, the evidence keeps them."""
        score = min(1.0, max(0.0, getattr(self, rule)))
        return Verdict(checks=(Check(name=rule, score=score, evidence=self.model_dump_json()),))

    @classmethod
    def of(cls, verdict: Verdict) -> Scores | None:
        """Reads the scores back from a verdict; None where it is not such a verdict."""
        for check in verdict.checks:
            try:
                return cls.model_validate_json(check.evidence)
            except ValidationError:
                continue
        return None
