"""The rule-made critic: turns failing checks into feedback, without a model."""

from __future__ import annotations

from dataclasses import dataclass

from loopwright.agents._types import AgentReply, AgentRole, ModelClient, View
from loopwright.types import Critique

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
    if not failed:
        return attempt.verdict.summary
    total = len(attempt.verdict.checks)
    lines = [f"{len(failed)} of {total} checks fail."]
    lines += [f"- {check.name}: {check.evidence.strip() or 'failed'}" for check in failed[:_SHOWN]]
    if len(failed) > _SHOWN:
        lines.append(f"- and {len(failed) - _SHOWN} more")
    return "\n".join(lines)
