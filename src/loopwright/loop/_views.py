"""What each role may see: built here and nowhere else.

A view is made from an instance without its hidden fields, and from attempts, which hold visible checks only. Hidden
tests and gold answers have no way in: the loop does not hold them (see `EpisodeContext`).
"""

from __future__ import annotations

from loopwright.agents import AgentRole, Attempt, Memory, View
from loopwright.loop._tree import AttemptTree
from loopwright.task import Instance


def view_for(
    role: AgentRole,
    instance: Instance,
    tree: AttemptTree,
    *,
    current: int | None,
    iterations_left: int | None = None,
    memory: Memory | None = None,
) -> View:
    """Builds the view of one role.

    Args:
        role: Who will see it.
        instance: The instance; its hidden fields must have been taken off.
        tree: The attempts so far.
        current: The attempt to improve, to criticise or to score; None for a fresh start.
        iterations_left: How many iterations may follow.
        memory: What the role remembers of its session.

    Raises:
        ValueError: The instance still has hidden fields.
    """
    if instance.hidden:
        msg = f"the instance {instance.id!r} still has its hidden fields"
        raise ValueError(msg)
    return View(
        role=role,
        goal=instance.goal,
        public=instance.public,
        memory=memory or Memory(),
        attempts=_seen_by(role, tree, current),
        current=tree[current] if current is not None else None,
        iterations_left=iterations_left,
    )


def _seen_by(role: AgentRole, tree: AttemptTree, current: int | None) -> tuple[Attempt, ...]:
    """Critics see every attempt; a proposer starting afresh sees none, so that it is not led the same way again."""
    if role is AgentRole.VERIFIER or (role is AgentRole.PROPOSER and current is None):
        return ()
    return tuple(tree)
