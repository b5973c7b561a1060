"""The published loop, re-made from its description as a baseline: IRCIG (arXiv 2601.15286).

After each picture a critic chooses: go on from it, drop it and edit the one before, start again, or stop. Only the
critic stops the loop before the cap; the answer is the picture with the highest mean of its answers. What is inferred
rather than published stands in `docs/images.md`.
"""

from __future__ import annotations

from collections.abc import Iterable

from loopwright.agents import AgentReply, AgentRole, CallBounds, ModelClient, View
from loopwright.images.checklist import Checklist
from loopwright.images.refining._operations import answers, began_with_given, next_operation, wants_new_picture
from loopwright.loop import BUDGET, MAX_ITERATIONS, Decision, DecisionContext, RefinementStrategy
from loopwright.task import Instance
from loopwright.types import Attempt, Critique


class ImageCritic:
    """A critic without a model: it sees the answers of the latest picture, and not which edits failed before."""

    role = AgentRole.CRITIC

    def bounds(self, instance: Instance) -> CallBounds:
        """It asks no model."""
        return CallBounds()

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        """Stops where all answers are "yes"; else names the most important thing that is missing."""
        checklist = Checklist.model_validate(view.public["checklist"])
        return AgentReply(critique=published_critique(checklist, view.current, view.attempts))


def published_critique(checklist: Checklist, current: Attempt | None, attempts: Iterable[Attempt]) -> Critique:
    """What the critic says about a picture; it looks at no other one than that, and the one that was edited."""
    if current is None or current.candidate is None:
        return Critique(feedback=checklist.prompt, decision="restart")
    verdict = current.verdict
    if verdict.passed:
        return Critique(feedback="All of it is there.", decision="stop")
    operation = next_operation(checklist, verdict, answers(verdict))
    earlier = list(attempts)
    if operation is None or (wants_new_picture(checklist, verdict) and not began_with_given([*earlier, current])):
        return Critique(feedback=checklist.prompt, decision="restart")
    before = next((one for one in earlier if one.iteration == current.parent), None)
    worse = before is not None and before.verdict.score > verdict.score
    if worse and before is not None:
        operation = next_operation(checklist, before.verdict, answers(before.verdict)) or operation
    return Critique(
        feedback=operation.prompt(0), decision="backtrack" if worse else "continue", backtrack_to=current.parent
    )


def as_critic_says(context: DecisionContext) -> Decision:
    """Does what the critic chose; an unknown wish goes on from the latest picture."""
    asked, latest = context.critique, context.tree[context.iteration]
    if asked is not None and asked.decision in ("stop", "restart"):
        return Decision(asked.decision, "critic", "the critic asked for it")
    if latest.candidate is None:
        return Decision("restart", "no_candidate", latest.problem)
    if asked is not None and asked.decision == "backtrack" and latest.parent is not None:
        return Decision("backtrack", "critic", "the critic prefers the picture before", latest.parent)
    return Decision("continue", "critic", "the critic goes on", context.iteration)


IRCIG = RefinementStrategy("ircig", as_critic_says, (MAX_ITERATIONS, BUDGET), critic=True, own_critic=ImageCritic())
"""A critic decides after each picture."""
