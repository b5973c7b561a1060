from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke, WriteTask, with_path


@contextmanager
def _started() -> Iterator[subprocess.Popen[str]]:
    """`loopwright run` in a process of its own, ended with the block."""
    command = [sys.executable, "-m", "loopwright.cli", "run", "say.yaml", "--out", "out"]
    command += ["--model", "scripted/right.yaml"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=with_path()
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _wait_for_event(name: str, seconds: float = 30) -> None:
    """Waits until the record holds an event of that type."""
    events, deadline = Path("out/events.jsonl"), time.monotonic() + seconds
    while time.monotonic() < deadline:
        if events.exists() and f'"{name}"' in events.read_text():
            return
        time.sleep(0.05)
    pytest.fail(f"no {name} event in {seconds} s")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_drains_and_resume_finishes(invoke: Invoke, write_task: WriteTask, number: signal.Signals) -> None:
    task = write_task()
    task.write_text(task.read_text().replace('want: "yes"\n  hidden', 'want: "yes"\n  slow: 1.5\n  hidden'))
    with _started() as process:
        _wait_for_event("proposed")
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr
    assert "once more to stop now" in stderr
    assert "loopwright resume out" in stdout
    calls = Path("out/events.jsonl").read_text().count('"call_finished"')
    assert calls == 1

    Path("right.yaml").write_text('- "yes"\n')
    result = invoke("resume", "out", "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == 0
    assert [(row["passed"], row["model_calls"]) for row in told["episodes"]] == [(True, 2)]


@pytest.mark.slow
def test_two_signals_stop_now(invoke: Invoke, write_task: WriteTask) -> None:
    task = write_task()
    task.write_text(task.read_text().replace('want: "yes"\n  hidden', 'want: "yes"\n  slow: 60\n  hidden'))
    with _started() as process:
        _wait_for_event("proposed")
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        while "once more" not in (line := process.stderr.readline()):
            assert line
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 130
    assert invoke("show", "out").exit_code == 0
