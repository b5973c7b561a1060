"""Scores of one answer by several rules side by side, the rules by their names, and the verdict of the chosen one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from pkgutil import resolve_name
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, ValidationError

from loopwright.errors import LoopwrightError, VerifierError
from loopwright.plugins import instantiate_plugin, load_plugin
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


class Outcome(Protocol):
    """What an episode came to, beside what the gold answer comes to; each environment has a class of its own."""

    @property
    def gold_failed(self) -> bool:
        """Whether the gold answer could not be executed."""
        ...

    async def exact(self) -> Score:
        """Whether this is what the task asks.

        Raises:
            VerifierError: The tests cannot be run.
            SandboxError: A sandbox failed.
        """
        ...


@runtime_checkable
class ScoreRule(Protocol):
    """Scores outcomes; a task names it in `scoring`."""

    async def score(self, outcome: Any) -> Score:
        """Scores an outcome, such as a `ShellOutcome`, `QueryOutcome`, `FunctionOutcome` or `AnswerOutcome`.

        Raises:
            NothingToScore: Every rule gives 0.
            VerifierError: The rule cannot be applied; this says nothing about the answer.
            SandboxError: A sandbox failed.
        """
        ...


async def score_outcome(
    coming: Awaitable[Outcome], rules: Sequence[str], find: Callable[[str], ScoreRule], *, legacy: bool = False
) -> Scores:
    """Scores an outcome by every rule that a task names, and by `exact`.

    Args:
        coming: The outcome; `NothingToScore` where there is none, which every rule gives 0.
        rules: The names.
        find: Finds a rule by its name.
        legacy: Whether the defects of published code are kept.

    Raises:
        TaskError: The task has nothing to compare with.
        VerifierError: The outcome cannot be had, or a rule fails.
        SandboxError: A sandbox failed.
    """
    names = [*(name for name in rules if name != "exact"), "exact"]
    outcome: Outcome | None = None
    try:
        outcome = await coming
        found = {name: await _score(name, find(name), outcome) for name in names}
    except NothingToScore as nothing:
        found = dict.fromkeys(names, Score(0, nothing.parts))
    return Scores(
        **{name: score.value for name, score in found.items()},
        legacy=legacy,
        gold_failed=outcome is not None and outcome.gold_failed,
        parts={name: part for score in found.values() for name, part in score.parts.items()},
    )


async def _score(name: str, rule: ScoreRule, outcome: Outcome) -> Score:
    try:
        score = await rule.score(outcome)
        if isinstance(score, Score) and isfinite(score.value):
            return score
        raise TypeError(f"it gave {score!r}, not a `Score` with a finite value")
    except (LoopwrightError, NothingToScore):
        raise
    except Exception as error:  # a rule may be the user's
        raise VerifierError(f"the score rule {name!r} failed: {type(error).__name__}: {error}") from error


class ExactRule:
    """The environment's own rule: is this what the task asks?"""

    async def score(self, outcome: Outcome) -> Score:
        """As the outcome tells it."""
        return await outcome.exact()


BUILTIN_SCORE_RULES: Mapping[str, str | type[ScoreRule]] = MappingProxyType(
    {
        "choice": "loopwright.environments.text:ChoiceRule",
        "exact": ExactRule,
        "f1": "loopwright.environments.text:F1Rule",
        "includes": "loopwright.environments.text:IncludesRule",
        "intercode": "loopwright.bench.intercode:InterCodeReward",
        "match": "loopwright.environments.text:MatchRule",
    }
)
"""Score rules by the name that a task gives; an import path is followed on first use."""


def find_score_rule(name: str, folder: Path = Path()) -> ScoreRule:
    """Finds a score rule.

    Args:
        name: A name in `BUILTIN_SCORE_RULES`, that of an entry point of `loopwright.score_rules`, or
            `package.module:Name`.
        folder: Where modules are looked for beside the installed ones.

    Raises:
        UserError: There is none of that name, or it is no score rule.
    """
    part = load_plugin("score_rules", name, BUILTIN_SCORE_RULES, folder=folder)
    part = resolve_name(part) if isinstance(part, str) else part
    rule: ScoreRule = instantiate_plugin("score_rules", name, part)
    return rule
