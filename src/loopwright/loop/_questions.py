"""Questions to a person, in the middle of a loop: the record answers those that were answered before."""

from __future__ import annotations

import time

from loopwright.errors import UserError
from loopwright.loop._context import EpisodeContext
from loopwright.loop._decision import Decision
from loopwright.loop._stop_rules import PERSON
from loopwright.secrets import scrub
from loopwright.store import Critiqued, PersonAnswered, PersonAsked
from loopwright.text import cut_middle
from loopwright.types import (
    Candidate,
    Check,
    Choice,
    Critique,
    Observation,
    PersonAnswer,
    Question,
    QuestionKind,
    Verdict,
)

_SHOWN = 30_000
"""Characters of a question, at most; what is left out of its middle is marked, and the record has all."""


REFINING: tuple[Choice, ...] = ("agree", "continue", "restart", "backtrack", "stop")
"""What can be decided where candidates are whole answers."""
ACTING: tuple[Choice, ...] = ("agree", "continue", "stop")
"""The same where they are actions."""


async def ask_person(
    context: EpisodeContext, iteration: int, about: QuestionKind, text: str, choices: tuple[Choice, ...]
) -> PersonAnswer:
    """Asks a person and waits, unless the answer is in the record.

    Raises:
        Interrupted: The episode was asked to stop while it waited.
        EpisodeSkipped: It is to be left out.
        WaitsForPerson: Nobody answers in this process.
    """
    id = f"{context.episode}/{iteration}/{about}"
    if (answered := context.tree.answers.get(id)) is not None:
        return answered.answer
    targets = (
        tuple(attempt.iteration for attempt in context.tree if attempt.candidate) if "backtrack" in choices else ()
    )
    question = Question(
        id=id,
        episode=context.episode,
        iteration=iteration,
        about=about,
        text=cut_middle(scrub(text), _SHOWN),
        choices=choices,
        targets=targets,
    )
    if id not in context.tree.questions:
        context.record(PersonAsked(question=question), iteration, "person")
    # The ledger's clock stands still while the run is paused: what passed by it is taken off, and nothing twice.
    began, passed = time.monotonic(), context.ledger.seconds
    answer = await context.person.ask(question, context.gate)
    if problem := answer.problem(question):
        raise UserError(f"an answer of a person cannot be used: {problem}")
    waited = time.monotonic() - began
    context.ledger.discount(context.ledger.seconds - passed)
    context.record(PersonAnswered(id=id, answer=answer, waited=waited), iteration, "person")
    return answer


async def decided_with_person(
    context: EpisodeContext, proposed: Decision, choices: tuple[Choice, ...] = REFINING
) -> Decision:
    """What a person makes of what the strategy would decide; the decision itself where the task asks nobody."""
    if "decision" not in context.options.ask_person:
        return proposed
    tree = context.tree
    latest = tree[len(tree) - 1]
    failed = "\n".join(f"- {check.name}: {check.evidence}" for check in latest.verdict.failed)
    candidate = _shown(latest.candidate) if latest.candidate else f"(no candidate: {latest.problem})"
    text = (
        f"Candidate of iteration {latest.iteration}, score {latest.verdict.score:.2f}:\n"
        f"{cut_middle(candidate, 20_000)}\n"
        f"{'Failed checks:' if failed else 'No check failed.'}\n{cut_middle(failed, 5000)}\n"
        f"The strategy would {proposed.kind}: {proposed.why}"
    )
    answer = await ask_person(context, latest.iteration, "decision", text, choices)
    _tell_proposer(context, latest.iteration, answer)
    if answer.choice == "agree":
        return proposed
    why = "a person decided it"
    match answer.choice:
        case "stop":
            return Decision("stop", PERSON, why)
        case "backtrack":
            return Decision("backtrack", PERSON, why, answer.target)
        case "continue" if latest.candidate is not None:
            return Decision("continue", PERSON, why, latest.iteration)
        case _:
            return Decision("restart", PERSON, why)


def _shown(candidate: Candidate) -> str:
    """All of a candidate: a person who lets it be executed must see it."""
    files = [f"{name}:\n{content}" for name, content in sorted(candidate.files.items())]
    artifacts = [f"{name}: artifact {reference}" for name, reference in sorted(candidate.artifacts.items())]
    return "\n".join([*filter(None, [candidate.text]), *files, *artifacts])


def _tell_proposer(context: EpisodeContext, iteration: int, answer: PersonAnswer) -> None:
    """Adds a person's words to what the critic said, where the next prompt finds them."""
    if not answer.text:
        return
    said = context.tree.critique(iteration) or Critique(feedback="", decision="continue", backtrack_to=None)
    feedback = "\n\n".join(part for part in (said.feedback, answer.text) if part)
    data = Critiqued(critic="person", feedback=feedback, decision=said.decision, backtrack_to=said.backtrack_to)
    context.record(data, iteration, "person")


async def refused_by_person(context: EpisodeContext, iteration: int, candidate: Candidate) -> str | None:
    """Why a candidate may not be executed; None where it may, and where the task asks nobody."""
    if "action" not in context.options.ask_person:
        return None
    text = f"May this be executed?\n{_shown(candidate)}"
    answer = await ask_person(context, iteration, "action", text, ("approve", "refuse"))
    if answer.choice == "approve":
        return None
    return f"A person refused to let this be executed{f': {answer.text}' if answer.text else '.'}"


def not_executed(why: str) -> Observation:
    """What stands in the place of an execution that was refused."""
    return Observation(text=why, verdict=Verdict(checks=(Check(name="executed", score=0.0, evidence=why),)))
