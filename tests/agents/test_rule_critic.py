"""The critic that needs no model."""

from __future__ import annotations

import asyncio

from loopwright.agents import AgentRole, Attempt, RuleCritic, View
from loopwright.candidate import Candidate
from loopwright.models import Reply, Request
from loopwright.verify import Check, Verdict


class NoModels:
    async def complete(self, request: Request) -> Reply:
        raise AssertionError(request)


def feedback(attempt: Attempt | None) -> str:
    view = View(role=AgentRole.CRITIC, goal="g", current=attempt)
    reply = asyncio.run(RuleCritic().act(view, NoModels()))
    assert reply.critique is not None
    assert reply.critique.decision == "continue"
    return reply.critique.feedback


def test_it_names_the_failing_checks_with_their_evidence() -> None:
    checks = [Check(name=f"test_{n}", score=n == 0, evidence="" if n == 0 else f"{n} is wrong") for n in range(6)]
    told = feedback(Attempt(iteration=0, candidate=Candidate(text="x"), verdict=Verdict(checks=tuple(checks))))
    assert told.splitlines() == [
        "5 of 6 checks fail.",
        "- test_1: 1 is wrong",
        "- test_2: 2 is wrong",
        "- test_3: 3 is wrong",
        "- and 2 more",
    ]


def test_it_tells_why_a_reply_held_no_candidate() -> None:
    assert "no code block" in feedback(Attempt(iteration=0, problem="the reply has no code block"))


def test_it_says_nothing_about_nothing() -> None:
    assert feedback(None) == ""
