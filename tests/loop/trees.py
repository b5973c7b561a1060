"""Trees of attempts for tests of what reads them, grown from the events that an episode records."""

from __future__ import annotations

from collections.abc import Sequence

from loopwright.agents import Critique
from loopwright.budget import Caps, Ledger
from loopwright.candidate import Candidate
from loopwright.environments import Observation
from loopwright.loop import DecisionContext
from loopwright.record import EpisodeRecord
from loopwright.store import Critiqued, Decided, Event, Judged, Observed, Payload, Proposed
from loopwright.task import LoopOptions
from loopwright.verify import Check, Verdict

Iteration = Sequence[Payload]
"""What is recorded of one iteration, in order."""


def proposed(text: str, parent: int | None = None) -> Proposed:
    """The proposer's candidate."""
    return Proposed(parent=parent, candidate=Candidate(text=text))


def judged(*checks: Check) -> Judged:
    """What visible checks said of it."""
    verdict = Verdict(checks=checks)
    return Judged(verdict=verdict, score=verdict.score, passed=verdict.passed, best=verdict.passed)


def tried(text: str, *scores: float, evidence: str = "", parent: int | None = None) -> Iteration:
    """An iteration with a candidate and one check for each score; every check gives the same evidence."""
    checks = [Check(name=f"c{number}", score=score, evidence=evidence) for number, score in enumerate(scores)]
    observed = Observed(observation=Observation(text=f"ran {text}"))
    return (proposed(text, parent), observed, judged(*checks))


def unreadable(problem: str = "no code block") -> Iteration:
    """An iteration whose reply holds no candidate."""
    return (Proposed(problem=problem),)


def criticised(feedback: str, decision: str = "continue", backtrack_to: int | None = None) -> Critiqued:
    """What the critic said."""
    return Critiqued(critic="critic", feedback=feedback, decision=decision, backtrack_to=backtrack_to)


def decided(rule: str, *, stop: bool = False) -> Decided:
    """A decision of the loop: to stop, or to go on."""
    return Decided(decision="stop" if stop else "continue", rule=rule, why="as the test wants it")


def events_of(*iterations: Iteration) -> list[Event]:
    """The events of an episode, numbered as in a record."""
    payloads = [(number, data) for number, iteration in enumerate(iterations) for data in iteration]
    return [
        Event(seq=seq, time="2026-01-01T00:00:00.000000+00:00", episode="e", iteration=number, node="n", data=data)
        for seq, (number, data) in enumerate(payloads)
    ]


def tree_of(*iterations: Iteration) -> EpisodeRecord:
    """The tree of such an episode."""
    tree = EpisodeRecord()
    for event in events_of(*iterations):
        tree.apply(event)
    return tree


def context_of(
    *iterations: Iteration, ledger: Ledger | None = None, critique: Critique | None = None, **options: object
) -> DecisionContext:
    """What a rule is asked about after such iterations, under the options of a task's section `loop`."""
    return DecisionContext(
        tree_of(*iterations), LoopOptions.model_validate(options), ledger or Ledger(Caps()), critique
    )
