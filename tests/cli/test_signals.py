from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

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


def _wait_for_event(name: str, seconds: float = 300) -> None:
    """Waits until the record holds an event of that type."""
    events, deadline = Path("out/events.jsonl"), time.monotonic() + seconds
    while time.monotonic() < deadline:
        if events.exists() and f'"{name}"' in events.read_text():
            return
        time.sleep(0.05)
    pytest.fail(f"no {name} event in {seconds} s")


def _read_up_to(words: str, stream: IO[str] | None) -> str:
    """What a process says up to the line with these words."""
    assert stream is not None
    said = ""
    while words not in said:
        line = stream.readline()
        assert line, said
        said += line
    return said


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_drains_and_resume_finishes(invoke: Invoke, write_task: WriteTask, number: signal.Signals) -> None:
    task = write_task()
    task.write_text(task.read_text().replace('want: "yes"\n  hidden', 'want: "yes"\n  until: signalled\n  hidden'))
    with _started() as process:
        _wait_for_event("proposed")
        process.send_signal(number)
        _read_up_to("once more to stop now", process.stderr)
        Path("signalled").touch()
        stdout, stderr = process.communicate(timeout=300)
    assert process.returncode == 130, stderr
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
    task.write_text(task.read_text().replace('want: "yes"\n  hidden', 'want: "yes"\n  until: never\n  hidden'))
    with _started() as process:
        _wait_for_event("proposed")
        process.send_signal(signal.SIGINT)
        _read_up_to("once more", process.stderr)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=300)
    assert process.returncode == 130
    assert invoke("show", "out").exit_code == 0
