"""The critic that needs no model."""

from __future__ import annotations

import asyncio
from typing import Any

from loopwright.agents import AgentRole, Attempt, RuleCritic, View
from loopwright.candidate import Candidate
from loopwright.models import Reply, Request
from loopwright.task import CheckThreshold
from loopwright.types import ValueOptions
from loopwright.verify import Check, Verdict


class NoModels:
    async def complete(self, request: Request) -> Reply:
        raise AssertionError(request)


def feedback(attempt: Attempt | None, **more: Any) -> str:
    view = View(role=AgentRole.CRITIC, goal="g", current=attempt, **more)
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


def test_praise_that_is_not_enough_comes_with_its_score_and_what_is_wanted() -> None:
    checks = (Check(name="style", score=0.7, evidence="lovely"), Check(name="length", score=1))
    current = Attempt(iteration=0, candidate=Candidate(text="x"), verdict=Verdict(checks=checks))
    assert feedback(current).splitlines() == [
        "1 of 2 checks are below 1. The score is 0.85.",
        "- style scores 0.7: lovely",
    ]
    assert feedback(current, threshold=0.9).splitlines() == [
        "1 of 2 checks are below 1. The score is 0.85; 0.9 is good enough.",
        "- style scores 0.7: lovely",
    ]
    named = CheckThreshold(check="style", score=0.8)
    assert feedback(current, threshold=named).splitlines() == [
        "1 of 2 checks are below 1. The score is 0.85.",
        "- style scores 0.7; 0.8 is good enough: lovely",
    ]


def test_it_tells_the_value_its_direction_and_the_best_before() -> None:
    def attempt(number: int, value: float) -> Attempt:
        verdict = Verdict(checks=(Check(name="valid", score=1),), value=value)
        return Attempt(iteration=number, candidate=Candidate(text="x"), verdict=verdict)

    earlier, current = attempt(0, 11.0), attempt(1, 13.0)
    length = ValueOptions(name="length", direction="minimize", unit="cm")
    told = feedback(current, value=length, attempts=(earlier, current))
    assert told == "length 13 cm: make it lower. The best before was 11."
