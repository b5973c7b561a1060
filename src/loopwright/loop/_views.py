"""What each role may see: told and built here and nowhere else.

A view is made from an instance without its hidden fields, and from attempts, which hold visible checks only. Hidden
tests and gold answers have no way in: the loop does not hold them (see `EpisodeContext`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from loopwright.agents import ActionRequest, AgentRole, Attempt, Memory, View
from loopwright.record import EpisodeRecord
from loopwright.task import Instance, LoopOptions

_P, _C, _V, _A, _S, _I, _R = (
    AgentRole.PROPOSER,
    AgentRole.CRITIC,
    AgentRole.VERIFIER,
    AgentRole.AUDITOR,
    AgentRole.SUMMARIZER,
    AgentRole.IDEA,
    AgentRole.REVIEWER,
)


@dataclass(frozen=True, slots=True)
class ViewField:
    """A field of `View`, and who sees it. To a role that is not named here the field is empty."""

    name: str
    """How prompts write it after `view.`."""
    meaning: str
    """What it is, and why some roles do without it."""
    seen_by: Mapping[AgentRole, str]
    """Role to what the field is to it, in the words of `explain`; `{public}` and the like are filled in."""


VIEW_FIELDS: tuple[ViewField, ...] = (
    ViewField("goal", "the goal of the instance", dict.fromkeys((_P, _C, _V, _A, _S, _I, _R), "the goal")),
    ViewField(
        "public",
        "its public fields: starting files, visible tests",
        dict.fromkeys((_P, _C, _V, _A, _I, _R), "the fields {public}"),
    ),
    ViewField(
        "memory.text",
        "what a [session](../drift.md#sessions) remembers; empty without one",
        {_P: "{memory}", _S: "turns of the session, as their proposer saw them, and its last summary"},
    ),
    ViewField(
        "attempts",
        "earlier attempts, failed ones too, oldest first; none on a fresh start, so that a proposer is not led the "
        "same way again (a class with `recalls_attempts` sees them), and none for verifiers, so that each candidate "
        "is scored alone",
        dict.fromkeys((_P, _C), "earlier attempts with their visible checks")
        | dict.fromkeys((_I, _R), "earlier attempts with their ideas and what came of them"),
    ),
    ViewField(
        "current",
        "the attempt to improve, to criticise or to score; none on a fresh start",
        dict.fromkeys((_P, _C, _V, _A), "the attempt under way")
        | dict.fromkeys((_I, _R), "the attempt that ideas are for"),
    ),
    ViewField(
        "iterations_left",
        "how many iterations may follow, to plan what is left or to say that it is not worth it",
        dict.fromkeys((_P, _C), "how many iterations are left"),
    ),
    ViewField(
        "threshold",
        "what is good enough, `loop.threshold` of the task",
        dict.fromkeys((_P, _C), "{threshold}"),
    ),
    ViewField(
        "value",
        "what is maximised or minimised, `loop.value` of the task: `name`, `direction` and `unit`",
        dict.fromkeys((_P, _C, _I, _R), "{value}"),
    ),
    ViewField(
        "action",
        "how a strategy that acts asks for the next action: `style`, and with a plan `plan` and `step`",
        {_P: "{action}"},
    ),
    ViewField(
        "images",
        "artifact references of the instance's picture; a card shows it by `images`",
        dict.fromkeys((_P, _C, _V, _A), "{images}"),
    ),
    ViewField(
        "ideas",
        "in a search with [ideas](search-for-an-algorithm.md#ideas-and-their-review): those that a reviewer ranks, or "
        "the one that a candidate is to carry out",
        {_P: "{idea}", _R: "the ideas to rank"},
    ),
    ViewField(
        "operation",
        "in a search with several [arms](search-for-an-algorithm.md#several-models-and-operations): `edit`, `rewrite` "
        "or `combine`",
        {_P: "{operation}"},
    ),
    ViewField("wanted", "how many ideas are asked for", {_I: "how many ideas are asked for"}),
    ViewField("words", "how many words a summary may have", {_S: "how many words a summary may have"}),
)
"""All that a role can be shown: `view_of`, `explain`, the check of prompts and the guide go by this table."""

_SEEN_BY = {field.name.partition(".")[0]: field.seen_by for field in VIEW_FIELDS}


def what_is_seen(role: AgentRole, **known: str) -> list[str]:
    """What a role sees, in words.

    Args:
        role: The role.
        known: What is known of `public`, `memory`, `threshold`, `value`, `idea`, `operation` and `action`, in words;
            empty for what there is not.
    """
    told = [field.seen_by[role] for field in VIEW_FIELDS if role in field.seen_by]
    return [
        text.format(**known) for text in told if not any(f"{{{name}}}" in text and not known[name] for name in known)
    ]


def view_for(
    role: AgentRole,
    instance: Instance,
    tree: EpisodeRecord,
    *,
    current: int | None,
    attempts: Iterable[Attempt] | None = None,
    iterations_left: int | None = None,
    memory: Memory | None = None,
    action: ActionRequest | None = None,
    options: LoopOptions | None = None,
    ideas: tuple[str, ...] = (),
    operation: str = "",
    recalls: bool = False,
) -> View:
    """Builds the view of one role in an episode.

    Args:
        role: Who will see it.
        instance: The instance; its hidden fields must have been taken off.
        tree: The attempts so far.
        current: The attempt to improve, to criticise or to score; None for a fresh start.
        attempts: Those of the tree that are shown; None for all.
        iterations_left: How many iterations may follow.
        memory: What the role remembers of its session.
        action: How the next action is asked for, in strategies that act.
        options: What the task says is good enough, maximised or minimised.
        ideas: Those to rank, or the one to carry out.
        operation: What the proposer is told to do.
        recalls: Whether a proposer sees attempts on a fresh start, too.

    Raises:
        ValueError: The instance still has hidden fields.
    """
    return view_of(
        role,
        instance,
        attempts=tree if attempts is None else attempts,
        current=None if current is None else tree[current],
        iterations_left=iterations_left,
        memory=memory or Memory(),
        action=action,
        threshold=options.threshold if options else None,
        value=options.value if options else None,
        ideas=ideas,
        operation=operation,
        recalls=recalls,
    )


def view_of(
    role: AgentRole, instance: Instance, *, attempts: Iterable[Attempt] = (), recalls: bool = False, **fields: Any
) -> View:
    """Builds the view of one role from fields of `View`. Those that the role does not see are left out.

    Raises:
        ValueError: The instance still has hidden fields.
    """
    if instance.hidden:
        msg = f"the instance {instance.id!r} still has its hidden fields"
        raise ValueError(msg)
    fresh = role is AgentRole.PROPOSER and fields.get("current") is None and not recalls
    told = role in _SEEN_BY["attempts"] and not fresh
    values = {
        **fields,
        "goal": instance.goal,
        "public": instance.public,
        "images": instance.images,
        "attempts": tuple(attempts) if told else (),
    }
    seen = {name: value for name, value in values.items() if role in _SEEN_BY[name] and value is not None}
    seen["public"] = {**seen.get("public", {}), **_former_fields(seen)}
    return View(role=role, **seen)


def _former_fields(seen: Mapping[str, Any]) -> dict[str, object]:
    """What prompts of earlier releases read as `view.public.style`, `plan`, `step` and `words`."""
    action = seen.get("action")
    former = action.model_dump(exclude_unset=True, exclude={"tools"}) if action else {}
    return former if seen.get("words") is None else {**former, "words": seen["words"]}
