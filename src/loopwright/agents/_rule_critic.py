"""The rule-made critic: turns failing checks into feedback, without a model."""

from __future__ import annotations

from dataclasses import dataclass

from loopwright.agents._types import AgentReply, AgentRole, ModelClient, View
from loopwright.task import CheckThreshold
from loopwright.types import Check, Critique, Verdict

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class RuleCritic:
    """Says which checks fail and why, from their evidence; never asks to go anywhere else."""

    role: AgentRole = AgentRole.CRITIC

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        """Writes feedback on the current attempt."""
        return AgentReply(critique=Critique(feedback=_feedback(view)))


def _feedback(view: View) -> str:
    attempt = view.current
    if attempt is None:
        return ""
    if attempt.problem:
        return f"No candidate could be read from the reply: {attempt.problem}."
    failed = attempt.verdict.failed
    lines = [*_head(view, attempt.verdict), *(_line(view, check) for check in failed[:_SHOWN])]
    if len(failed) > _SHOWN:
        lines.append(f"- and {len(failed) - _SHOWN} more")
    return "\n".join([*lines, *_value(view, attempt.verdict)])


def _head(view: View, verdict: Verdict) -> list[str]:
    failed, total = verdict.failed, len(verdict.checks)
    if not failed:
        return [verdict.summary] if verdict.summary else []
    if not any(check.score for check in failed) and view.threshold is None:
        return [f"{len(failed)} of {total} checks fail."]
    # A judge's words may be all praise: the score says that they are not enough.
    enough = f"; {view.threshold:g} is good enough" if isinstance(view.threshold, float) else ""
    return [f"{len(failed)} of {total} checks are below 1. The score is {verdict.score:.3g}{enough}."]


def _line(view: View, check: Check) -> str:
    if not check.score:
        return f"- {check.name}: {check.evidence.strip() or 'failed'}"
    wanted = view.threshold
    named = isinstance(wanted, CheckThreshold) and wanted.check == check.name
    enough = f"; {wanted.score:g} is good enough" if isinstance(wanted, CheckThreshold) and named else ""
    return f"- {check.name} scores {check.score:.3g}{enough}: {check.evidence.strip() or 'no reason is given'}"


def _value(view: View, verdict: Verdict) -> list[str]:
    """How good the value is, and how good it was before."""
    aim = view.value
    if aim is None or verdict.value is None or not verdict.passed:
        return []
    better = "higher" if aim.direction == "maximize" else "lower"
    now = view.current.iteration if view.current else 0
    before = [one.verdict.value for one in view.attempts if one.verdict.passed and one.iteration != now]
    best = max(before, key=aim.rank, default=None)
    told = "" if best is None else f" The best before was {best:.6g}."
    return [f"{aim.describe(verdict.value)}: make it {better}.{told}"]
