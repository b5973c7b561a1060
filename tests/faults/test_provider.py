"""Whatever a provider does wrong, in a whole run: what is retried, charged, recorded and graded."""

from __future__ import annotations

import asyncio
import functools
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import loopwright.plan._resources
from loopwright import ComponentOverrides, Run, RunConfig, Task
from loopwright.budget import Spend
from loopwright.models import ModelOptions, Resilient, RetryPolicy, open_model
from loopwright.store import CallFinished, CallIntended, EpisodeFinished, Event, Failed, read_run
from tests.faults.table import provider_fault
from tests.faults.workload import Guess, write_project
from tests.models.provider import (
    EMPTY,
    GARBAGE,
    HALF_STREAM,
    RESET_MID_BODY,
    Answer,
    Provider,
    fault,
    hang,
    reply,
)

KEY = "sk-canary-51b7e0c2d4"
ATTEMPTS = 3
COST = Decimal("0.000014")
"""Of the 14 tokens of a good answer, at a dollar per million."""


@dataclass(frozen=True)
class Case:
    answer: Answer
    error: str
    retried: bool
    billed: bool = False
    """Whether something of a reply came that cannot be read: it may be billed, so it counts at the reserve."""


CASES = {
    "400": Case(fault(400, "bad temperature"), "ModelRejected", False),
    "401": Case(fault(401, f"Incorrect API key provided: {KEY}"), "ModelUnauthorized", False),
    "404": Case(fault(404, "no such model"), "ModelRejected", False),
    "408": Case(fault(408), "ModelUnavailable", True),
    "429": Case(fault(429, "slow down"), "ModelRateLimited", True),
    "429 with `Retry-After`": Case(fault(429, Retry_After="3"), "ModelRateLimited", True),
    "429, quota spent": Case(fault(429, "no credit", code="insufficient_quota"), "ModelQuotaSpent", False),
    "500": Case(fault(500, "oops"), "ModelUnavailable", True),
    "529": Case(fault(529, "overloaded"), "ModelRateLimited", True),
    "garbage instead of JSON": Case(GARBAGE, "ModelUnavailable", True, billed=True),
    "half a stream": Case(HALF_STREAM, "ModelUnavailable", True, billed=True),
    "an empty body": Case(EMPTY, "ModelUnavailable", True),
    "a hang": Case(hang, "ModelUnavailable", True),
    "connection reset in the middle of the body": Case(RESET_MID_BODY, "ModelUnavailable", True, billed=True),
}

for _name, _case in CASES.items():
    _charged = "what was reserved, for each try" if _case.billed else "nothing"
    provider_fault(_name, _case.error, "yes" if _case.retried else "no", _charged)


