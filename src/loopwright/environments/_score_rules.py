"""Score rules, found by the names that a task gives in `scoring`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from pkgutil import resolve_name
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

from loopwright.environments._scores import Score
from loopwright.plugins import instantiate_plugin, load_plugin


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
        """Scores an outcome: a `ShellOutcome`, `QueryOutcome`, `FunctionOutcome` or `FlagOutcome`.

        Raises:
            NothingToScore: Every rule gives 0.
            VerifierError: The rule cannot be applied; this says nothing about the answer.
            SandboxError: A sandbox failed.
        """
        ...


class ExactRule:
    """The environment's own rule: is this what the task asks?"""

    async def score(self, outcome: Outcome) -> Score:
        """As the outcome tells it."""
        return await outcome.exact()


BUILTIN_SCORE_RULES: Mapping[str, str | type[ScoreRule]] = MappingProxyType(
    {"exact": ExactRule, "intercode": "loopwright.bench.intercode:InterCodeReward"}
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
