"""What the record cannot hold: it is its agent's doing, and ends no run."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from loopwright.agents import AgentReply, AgentRole, ModelClient, View
from loopwright.candidate import Candidate
from loopwright.environments import Observation
from loopwright.loop import run_episode
from loopwright.store import EpisodeFinished, IdempotenceChecked, Proposed, read_run
from tests.loop.game import Game, Table

HUGE = "\x01" * 12_000_000
"""JSON writes each of these as six characters."""
RIGHT = "7315"
PARTS = {"text": HUGE, "files": {"a.txt": HUGE}, "made": {"log": HUGE}}


class Author:
    """Answers with what it was made of, one after the other."""

    role = AgentRole.PROPOSER

    def __init__(self, *candidates: Candidate) -> None:
        self.candidates = list(candidates)

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        return AgentReply(candidate=self.candidates.pop(0))


def played(table: Table, *candidates: Candidate) -> EpisodeFinished:
    agents = {**table.context.agents, AgentRole.PROPOSER: Author(*candidates)}
    table.context = replace(table.context, agents=agents)
    outcome = asyncio.run(run_episode(table.plan, table.context))
    table.store.close()
    return outcome


@pytest.mark.parametrize("strategy", ["refine", "best_of_n", "react"])
@pytest.mark.parametrize("part", PARTS)
def test_a_candidate_that_cannot_be_recorded_is_none_and_the_episode_goes_on(
    part: str, strategy: str, tmp_path: Path
) -> None:
    table = Table(tmp_path / "run", [], strategy=strategy, max_iterations=2)
    outcome = played(table, Candidate.model_validate({part: PARTS[part]}), Candidate(text=RIGHT))
    assert (outcome.status, outcome.passed) == ("scored", True)
    first, second = (e.data for e in read_run(tmp_path / "run").events if isinstance(e.data, Proposed))
    assert (first.candidate, second.candidate) == (None, Candidate(text=RIGHT))
    assert "too large to be recorded" in first.problem


def test_a_refined_answer_that_cannot_be_recorded_leaves_the_score(tmp_path: Path) -> None:
    table = Table(tmp_path / "run", [], threshold=0.5, idempotence=True)
    outcome = played(table, Candidate(text=RIGHT), Candidate(text=RIGHT, files={"a.txt": HUGE}))
    assert (outcome.status, outcome.passed) == ("scored", True)
    (checked,) = (e.data for e in read_run(tmp_path / "run").events if isinstance(e.data, IdempotenceChecked))
    assert (checked.passed, checked.candidate) == (False, None)
    assert "too large to be recorded" in checked.problem


def test_an_environment_whose_answer_cannot_be_recorded_fails_its_episode_alone(tmp_path: Path) -> None:
    class Flood(Game):
        async def step(self, action: Candidate) -> Observation:
            return Observation(text=HUGE)

    table = Table(tmp_path / "run", [])
    table.context = replace(table.context, environment=Flood())
    outcome = played(table, Candidate(text="12"))
    assert (outcome.status, outcome.score) == ("failed", None)
    assert outcome.failure is not None
    assert (outcome.failure.cause, outcome.failure.error) == ("harness", "EventTooLarge")
    assert list(read_run(tmp_path / "run").events)[-1].data == outcome
