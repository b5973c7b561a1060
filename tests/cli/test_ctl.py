"""A run is steered from another process while it works."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from loopwright.runner import load_result
from loopwright.store import EpisodeFinished, Event, RunSteered, read_run
from tests.cli.conftest import Invoke, WriteTask, with_path

pytestmark = pytest.mark.slow


class Started:
    """`loopwright run` in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], folder: Path, invoke: Invoke) -> None:
        self.process, self.folder, self._invoke = process, folder, invoke

    def ctl(self, *words: object, code: int = 0) -> dict[str, Any]:
        """What the run answers, by the command line."""
        result = self._invoke("ctl", self.folder, *words, "--json")
        assert result.exit_code == code, result.output
        told: dict[str, Any] = json.loads(result.stdout or result.stderr)
        return told

    def wait_for(self, name: str, number: int = 1) -> None:
        """Waits until the record has so many events of a type."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if sum(event.data.type == name for event in self.events()) >= number:
                return
            assert self.process.poll() is None, self.end()
            time.sleep(0.05)
        pytest.fail(f"no {number} {name} events")

    def events(self) -> list[Event]:
        """What is recorded so far."""
        return list(read_run(self.folder).events) if (self.folder / "run.json").exists() else []

    def end(self) -> tuple[int, str, str]:
        """Waits for the end: exit code, stdout, stderr."""
        stdout, stderr = self.process.communicate(timeout=120)
        return self.process.returncode, stdout, stderr


@contextmanager
def started(invoke: Invoke, *options: str, folder: str = "out", verb: str = "run") -> Iterator[Started]:
    what = ["say.yaml", "--out", folder, "--model", "scripted/right.yaml"] if verb == "run" else [folder]
    command = [sys.executable, "-m", "loopwright.cli", verb, *what, *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=with_path()
    ) as process:
        try:
            yield Started(process, Path(folder), invoke)
        finally:
            process.kill()


@pytest.fixture
def task(write_task: WriteTask) -> Path:
    """Three episodes, whose candidates wait in the environment until a file `go` is there."""
    task = write_task("say", "repeats: 3\n")
    Path("right.yaml").write_text('- "yes"\n' * 12)
    task.write_text(task.read_text().replace('want: "yes"\n  hidden', 'want: "yes"\n  until: go\n  hidden'))
    return task


def steered(folder: Path) -> list[tuple[str, str | None]]:
    return [
        (event.data.action, event.episode) for event in read_run(folder).events if isinstance(event.data, RunSteered)
    ]


def test_a_paused_run_begins_nothing_and_goes_on(invoke: Invoke, task: Path) -> None:
    with started(invoke) as run:
        run.wait_for("proposed", 3)
        assert run.ctl("status")["status"]["episodes"] == {"running": 3}
        run.ctl("pause")
        Path("go").touch()
        run.wait_for("observed", 3)
        time.sleep(0.5)
        assert run.ctl("status")["status"]["state"] == "paused"
        assert not [event for event in run.events() if event.data.type == "judged"]
        run.ctl("continue")
        code, _, stderr = run.end()
    assert code == 0, stderr
    assert [action for action, _ in steered(Path("out"))] == ["pause", "continue"]
    assert load_result("out").pass_rate == 1


def test_skip_retry_and_fewer_at_a_time(invoke: Invoke, task: Path) -> None:
    Path("prices.yaml").write_text("date: 2026-11-01\nmodels: {scripted/*: {input: 1, output: 1}}\n")
    with started(invoke, "--concurrency", "1", "--prices", "prices.yaml") as run:
        run.wait_for("proposed")
        first, second, third = (episode.id for episode in _planned())
        assert "ends without a score after its step under way" in run.ctl("skip", first)["told"]
        run.ctl("skip", second)
        assert "ctl" not in run.ctl("skip", "nobody", code=2)["message"]
        run.ctl("set", "concurrency", 2)
        Path("go").touch()
        _wait(lambda: len(_ends(run)) >= 3)
        code, stdout, _ = run.end()
    assert (code, {name: outcome.status for name, outcome in _ends(run).items()}) == (
        0,
        {first: "failed", second: "failed", third: "scored"},
    )
    assert steered(Path("out")) == [("skip", first), ("skip", second), ("set_concurrency", None)]
    assert "skipped" in stdout
    # One that was skipped before it began cost nothing, so that the cost of the run is known.
    assert (_ends(run)[second].cost_usd, _ends(run)[second].model_calls) == ("0", 0)
    refused = invoke("resume", "out", "--retry", third)
    assert (refused.exit_code, "has a score, which stays" in refused.stderr) == (2, True)
    assert steered(Path("out"))[-1] == ("set_concurrency", None)
    assert invoke("resume", "out").exit_code == 0
    assert len(_ends(run)) == 3
    result = invoke("resume", "out", "--retry", second, "--json")
    assert result.exit_code == 0
    assert [(row["episode"], row["status"]) for row in json.loads(result.stdout)["episodes"]] == [
        (first, "failed"),
        (second, "scored"),
        (third, "scored"),
    ]


def test_stop_drains_as_ctrl_c_does(invoke: Invoke, task: Path) -> None:
    with started(invoke) as run:
        run.wait_for("proposed", 3)
        run.ctl("pause")
        assert "resume" in run.ctl("stop")["told"]
        Path("go").touch()
        code, stdout, stderr = run.end()
    assert (code, "loopwright resume out" in stdout) == (130, True), stderr
    assert not Path("out/control.sock").exists()
    result = invoke("ctl", "out", "status")
    assert (result.exit_code, "no process works on the run" in result.stderr) == (2, True)
    assert invoke("resume", "out").exit_code == 0


def test_a_cap_that_is_raised_lets_a_failed_episode_be_tried_again(invoke: Invoke, task: Path) -> None:
    with started(invoke, "--concurrency", "1", "--max-calls", "1") as run:
        run.wait_for("proposed")
        first, _, third = (episode.id for episode in _planned())
        assert run.ctl("set", "usd", 1, code=2)["message"].startswith("a cap on cost needs prices")
        assert "from now on" in run.ctl("set", "model_calls", 2)["told"]
        assert run.ctl("status")["status"]["caps"]["model_calls"] == 2
        Path("go").touch()
        code, _, stderr = run.end()
    ends = _ends(run)
    assert ends[first].status == "scored", stderr
    assert (code, ends[third].failure is not None) == (0, True)
    assert invoke("resume", "out", "--max-calls", "6").exit_code == 0


def test_a_run_goes_on_with_fewer_episodes_at_a_time(invoke: Invoke, task: Path) -> None:
    with started(invoke) as run:
        run.wait_for("proposed", 3)
    Path("out/control.sock").unlink()
    with started(invoke, "--concurrency", "2", verb="resume") as run:
        _wait(Path("out/control.sock").is_socket)
        status = run.ctl("status")["status"]
        assert (status["concurrency"], status["episodes"]["running"] <= 2) == (2, True), status
        Path("go").touch()
        code, _, stderr = run.end()
    assert code == 0, stderr
    assert len(_ends(run)) == 3
    assert steered(Path("out")) == [("set_concurrency", None)]


def test_a_socket_that_a_killed_process_left_is_told_and_replaced(invoke: Invoke, task: Path) -> None:
    with started(invoke) as run:
        run.wait_for("proposed", 3)
        assert oct(Path("out/control.sock").stat().st_mode & 0o777) == "0o600"
        run.process.kill()
        run.process.wait()
    assert Path("out/control.sock").is_socket()
    result = invoke("ctl", "out", "pause")
    assert (result.exit_code, "was left behind by one that was killed" in result.stderr) == (2, True)
    Path("go").touch()
    with started(invoke, verb="resume") as run:
        code, _, stderr = run.end()
    assert (code, "it is replaced" in stderr) == (0, True), stderr


def test_a_run_in_a_folder_with_a_long_path_is_reached(invoke: Invoke, task: Path) -> None:
    folder = "/".join(["long" * 20] * 3)
    with started(invoke, folder=folder) as run:
        run.wait_for("proposed", 3)
        assert run.ctl("status")["status"]["state"] == "running"
        Path("go").touch()
        assert run.end()[0] == 0


def _planned() -> list[Any]:
    from loopwright.plan import RunConfig, plan_episodes

    return list(plan_episodes(RunConfig.recorded(read_run(Path("out")).manifest)))


def _ends(run: Started) -> dict[str, EpisodeFinished]:
    return {str(event.episode): event.data for event in run.events() if isinstance(event.data, EpisodeFinished)}


def _wait(condition: Any) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
