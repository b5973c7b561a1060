"""Candidates that are drawn at the same time come to the same as one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopwright.agents import AgentReply, AgentRole, ModelClient, View
from loopwright.budget import Caps
from loopwright.drift import observations
from loopwright.errors import ModelRejected, ModelUnavailable
from loopwright.loop import run_episode
from loopwright.models import Reply, Request
from loopwright.record import EpisodeRecord
from loopwright.store import CallFinished, CallIntended, EpisodeFinished, Payload, RunStore
from loopwright.types import Candidate, Observation, Usage
from tests.loop.game import Game, Table

Answer = str | Exception
DRAWS = 6


class Seeded:
    """Answers by the request's seed alone, each after a delay of its own."""

    name = "scripted/proposer"
    repeatable = True

    def __init__(self, answers: Sequence[Answer], delays: Sequence[float] = (0.0,), slots: int | None = None) -> None:
        self.answers = answers
        self.delays = delays
        self.slots = slots
        self.asked: list[int] = []
        self.together = self.most_together = 0

    async def complete(self, request: Request) -> Reply:
        seed = request.sampling.seed or 0
        self.asked.append(seed)
        self.together += 1
        self.most_together = max(self.most_together, self.together)
        try:
            await asyncio.sleep(self.delays[seed % len(self.delays)])
        finally:
            self.together -= 1
        answer = self.answers[seed % len(self.answers)]
        if isinstance(answer, Exception):
            raise answer
        return Reply(text=answer, model="m", usage=Usage(input=10, output=10))

    async def close(self) -> None:
        pass


def table_of(folder: Path, model: Seeded, width: int, *, store: RunStore | None = None, **options: Any) -> Table:
    options = {"max_iterations": DRAWS, **options}
    table = Table(folder, [], strategy="best_of_n", width=width, store=store, **options)
    table.context = replace(table.context, seed=7, models={model.name: model})
    return table


def drawn(folder: Path, model: Seeded, width: int, **options: Any) -> tuple[EpisodeFinished, list[Payload], Table]:
    """The outcome of an episode, its steps without the calls, and its table."""
    table = table_of(folder, model, width, **options)
    outcome = asyncio.run(run_episode(table.plan, table.context))
    steps = [event.data for event in table.store.events()]
    table.store.close()
    timeless = {"seconds": 0.0, "confirmed_seconds": 0.0}
    return (
        outcome,
        [
            data.model_copy(update={name: value for name, value in timeless.items() if hasattr(data, name)})
            for data in steps
            if not isinstance(data, CallIntended | CallFinished | EpisodeFinished)
        ],
        table,
    )


def told(outcome: EpisodeFinished) -> tuple[object, ...]:
    return (
        outcome.status, outcome.score, outcome.passed, outcome.answer_iteration, outcome.iterations, outcome.rule,
        outcome.failure,
    )  # fmt: skip


def finished_keys(table: Table) -> list[str]:
    events = (event.data for event in table.store.events())
    return [data.key for data in events if isinstance(data, CallFinished) and data.failure is None]


answers = st.lists(
    st.sampled_from(["12", "7315", "151", "x", "", ModelRejected("too long"), ModelUnavailable("away")]),
    min_size=1,
    max_size=5,
)


@settings(max_examples=12, deadline=None)
@given(
    answers=answers,
    delays=st.lists(st.sampled_from([0.0, 0.001, 0.004]), min_size=1, max_size=5),
    caps=st.sampled_from([Caps(), Caps(model_calls=3), Caps(tokens=17_000)]),
    width=st.integers(2, DRAWS + 1),
)
def test_any_width_comes_to_the_same_as_one_by_one(
    answers: list[Answer], delays: list[float], caps: Caps, width: int
) -> None:
    with TemporaryDirectory() as folder:
        one, steps, alone = drawn(Path(folder, "one"), Seeded(answers, delays), 1, caps=caps)
        many, same_steps, together = drawn(Path(folder, "many"), Seeded(answers, delays), width, caps=caps)
        assert told(many) == told(one)
        assert same_steps == steps
        assert set(finished_keys(alone)) <= set(finished_keys(together))
        assert len(set(finished_keys(together))) == many.model_calls <= DRAWS
        assert not together.context.ledger.overshoot


