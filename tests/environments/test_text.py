"""Words and a judge: a whole run without a sandbox."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import loopwright
from loopwright.errors import TaskError
from loopwright.models import Scripted
from loopwright.store import CallIntended, read_run


def judgement(score: float) -> str:
    check = {"name": "has a rhyme", "score": score, "evidence": "the last words"}
    return json.dumps({"checks": [check], "confidence": 0.9})


@pytest.fixture
def task() -> loopwright.Task:
    return loopwright.Task.model_validate(
        {
            "name": "couplet",
            "goal": "Write two lines about the sea.",
            "environment": {"name": "text", "rubric": "The lines rhyme."},
            "agents": {"proposer": "author", "verifier": "verifier"},
            "models": {"proposer": "scripted/author.json", "verifier": "scripted/judge.json"},
        }
    )


def test_a_judge_scores_a_text_until_it_passes(task: loopwright.Task, tmp_path: Path) -> None:
    (tmp_path / "author.json").write_text(
        json.dumps(["The sea is wide.\nIt is blue.", "The sea is wide,\nI know its tide."])
    )
    (tmp_path / "judge.json").write_text(json.dumps([judgement(0), judgement(1)]))
    result = loopwright.run(task, strategy="refine", project=tmp_path, out=tmp_path / "run")
    (episode,) = result
    assert (episode.passed, episode.score, len(episode.attempts)) == (True, 1.0, 2)
    assert episode.answer is not None
    assert episode.answer.text == "The sea is wide,\nI know its tide."
    asked = [event.data for event in read_run(tmp_path / "run").events if isinstance(event.data, CallIntended)]
    assert len(asked) == 4


def test_without_a_usable_verdict_there_is_no_score(task: loopwright.Task, tmp_path: Path) -> None:
    (tmp_path / "author.json").write_text(json.dumps(["The sea."]))
    (tmp_path / "judge.json").write_text(json.dumps(["Nice!", "Still nice!"]))
    (episode,) = loopwright.run(task, strategy="single", project=tmp_path, out=tmp_path / "run")
    assert not episode.scored
    assert episode.outcome is not None
    assert episode.outcome.failure is not None
    assert episode.outcome.failure.cause == "verifier"
    assert "no usable verdict of the judge" in episode.outcome.failure.message
    assert "it begins 'Still nice!'" in episode.outcome.failure.line
    assert "resume" in episode.outcome.failure.line


def test_a_judge_that_cannot_be_read_is_not_paid_for_each_iteration_and_a_resume_asks_it_again(
    task: loopwright.Task, tmp_path: Path
) -> None:
    author, judge = tmp_path / "author.json", tmp_path / "judge.json"
    author.write_text(json.dumps(["The sea."] * 6))
    judge.write_text(json.dumps(["Nice!"] * 12))
    (episode,) = loopwright.run(task, strategy="refine", project=tmp_path, out=tmp_path / "run")
    assert episode.outcome is not None
    assert (episode.scored, episode.outcome.iterations, episode.outcome.model_calls) == (False, 1, 3)
    judge.write_text(json.dumps([judgement(1)] * 4))
    (again,) = loopwright.resume(tmp_path / "run", project=tmp_path)
    assert again.outcome is not None
    assert (again.passed, again.outcome.iterations, again.outcome.model_calls) == (True, 1, 4)


def test_two_candidates_in_a_row_without_a_verdict_stop_the_loop_and_an_earlier_one_is_the_answer(
    task: loopwright.Task, tmp_path: Path
) -> None:
    (tmp_path / "author.json").write_text(json.dumps([f"Sea {number}." for number in range(6)]))
    (tmp_path / "judge.json").write_text(json.dumps([judgement(0.5), *["Nice!"] * 11]))
    (episode,) = loopwright.run(task, strategy="refine", project=tmp_path, out=tmp_path / "run")
    assert episode.outcome is not None
    assert (episode.score, episode.outcome.iterations, episode.outcome.rule) == (0.5, 3, "judge_failed")
    assert episode.outcome.answer_iteration == 0


def test_hidden_fields_are_refused(task: loopwright.Task, tmp_path: Path) -> None:
    options = {**task.environment.model_dump(), "hidden": {"tests": "x"}}
    task = task.model_copy(update={"environment": type(task.environment).model_validate(options)})
    with pytest.raises(TaskError, match="environment\\.hidden\\."):
        loopwright.run(task, strategy="single", model=Scripted(["x"]), project=tmp_path, out=tmp_path / "run")
