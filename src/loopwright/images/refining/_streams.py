"""The strategy `streams`: several lines of edits under one budget, depth before breadth.

A stream begins with a new picture. An edit is accepted only if something that it aimed at turned and no more was lost
than won; else the stream goes on from where it was. The next stream begins when no stream has hope left. The tree is
append-only: every picture stays an answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from loopwright.images.checklist import Checklist
from loopwright.images.refining._operations import aims_of, wants_new_picture
from loopwright.loop import SAMPLING_RULES, Decision, DecisionContext, RefinementStrategy
from loopwright.types import Attempt

PATIENCE = 3
"""Edits in a row that may fail before a stream is given up."""
DEPTH = 6
"""Accepted edits in a stream: each one takes something of a picture's quality."""


@dataclass(slots=True)
class Stream:
    """A new picture and the edits that were accepted since."""

    head: Attempt
    depth: int = 0
    failed: int = 0
    """Edits of the head that were not accepted."""

    @property
    def exhausted(self) -> bool:
        """Whether further edits are not worth their price."""
        return self.failed >= PATIENCE or self.depth >= DEPTH


def streams_of(attempts: Iterable[Attempt]) -> list[Stream]:
    """The streams of an episode so far, in the order in which they began."""
    streams: list[Stream] = []
    for attempt in attempts:
        stream = next((one for one in streams if one.head.iteration == attempt.parent), None)
        if stream is None:
            if attempt.candidate is not None:
                streams.append(Stream(attempt))
        elif accepted(stream.head, attempt):
            stream.head, stream.depth, stream.failed = attempt, stream.depth + 1, 0
        else:
            stream.failed += 1
    return streams


def accepted(before: Attempt, after: Attempt) -> bool:
    """Whether an edit made a picture better: something that it aimed at turned, and the score did not fall.

    What is lost against as much that was won is no reason to go back: as a picture that may pass is looked at more
    often than the one before, what it lost was often never there.
    """
    if after.candidate is None:
        return False
    held = {check.name for check in before.verdict.checks if check.passed}
    holds = {check.name for check in after.verdict.checks if check.passed}
    turned = holds - held
    aims = set(aims_of(after.candidate.made))
    return after.verdict.score >= before.verdict.score and bool(turned & aims if aims else turned)


def next_stream(context: DecisionContext) -> Decision:
    """Goes on with the best stream that has hope; else begins a new one."""
    prepared = context.tree.prepared.fields if context.tree.prepared else {}
    if not prepared.get("editors"):
        return Decision("restart", "streams", "no editor is named")
    checklist = Checklist.model_validate(prepared["checklist"])
    hopeful = [
        one
        for one in streams_of(context.tree)
        if not one.exhausted and not wants_new_picture(checklist, one.head.verdict)
    ]
    if not hopeful:
        return Decision("restart", "streams", "no picture is worth another edit")
    best = max(hopeful, key=lambda one: (one.head.verdict.score, -one.failed, -one.head.iteration))
    head, latest = best.head.iteration, context.iteration
    if head == latest:
        return Decision("continue", "streams", "the picture got better", head)
    if context.tree[latest].parent == head:
        return Decision("backtrack", "rolled_back", "the edit lost something, or did not do what it was to", head)
    return Decision("backtrack", "streams", f"the picture of iteration {head} is nearer to its checklist", head)


STREAMS = RefinementStrategy("streams", next_stream, SAMPLING_RULES)
"""Streams of edits, rolled back where they do not help."""
