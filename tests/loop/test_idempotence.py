"""An answer that passed is refined once more, and stays what it is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from loopwright.budget import Caps
from loopwright.errors import ModelUnavailable
from loopwright.loop import run_episode
from loopwright.record import EpisodeRecord, RunReader
from loopwright.report import summarize
from loopwright.store import EpisodeFinished, Graded, IdempotenceChecked, RunStore
from tests.loop.game import Table

ASKED = {"threshold": 0.5, "idempotence": True}


def play(folder: Path, replies: list[object], **options: object) -> tuple[EpisodeFinished, Table]:
    table = Table(folder, replies, **{**ASKED, **options})  # type: ignore[arg-type]  # options of the loop
    return asyncio.run(run_episode(table.plan, table.context)), table


def checked(table: Table) -> list[IdempotenceChecked]:
    return [event.data for event in table.store.events() if isinstance(event.data, IdempotenceChecked)]


@pytest.mark.parametrize(("again", "passed"), [("7315", True), ("12", False), ("", False)])
def test_one_more_refinement_is_graded_and_changes_nothing(tmp_path: Path, again: str, passed: bool) -> None:
    done, table = play(tmp_path / "r", ["7315", again])
    plain, _ = play(tmp_path / "plain", ["7315"], idempotence=False)
    (found,) = checked(table)
    assert found.passed is passed
    outcome = ("score", "passed", "answer_iteration", "iterations", "rule")
    assert [getattr(done, name) for name in outcome] == [getattr(plain, name) for name in outcome]
    assert (done.model_calls, plain.model_calls) == (2, 1)
    assert "you said 7315" in table.proposer.requests[1].messages[1].content
    assert len([event for event in table.store.events() if isinstance(event.data, Graded)]) == 1


def test_the_critic_is_asked_as_in_the_loop(tmp_path: Path) -> None:
    _, table = play(tmp_path / "r", ["7315", "12"], critiques=['{"feedback": "make it even"}'])
    assert "make it even" in table.proposer.requests[1].messages[1].content


def test_a_transcript_tells_who_was_asked(tmp_path: Path) -> None:
    _, table = play(tmp_path / "r", ["7315", "12"], critiques=['{"feedback": "make it even"}'])
    (episode,) = RunReader(with_calls=True).read(table.store.events())
    assert episode.calls is not None
    assert [call.role for call in episode.calls] == ["proposer", "critic", "proposer"]
    assert (episode.spent.calls, episode.iterations[0].spent.calls) == (3, 1), "the iteration costs what it cost"


def test_what_did_not_pass_is_not_refined(tmp_path: Path) -> None:
    done, table = play(tmp_path / "r", ["12"])
    assert (done.passed, checked(table)) == (False, [])


@pytest.mark.parametrize(
    ("replies", "caps"),
    [(["7315"], Caps(model_calls=1)), (["7315", ModelUnavailable("away")], Caps())],
)
def test_what_cannot_be_found_out_leaves_the_score(tmp_path: Path, replies: list[object], caps: Caps) -> None:
    done, table = play(tmp_path / "r", replies, caps=caps)
    (found,) = checked(table)
    assert (done.status, done.passed, found.passed) == ("scored", True, None)
    assert found.problem


def test_a_resumed_episode_pays_for_it_once(tmp_path: Path) -> None:
    _, table = play(tmp_path / "r", ["7315", "12"])
    table.store.close()
    store = RunStore.open(tmp_path / "r")
    before = [event for event in store.events() if not isinstance(event.data, EpisodeFinished | IdempotenceChecked)]
    again = Table(tmp_path / "r", [], store=store, **ASKED)  # type: ignore[arg-type]  # options of the loop
    done = asyncio.run(run_episode(again.plan, again.context, recorded=before))
    assert (done.passed, again.proposer.requests) == (True, [])
    assert [found.passed for found in checked(again)] == [False, False]


def test_reports_tell_how_often_it_spoils_an_answer(tmp_path: Path) -> None:
    _, table = play(tmp_path / "r", ["7315", "12"])
    (variant,) = summarize(table.store.events()).variants
    over = variant.over_refinement
    assert over is not None
    assert (over.n, over.spoiled) == (1, 1)
    assert 0 < over.interval.low < over.interval.high <= 1
    episode = EpisodeRecord()
    for event in table.store.events():
        episode.apply(event)
    assert episode.idempotence == checked(table)[0]
    assert episode.drawn_for_nothing == 0
