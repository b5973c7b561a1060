"""The strategy `streams`: several lines of edits under one budget, led by what is believed of each picture.

A picture costs, until all of it holds, about one edit for each atom that does not hold, and more where edits fail. The
loop edits the picture that is believed to be cheapest, be it the latest or an earlier one; so an edit that did harm is
rolled back without a call. A new picture is made where it is believed to be cheaper, with its own price, than any that
is there. The tree is append-only: every picture stays an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from loopwright.images.checklist import Checklist, StyleAtom
from loopwright.images.refining._beliefs import beliefs, turned
from loopwright.images.refining._operations import began_with_given, chance, next_operation, tries_in_stream
from loopwright.images.refining._rates import known_rates
from loopwright.images.refining._stages import UNASKED, drawn, next_core
from loopwright.images.refining._votes import ASSUMED, Rates, new_picture, votes_of
from loopwright.loop import Decision, DecisionContext
from loopwright.types import Attempt

DEPTH = 6
"""Edits between a new picture and one that is edited no more: each one takes something of a picture's quality."""


def price(checklist: Checklist, believed: Mapping[str, float], tried: Mapping[str, int]) -> float:
    """How many edits a picture is believed to take until all of it holds; no edit mends a style.

    Args:
        checklist: What must hold.
        believed: Ids of atoms to the probability that they hold in the picture.
        tried: Ids of atoms to how many edits aimed at them in vain.
    """
    whole = 0.0
    for atom in checklist.atoms:
        fails = 1 - believed.get(atom.id, 1.0)
        if isinstance(atom, StyleAtom):
            whole += fails * 2 * len(believed)
            continue
        turns = turned(atom.kind)
        absent = max((1 - believed.get(parent, 1.0) for parent in atom.parents), default=0.0)
        # What comes with a thing that is added needs an edit of its own only where that one failed to bring it.
        own = max(0.0, fails - absent) + min(fails, absent) * (1 - turns)
        whole += own / (turns * chance(tried.get(atom.id, 0)))
    return whole


def next_stream(context: DecisionContext) -> Decision:
    """Edits the picture that is believed to be cheapest to finish; else makes a new one."""
    prepared = context.tree.prepared.fields if context.tree.prepared else {}
    if not prepared.get("editors"):
        return Decision("restart", "streams", "no editor is named")
    attempts = list(context.tree)
    checklist = Checklist.model_validate(prepared["checklist"])
    staged = bool(prepared.get("staged"))
    head = picture_to_edit(checklist, attempts, known_rates(prepared, attempts), staged=staged)
    if head is None:
        return Decision("restart", "streams", "no picture is worth another edit")
    if head == context.iteration:
        return Decision("continue", "streams", "the picture is the nearest to its checklist", head)
    if context.tree[context.iteration].parent == head:
        return Decision("backtrack", "rolled_back", "the edit lost something, or did not do what it was to", head)
    return Decision("backtrack", "streams", f"the picture of iteration {head} is nearer to its checklist", head)


def picture_to_edit(
    checklist: Checklist, attempts: Sequence[Attempt], rates: Rates = ASSUMED, *, staged: bool = False
) -> int | None:
    """The iteration of the picture that is believed to be cheapest to finish.

    None where a new one is cheaper, or where no edit mends what is wrong with the cheapest. Of a task's own picture
    there is no new one, and edits may go as deep as they need.

    Args:
        checklist: What must hold.
        attempts: All pictures so far.
        rates: Of the verifier.
        staged: Whether each new picture shows a part, to which edits add the rest.
    """
    given = began_with_given(attempts)
    believed, depths = beliefs(attempts, rates), depths_of(attempts)
    prices = {
        number: price(checklist, holds, tries_in_stream(attempts, number))
        for number, holds in believed.items()
        if given or depths[number] < DEPTH
    }
    cheapest = min(prices, key=lambda number: (prices[number], number), default=None)
    core = next_core(checklist, attempts, always=staged)
    among = new_picture(votes_of(check) for one in attempts if one.parent is None for check in drawn(one))
    new = {
        atom.id: rates.holds_anew(atom.kind, among) if core is None or atom.id in core.atoms else UNASKED
        for atom in checklist.atoms
    }
    # A new picture is believed to take itself, and edits of what will not hold in it.
    if cheapest is None or (not given and prices[cheapest] > 1 + price(checklist, new, {})):
        return None
    verdict = next(one.verdict for one in attempts if one.iteration == cheapest)
    operation = next_operation(checklist, verdict, believed[cheapest], tries_in_stream(attempts, cheapest))
    return None if operation is None else cheapest


def depths_of(attempts: Iterable[Attempt]) -> dict[int, int]:
    """Iterations to the number of edits since a new picture."""
    depths: dict[int, int] = {}
    for attempt in attempts:
        depths[attempt.iteration] = 0 if attempt.parent is None else depths[attempt.parent] + 1
    return depths