def test_as_many_as_the_width_are_drawn_at_the_same_time(tmp_path: Path) -> None:
    for width, together in ((1, 1), (3, 3), (9, DRAWS)):
        model = Seeded(["x"], [0.01])
        drawn(tmp_path / str(width), model, width)
        assert (model.most_together, len(model.asked)) == (together, DRAWS)


def test_no_more_are_drawn_than_the_model_takes_at_once(tmp_path: Path) -> None:
    model = Seeded(["x"], [0.01], slots=2)
    drawn(tmp_path / "r", model, 4)
    assert model.most_together == 2


def test_what_was_drawn_beside_a_full_pass_is_recorded_and_counted_and_decides_nothing(tmp_path: Path) -> None:
    outcome, steps, table = drawn(tmp_path / "r", Seeded(["12"]), 4)
    assert (outcome.iterations, outcome.answer_iteration, outcome.model_calls) == (1, 0, 4)
    assert [step.type for step in steps] == ["episode_started", "proposed", "observed", "judged", "decided", "graded"]
    assert outcome.usage == Usage(input=40, output=40)
    assert len(finished_keys(table)) == 4
    episode = EpisodeRecord()
    for event in table.store.events():
        episode.apply(event)
    assert episode.drawn_for_nothing == 3
    assert [one.id for one in observations(table.store.events())] == ["game/0"]


@pytest.mark.parametrize("cap", [1, 2, 3])
def test_the_first_draws_get_what_is_left_of_a_budget(tmp_path: Path, cap: int) -> None:
    model = Seeded(["x"], [0.004, 0.0, 0.002])
    outcome, _, table = drawn(tmp_path / "r", model, 4, caps=Caps(model_calls=cap))
    assert (outcome.iterations, outcome.rule, len(model.asked)) == (cap, "budget", cap)
    assert table.context.ledger.spent.model_calls == cap


@pytest.mark.slow
@pytest.mark.parametrize("width", [1, 4])
def test_a_cap_on_time_holds_whatever_was_drawn_ahead(tmp_path: Path, width: int) -> None:
    class Slow(Game):
        async def step(self, action: Candidate) -> Observation:
            await asyncio.sleep(2.2)
            return await super().step(action)

    table = table_of(tmp_path / "r", Seeded(["x"]), width, caps=Caps(seconds=2))
    table.context = replace(table.context, environment=Slow())
    outcome = asyncio.run(run_episode(table.plan, table.context))
    assert (outcome.iterations, outcome.rule) == (1, "budget")


def test_an_agent_of_ones_own_may_have_a_model_that_is_its_own_business(tmp_path: Path) -> None:
    class Own:
        role = AgentRole.PROPOSER
        model = "what its own client calls it"

        async def act(self, view: View, models: ModelClient) -> AgentReply:
            return AgentReply(candidate=Candidate(text="12"))

    table = table_of(tmp_path / "r", Seeded(["x"]), 4)
    table.context = replace(table.context, agents={**table.context.agents, AgentRole.PROPOSER: Own()})
    assert asyncio.run(run_episode(table.plan, table.context)).iterations == 1


@pytest.mark.parametrize("answered", range(5))
def test_a_resumed_episode_repeats_no_draw(tmp_path: Path, answered: int) -> None:
    class Stuck(Seeded):
        async def complete(self, request: Request) -> Reply:
            if len(self.asked) < answered:
                return await super().complete(request)
            stuck.set()
            await asyncio.Event().wait()
            raise AssertionError

    async def kill() -> None:
        episode = asyncio.ensure_future(run_episode(table.plan, table.context))
        await stuck.wait()
        while len(finished_keys(table)) < answered:
            await asyncio.sleep(0.001)
        episode.cancel()
        await asyncio.wait([episode])

    first, stuck = Stuck(["x"]), asyncio.Event()
    table = table_of(tmp_path / "r", first, 4)
    asyncio.run(kill())
    table.store.close()

    second, store = Seeded(["x"]), RunStore.open(tmp_path / "r")
    again = table_of(tmp_path / "r", second, 4, store=store)
    outcome = asyncio.run(run_episode(again.plan, again.context, recorded=list(store.events())))
    assert outcome.iterations == DRAWS
    # Draws get their seeds from their position, so no seed comes twice.
    assert len(first.asked) == answered
    assert len(set(first.asked + second.asked)) == len(first.asked + second.asked) == DRAWS