@contextmanager
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Waits between calls are short; all else is as it is."""
    policy = RetryPolicy(max_attempts=ATTEMPTS, base_delay=0.01, limited_elapsed=0)
    with monkeypatch.context() as patched:
        patched.setattr(loopwright.plan._resources, "Resilient", functools.partial(Resilient, policy=policy))
        yield


class Ended:
    """An episode that met one fault."""

    def __init__(self, events: list[Event], requests: int) -> None:
        data = [event.data for event in events]
        self.requests = requests
        self.failures = [(e.error, e.cause, e.retried) for e in data if isinstance(e, Failed)]
        self.intended = [e.repeatable for e in data if isinstance(e, CallIntended)]
        self.calls = [e.failure and e.failure.error for e in data if isinstance(e, CallFinished)]
        [self.outcome] = [e for e in data if isinstance(e, EpisodeFinished)]


async def _play(folder: Path, name: str, answers: tuple[Answer, ...]) -> tuple[Ended, Run]:
    async with Provider(*answers) as provider:
        timeout = 4.0 if answers[0] is hang else 300
        options = ModelOptions(base_url=provider.base_url, api_key=KEY, timeout=timeout)
        task = Task.model_validate(
            {
                "name": "guess",
                "goal": "Guess a number.",
                "environment": {"name": "guess", "hidden": {"digit": 3}},
                "agents": {"proposer": "guesser"},
                "model": "openai/the-model",
                "budget": {"usd": 1},
            }
        )
        prices = folder / "prices.yaml"
        prices.write_text("date: 2026-11-01\nmodels:\n  openai/*: {input: 1, output: 1}\n")
        config = RunConfig(tasks=(task,), project=folder / "project", prices=prices)
        given = ComponentOverrides(models={"openai/the-model": open_model("openai/the-model", options=options)})
        given = ComponentOverrides(models=given.models, environments={"guess": Guess})
        run = Run.create(config, folder / name, given=given)
        await run.execute()
        return Ended([e for e in read_run(folder / name).events if e.episode], len(provider.requests)), run


def play(folder: Path, *, then: tuple[Answer, ...], cases: dict[str, Case]) -> dict[str, tuple[Ended, Run]]:
    """One run for each fault, all at the same time; then the hang, whose time is short and needs this process idle."""
    write_project(folder / "project")

    async def together() -> dict[str, tuple[Ended, Run]]:
        played: dict[str, tuple[Ended, Run]] = {}
        for alone in (False, True):
            names = [name for name, case in cases.items() if (case.answer is hang) == alone]
            runs = (_play(folder, f"run{len(played) + n}", (cases[name].answer, *then)) for n, name in enumerate(names))
            played |= zip(names, await asyncio.gather(*runs), strict=True)
        return played

    return asyncio.run(together())


@pytest.mark.slow
def test_a_fault_that_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with impatient(monkeypatch):
        runs = play(tmp_path, then=(), cases=CASES)
    for name, (ended, run) in runs.items():
        case = CASES[name]
        again = ATTEMPTS if case.retried else 1
        # Retried: as often as allowed, or not at all.
        assert ended.requests == again, name
        assert ended.failures == [(case.error, "model", True)] * (again - 1) + [(case.error, "model", False)], name
        # Recorded: one call, which failed.
        assert (ended.intended, ended.calls) == ([True], [case.error]), name
        # Charged: nothing but what may be billed, and nothing is kept back.
        spent = run.ledgers.run.spent
        assert (spent.model_calls, spent.usd > 0, spent == Spend()) == (0, case.billed, not case.billed), name
        assert run.ledgers.run.reserved == Spend(), name
        assert ended.outcome.model_calls == 0, name
        assert Decimal(ended.outcome.cost_usd or -1) == spent.usd, name
        # Graded: not at all.
        assert (ended.outcome.status, ended.outcome.score, ended.outcome.passed) == ("failed", None, None), name
        assert ended.outcome.failure is not None, name
        assert ended.outcome.failure.cause == "model", name
    secret = [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert secret == []


@pytest.mark.slow
def test_a_fault_that_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = {name: case for name, case in CASES.items() if case.retried}
    with impatient(monkeypatch):
        runs = play(tmp_path, then=(reply("53"),), cases=cases)
    for name, (ended, run) in runs.items():
        case = cases[name]
        assert ended.requests == 2, name
        assert ended.failures == [(case.error, "model", True)], name
        assert (ended.intended, ended.calls) == ([True], [None]), name
        spent = run.ledgers.run.spent
        assert (spent.model_calls, spent.usd > COST, spent.usd == COST) == (1, case.billed, not case.billed), name
        assert run.ledgers.run.reserved == Spend(), name
        assert (ended.outcome.status, ended.outcome.passed) == ("scored", True), name
        assert Decimal(ended.outcome.cost_usd or -1) == spent.usd, name
    waited = runs["429 with `Retry-After`"][0].outcome
    assert waited.seconds >= 3
    assert waited.working_seconds <= waited.seconds - 2.9, "waiting for a rate limit is no work"


def test_a_run_goes_on_once_what_failed_it_is_mended(tmp_path: Path) -> None:
    """Spent credit fails an episode; with new credit the same run finishes it, and pays for nothing twice."""
    write_project(tmp_path / "project")
    answers = (reply("899"), fault(402, "pay first"), reply("53"))

    async def go() -> tuple[list[Event], int]:
        async with Provider(*answers) as provider:
            options = ModelOptions(base_url=provider.base_url, api_key=KEY)
            model: dict[str, Any] = {"name": "guess", "goal": "Guess.", "environment": {"name": "guess"}}
            task = Task.model_validate({**model, "agents": {"proposer": "guesser"}, "model": "openai/m"})
            for again in (False, True):
                given = ComponentOverrides(
                    models={"openai/m": open_model("openai/m", options=options)}, environments={"guess": Guess}
                )
                config = RunConfig(tasks=(task,), project=tmp_path / "project")
                run = (
                    Run.reopen(tmp_path / "run", given=given)
                    if again
                    else Run.create(config, tmp_path / "run", given=given)
                )
                await run.execute()
            return list(read_run(tmp_path / "run").events), len(provider.requests)

    events, requests = asyncio.run(go())
    ends = [event.data for event in events if isinstance(event.data, EpisodeFinished)]
    assert [(end.status, end.model_calls) for end in ends] == [("failed", 1), ("scored", 2)]
    assert requests == 3
    asked = Counter(event.data.key for event in events if isinstance(event.data, CallIntended))
    assert sorted(asked.values()) == [1, 2], "the call that had failed is made again, the one before is not"
