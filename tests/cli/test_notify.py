"""`--notify`: a run tells of its end and of caps, and its outcome is the same whatever becomes of the notices."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from loopwright import Run
from loopwright.notify import parse_target
from loopwright.store import DriftAlarm
from loopwright.types import Category, Channel
from tests.cli.conftest import Invoke, WriteTask

pytestmark = pytest.mark.slow


@pytest.fixture
def notify(project: Path) -> str:
    """A command that adds each notice to `notices`, a line each."""
    (project / "note.py").write_text("import sys; open('notices', 'ab').write(sys.stdin.buffer.read() + b'\\n')")
    return f"{shlex.quote(sys.executable)} note.py"


def notices() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("notices").read_text().splitlines()]


def test_the_end_is_told(invoke: Invoke, write_task: WriteTask, notify: str) -> None:
    task = write_task()
    result = invoke("run", task, "--model", "scripted/right.yaml", "--out", "out", "--notify", notify)
    assert result.exit_code == 0, result.output
    [told] = notices()
    assert (told["kind"], told["reason"], told["episodes"]) == ("finished", "completed", {"scored": 1})
    assert (told["run"], told["folder"], told["spent"]["model_calls"]) == ("out", str(Path("out").absolute()), 2)
    assert "yes" not in json.dumps(told)


def test_a_spent_cap_is_told_once(invoke: Invoke, write_task: WriteTask, notify: str) -> None:
    task = write_task("say", "repeats: 4\n")
    Path("right.yaml").write_text('- "yes"\n' * 12)
    options = ("--model", "scripted/right.yaml", "--out", "out", "--max-calls", "2", "--notify", notify)
    invoke("run", task, *options)
    assert [(told["kind"], told.get("cap")) for told in notices()] == [("cap", "model_calls"), ("finished", None)]


def test_a_cap_of_each_episode_is_nothing_to_tell(invoke: Invoke, write_task: WriteTask, notify: str) -> None:
    task = write_task("say", "budget: {model_calls: 1}\n")
    invoke("run", task, "--model", "scripted/wrong.yaml", "--out", "out", "--notify", notify)
    assert [told["kind"] for told in notices()] == ["finished"]


def test_a_notifier_that_fails_changes_nothing_and_is_told_once(invoke: Invoke, write_task: WriteTask) -> None:
    task = write_task()
    options = ("--model", "scripted/right.yaml", "--json")
    plain = invoke("run", task, *options, "--out", "plain")
    noted = invoke("run", task, *options, "--out", "noted", "--notify", "false", "--notify", "http://127.0.0.1:9/x")
    assert (noted.exit_code, noted.stderr.count("did not reach")) == (plain.exit_code, 2)
    rows = [json.loads(result.stdout)["episodes"][0] for result in (plain, noted)]
    assert [row["score"] for row in rows] == [1.0, 1.0]


def test_a_command_that_is_not_there_is_refused_before_the_run(invoke: Invoke, write_task: WriteTask) -> None:
    result = invoke("run", write_task(), "--model", "scripted/right.yaml", "--out", "out", "--notify", "no-such-thing")
    assert (result.exit_code, Path("out").exists()) == (2, False)
    assert "there is no program 'no-such-thing'" in result.stderr


def test_an_alarm_is_told(invoke: Invoke, write_task: WriteTask, notify: str) -> None:
    invoke("run", write_task(), "--model", "scripted/right.yaml", "--out", "out", "--max-calls", "1")
    run = Run.reopen(Path("out"))
    run.notify = [parse_target(notify)]
    alarm = DriftAlarm(
        channel=Channel.B_ERROR,
        category=Category.BOUNDARIES,
        at=40,
        onset=31,
        worse=True,
        shift=1.2,
        severity="severe",
    )
    session = "say:refine:session"

    async def execute() -> None:
        working = asyncio.create_task(run.execute())
        await asyncio.sleep(0)
        run.store.append(alarm, episode=session)
        await working

    asyncio.run(execute())
    first = notices()[0]
    assert (first["kind"], first["session"], "severe" in first["text"]) == ("alarm", session, True)
