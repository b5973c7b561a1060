"""Trajectories and logs, read back by the code of others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loopwright.export import export
from loopwright.types import Verdict
from tests.export.inspect_logs import bundle, read_log
from tests.report.builder import RunBuilder, Turn
from tests.report.samples import hostile, pictures, study
from tests.store.support import python

SAMPLES = [study, hostile, pictures]


def one_run(folder: Path) -> Path:
    run = RunBuilder(folder, episodes=2)
    turns = [
        Turn(
            0.5, hidden=0.25, reply="draft", critique="Mind nested lists.", reasoning="Let me see.", output="1 failed"
        ),
        Turn(1, hidden=1.0, parent=0, reply="right", decision="stop", rule="all_passed", prompt="Mend it."),
    ]
    run.episode(turns, instance="1", repeat=1)
    run.episode(turns[:1], instance="2", failed={"cause": "model", "error": "ModelUnavailable", "message": "503"})
    return run.close()


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_reader_of_atif_takes_every_trajectory(tmp_path: Path, sample: Any) -> None:
    atif = pytest.importorskip("atif")
    written = export(sample(tmp_path / "run"), "atif", tmp_path / "out")
    for path in written.files:
        read = atif.Trajectory.model_validate(json.loads(path.read_bytes()))
        assert read.schema_version == "ATIF-v1.8"
        assert "hidden: AssertionError" not in path.read_text("utf-8")


def test_a_trajectory_tells_who_did_what(tmp_path: Path) -> None:
    written = export(one_run(tmp_path / "run"), "atif", tmp_path / "out")
    scored, failed = (json.loads(path.read_bytes()) for path in written.files)
    steps = [(step["source"], step.get("llm_call_count"), step["message"]) for step in scored["steps"]]
    assert steps == [
        ("user", None, "Write `total`, which adds numbers."),
        ("system", None, "You write Python.\nAnswer with one file."),
        ("user", None, "Write the module."),
        ("agent", 1, "draft"),
        ("agent", 0, "1 of 2 checks failed"),
        ("agent", 0, "Mind nested lists."),
        ("system", None, "checks still fail"),
        ("system", None, "Graded by the hidden checks: 0.250"),
        ("user", None, "Mend it."),
        ("agent", 1, "right"),
        ("agent", 0, "all checks pass"),
        ("system", None, "checks still fail"),
        ("system", None, "Graded by the hidden checks: 1.000"),
    ]
    draft = scored["steps"][3]
    assert (draft["reasoning_content"], draft["metrics"]["prompt_tokens"]) == ("Let me see.", 500)
    assert draft["observation"]["results"] == [{"content": "1 failed"}]
    assert scored["extra"]["loopwright"]["score"] == 1.0
    assert scored["final_metrics"]["total_prompt_tokens"] == 1000
    assert (failed["extra"]["loopwright"]["status"], failed["extra"]["loopwright"]["score"]) == ("failed", None)


@pytest.mark.slow
@pytest.mark.parametrize("sample", SAMPLES)
def test_inspect_reads_its_logs(tmp_path: Path, sample: Any) -> None:
    pytest.importorskip("inspect_ai")
    written = export(sample(tmp_path / "run"), "inspect", tmp_path / "out")
    read = [read_log(path) for path in written.files]
    assert sum(len(one.samples) for one in read) == written.entries


@pytest.mark.slow
def test_a_log_has_repeats_as_epochs_and_iterations_as_spans(tmp_path: Path) -> None:
    pytest.importorskip("inspect_ai")
    written = export(one_run(tmp_path / "run"), "inspect", tmp_path / "out")
    (path,) = written.files
    read = read_log(path)
    failed, scored = sorted(read.samples, key=lambda sample: sample.epoch)
    assert (scored.id, scored.epoch, scored.scores["loopwright"].value) == ("1", 2, 1.0)
    assert [event.name for event in scored.events if event.event == "span_begin"] == ["iteration 0", "iteration 1"]
    assert [event.score.value for event in scored.events if event.event == "score"] == [0.5, 0.25, 1.0, 1.0]
    assert scored.output.completion == "right"
    assert (failed.scores, failed.error.message) == (None, "ModelUnavailable (model)")
    assert (read.results.total_samples, read.results.completed_samples, read.status) == (2, 1, "error")
    assert read.results.scores[0].metrics["mean"].value == 1.0


BESIDE_A_LOOP = """
import asyncio
import sys
from pathlib import Path
from loopwright.export import export

async def write():
    export(Path(sys.argv[1]), "inspect", Path(sys.argv[2]))

before = asyncio.run
asyncio.run(write())
assert asyncio.run is before
"""


@pytest.mark.slow
def test_inspect_writes_them_beside_an_event_loop_and_leaves_asyncio_alone(tmp_path: Path) -> None:
    pytest.importorskip("inspect_ai")
    with python(BESIDE_A_LOOP, one_run(tmp_path / "run"), tmp_path / "out") as fresh:
        assert fresh.wait() == 0
    (path,) = (tmp_path / "out").glob("*.eval")
    assert len(read_log(path).samples) == 2


@pytest.mark.slow
def test_inspect_bundles_them_for_its_viewer(tmp_path: Path) -> None:
    pytest.importorskip("inspect_ai")
    export(study(tmp_path / "run"), "inspect", tmp_path / "out")
    bundle(tmp_path / "out", tmp_path / "page")
    assert (tmp_path / "page" / "index.html").is_file()
    assert len(list((tmp_path / "page" / "logs").glob("*.eval"))) == 3


def test_inspect_is_told_no_score_of_an_action_without_checks(tmp_path: Path) -> None:
    pytest.importorskip("inspect_ai")
    run = RunBuilder(tmp_path / "run")
    run.episode([Turn(judged=Verdict(), hidden=1.0)])
    (path,) = export(run.close(), "inspect", tmp_path / "out").files
    (sample,) = read_log(path).samples
    assert [event.scorer for event in sample.events if event.event == "score"] == ["hidden checks"]


def test_a_trajectory_tells_the_goal_once_and_no_checks_that_were_not(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run")
    run.episode([Turn(prompt="Please: Add numbers.", judged=Verdict())], goal="Add numbers.")
    (path,) = export(run.close(), "atif", tmp_path / "out").files
    told = [step["message"] for step in json.loads(path.read_text())["steps"]]
    assert sum("Add numbers." in message for message in told) == 1
    assert not any("checks pass" in message for message in told)
