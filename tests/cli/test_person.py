"""A task asks a person in the middle of a loop: by `loopwright ctl`, at the terminal, after a kill."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from pathlib import Path
from typing import TypeVar

import pytest

from loopwright.runner import load_result
from loopwright.store import Critiqued, Decided, Observed, PersonAnswered, PersonAsked, read_run
from tests.cli.conftest import Invoke, WriteTask, with_path
from tests.cli.test_ctl import Started, started

pytestmark = pytest.mark.slow


def _task(write_task: WriteTask, asked: str, more: str = "") -> Path:
    task = write_task("say", more)
    task.write_text(task.read_text().replace("max_iterations: 3", f"max_iterations: 3\n  ask_person: [{asked}]"))
    return task


def _question(run: Started, number: int = 1) -> str:
    run.wait_for("person_asked", number)
    asked = [event.data for event in run.events() if isinstance(event.data, PersonAsked)]
    return asked[number - 1].question.id


T = TypeVar("T")


def _data(kind: type[T]) -> list[T]:
    return [event.data for event in read_run(Path("out")).events if isinstance(event.data, kind)]


def test_a_decision_is_asked_and_the_words_reach_the_proposer(invoke: Invoke, write_task: WriteTask) -> None:
    _task(write_task, "decision")
    Path("prompts/sayer.md").write_text(
        "You say words.\n--- user ---\n{{ view.goal }}\n{% for one in view.attempts %}{{ one.critique }}{% endfor %}\n"
    )
    with started(invoke) as run:
        question = _question(run)
        [told] = run.ctl("status")["status"]["questions"]
        assert (told["id"], "The strategy would" in told["text"]) == (question, True)
        assert "is no answer" in run.ctl("answer", question, "approve", code=2)["message"]
        run.ctl("answer", question, "continue", "say yes, please")
        code, _, stderr = run.end()
    assert code == 0, stderr
    assert "waits for a person" in stderr
    [first] = [one for one in _data(Decided) if one.rule == "person"]
    assert first.decision == "continue"
    assert [one.critic for one in _data(Critiqued)][-1] == "person"
    assert [one.answer.by for one in _data(PersonAnswered)] == ["ctl"]
    assert "say yes, please" in Path("out/events.jsonl").read_text().split('"person_answered"')[1]


def test_stop_ends_the_episode_with_its_best_answer(invoke: Invoke, write_task: WriteTask) -> None:
    _task(write_task, "decision")
    with started(invoke) as run:
        _question(run)
        run.ctl("answer", "say", "stop")
        code, _, _ = run.end()
    assert (code, load_result("out").episodes[0].stop_reason) == (0, "person")


def test_a_refused_action_is_not_executed(invoke: Invoke, write_task: WriteTask) -> None:
    _task(write_task, "action")
    with started(invoke) as run:
        run.ctl("answer", _question(run), "refuse", "not that word")
        run.ctl("answer", _question(run, 2), "approve")
        code, _, stderr = run.end()
    assert code == 0, stderr
    first, second, *_ = (one.observation.text for one in _data(Observed))
    assert "not that word" in first
    assert second == "ran yes"


def test_an_episode_that_waits_gives_its_place_to_another(invoke: Invoke, write_task: WriteTask) -> None:
    _task(write_task, "decision", "repeats: 2\n")
    Path("right.yaml").write_text('- "no"\n' * 12)
    with started(invoke, "--concurrency", "1") as run:
        _question(run, 2)
        assert run.ctl("status")["status"]["episodes"] == {"running": 2}
        run.ctl("skip", "say:refine:0")
        run.ctl("stop")
        assert run.end()[0] == 130
    result = load_result("out")
    assert sorted(str(one.outcome and one.outcome.status) for one in result) == ["None", "failed"]


def test_resume_after_a_kill_asks_only_what_was_not_answered(invoke: Invoke, write_task: WriteTask) -> None:
    _task(write_task, "action, decision")
    with started(invoke) as run:
        run.ctl("answer", _question(run), "approve")
        second = _question(run, 2)
        assert second.endswith("/0/decision")
        run.process.kill()
        run.process.wait()
    Path("right.yaml").write_text('- "yes"\n')
    with started(invoke, verb="resume") as run:
        deadline = time.monotonic() + 60
        while not Path("out/control.sock").exists() or not _open(run):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert _open(run) == [second]
        run.ctl("answer", second, "continue")
        run.ctl("answer", _question(run, 3), "approve")
        code, _, stderr = run.end()
    assert code == 0, stderr
    asked = [one.question.id for one in _data(PersonAsked)]
    assert len(asked) == len(set(asked)) == 3
    assert [one.answer.choice for one in _data(PersonAnswered)] == ["approve", "continue", "approve"]


def test_a_person_at_the_terminal_answers(write_task: WriteTask) -> None:
    _task(write_task, "decision")
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "loopwright.cli", "run", "say.yaml", "--out", "out"]
    command += ["--model", "scripted/right.yaml"]
    with subprocess.Popen(command, stdin=slave, stdout=subprocess.DEVNULL, stderr=slave, env=with_path()) as process:
        os.close(slave)
        try:
            said = _read_until(master, "write one of")
            assert "The strategy would" in said
            os.write(master, b"perhaps\n")
            _read_until(master, "is no answer")
            os.write(master, b"backtrack x\n")
            _read_until(master, "needs the iteration")
            os.write(master, b"stop\n")
            assert process.wait(120) == 0
        finally:
            process.kill()
            os.close(master)
    assert [one.answer.by for one in _data(PersonAnswered)] == ["terminal"]
    assert load_result("out").episodes[0].stop_reason == "person"


def test_a_strategy_that_asks_nobody_is_refused_before_the_run(invoke: Invoke, write_task: WriteTask) -> None:
    task = _task(write_task, "decision")
    task.write_text(
        task.read_text().replace("loop:\n", "loop:\n  strategy: discover\n  value: {direction: maximize}\n")
    )
    result = invoke("run", task, "--model", "scripted/right.yaml", "--out", "out")
    assert (result.exit_code, "asks no person" in result.stderr) == (2, True), result.output


def _open(run: Started) -> list[str]:
    try:
        return [one["id"] for one in run.ctl("status")["status"]["questions"]]
    except AssertionError:
        return []


def _read_until(fd: int, words: str) -> str:
    said, deadline = "", time.monotonic() + 120
    while words not in said:
        assert time.monotonic() < deadline, said
        said += os.read(fd, 65536).decode()
    return said
