"""Streams that a critic leads where the rules have nothing left.

The rules have nothing left for an atom of the picture that they would edit after two edits in vain of it, and for one
that no rule covers. Then a critic that the task names is asked. It says what the editor is told, for which picture, or
asks for a new one in other words. Where it says nothing that can be used, the rules decide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from loopwright.images.checklist import Checklist, OtherAtom, StyleAtom
from loopwright.images.refining._beliefs import beliefs
from loopwright.images.refining._operations import aims_of, began_with_given
from loopwright.images.refining._rates import known_rates
from loopwright.images.refining._stages import IN_VAIN
from loopwright.images.refining._streams import next_stream, picture_to_edit
from loopwright.loop import SAMPLING_RULES, Decision, DecisionContext, RefinementStrategy
from loopwright.types import Attempt

MOST_ASKED = 4
"""How often the critic of an episode is asked."""
TRIES = 2
"""Edits in the critic's words of the same atom; after them the rules decide again."""


def beyond_rules(checklist: Checklist, attempts: Iterable[Attempt], believed: Mapping[str, float]) -> tuple[str, ...]:
    """The atoms of a picture that more probably do not hold, and for which the rules have nothing left.

    Args:
        checklist: What must hold.
        attempts: All pictures so far.
        believed: Ids of atoms to the probability that they hold in the picture.
    """
    in_vain = Counter(
        check.name
        for attempt in attempts
        if attempt.candidate is not None
        for check in attempt.verdict.failed
        if check.name in aims_of(attempt.candidate.made)
    )

    def is_beyond(atom_id: str, first: int) -> bool:
        return believed.get(atom_id, 1.0) < 0.5 and first <= in_vain[atom_id] < first + TRIES

    return tuple(
        atom.id for atom in checklist.ordered if is_beyond(atom.id, 0 if isinstance(atom, OtherAtom) else IN_VAIN)
    )


def meant(
    words: str, checklist: Checklist, attempts: Iterable[Attempt], believed: Mapping[str, float]
) -> tuple[str, ...]:
    """The atoms that an edit in a critic's words is for: those that fail and whose things the words name.

    Where the words name none, those for which the rules have nothing left. A critic that is asked after each picture
    edits for no atom in particular.
    """
    beyond, said = beyond_rules(checklist, attempts, believed), words.lower()
    named = tuple(
        atom.id
        for atom in checklist.ordered
        if believed.get(atom.id, 1.0) < 0.5
        and not isinstance(atom, StyleAtom | OtherAtom)
        and atom.object
        and atom.object.lower() in said
    )
    return (named or beyond) if beyond else ()


def critic_wanted(context: DecisionContext) -> bool:
    """Whether the rules have nothing left for an atom of the picture that they would edit."""
    prepared = context.tree.prepared.fields if context.tree.prepared else {}
    attempts = list(context.tree)
    if not prepared.get("editors") or attempts[-1].candidate is None:
        return False
    if sum(one.critic_wants is not None for one in attempts) + context.tree.unread_critiques >= MOST_ASKED:
        return False
    checklist, rates = Checklist.model_validate(prepared["checklist"]), known_rates(prepared, attempts)
    head = picture_to_edit(checklist, attempts, rates, staged=bool(prepared.get("staged")))
    picture = attempts[-1].iteration if head is None else head
    return bool(beyond_rules(checklist, attempts, beliefs(attempts, rates).get(picture, {})))


def next_led_stream(context: DecisionContext) -> Decision:
    """Does what the critic said, where it was asked and said something; else goes by the rules."""
    return _as_critic_wants(context) or next_stream(context)


def _as_critic_wants(context: DecisionContext) -> Decision | None:
    said = context.critique
    if said is None:
        return None
    if said.decision == "stop":
        return Decision("stop", "critic", "the critic asked to stop")
    if not said.feedback.strip():
        return None
    if said.decision == "restart":
        # Of a task's own picture there is no new one.
        new = not began_with_given(context.tree)
        return Decision("restart", "critic", "the critic asked for a new picture") if new else None
    target = said.backtrack_to if said.decision == "backtrack" else None
    if target is None or not 0 <= target < len(context.tree) or context.tree[target].candidate is None:
        return Decision("continue", "critic", "the critic says what to edit", context.iteration)
    return Decision("backtrack", "critic", f"the critic says what to edit in iteration {target}", target)


STREAMS = RefinementStrategy(
    "streams",
    next_stream,
    SAMPLING_RULES,
    with_critic=RefinementStrategy(
        "streams", next_led_stream, SAMPLING_RULES, critic=True, critic_wanted=critic_wanted
    ),
)
"""Streams of edits, rolled back where they do not help; a critic is asked where the task names one."""
