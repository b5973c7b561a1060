"""Command-line agents as proposers: a real program works in a sandbox, and what it changed is graded."""

from __future__ import annotations

import os
import signal
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

import loopwright
from loopwright.errors import ModelUnavailable, TaskError, UserError
from loopwright.models import Model, Reply, Request, Scripted
from loopwright.store import CallFinished, CallIntended, Event, read_run
from tests.conftest import PROVIDERS
from tests.forked import processes
from tests.repo.conftest import FAIL_TO_PASS, PASS_TO_PASS, TEST, written

ASK = """
import json, os, sys, time, urllib.error, urllib.request
def ask(words, **more):
    body = {"model": os.environ["OPENAI_MODEL"], "messages": [{"role": "user", "content": words}], **more}
    headers = {"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]}
    place = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
    asked = urllib.request.Request(place, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return json.load(answer)["choices"][0]["message"]["content"]
def sub(path, old, new):
    text = open(path).read()
    open(path, "w").write(text.replace(old, new))
"""
MEND = """
prompt = sys.stdin.read()
assert prompt == open("/tmp/agent/prompt.md").read() and "Mend the bill" in prompt
sub("shop/prices.py", "[1:]", ask("first: " + str("The files are as" in prompt)))
sub("shop/text.py", ".1f", ask("second"))
"""


@dataclass
class Place:
    """A project with a task for a command-line agent."""

    folder: Path
    provider: str = "bubblewrap"

    def task(self, script: str, *, env: dict[str, str] | None = None, **more: Any) -> Path:
        """Writes the agent and the task; `more` are fields of the card's program, and with `_task` of the task."""
        fields = more.pop("_task", {})
        (self.folder / "agents").mkdir(exist_ok=True)
        (self.folder / "cli.py").write_text(ASK + textwrap.dedent(script))
        program = {"command": ["python3", "/tmp/agent/cli.py"], "files": ["cli.py"], "timeout": 60, **more}
        if env:
            program["env"] = env
        card = {"version": 1, "name": "cli", "role": "proposer", "prompt": "command", "program": program}
        (self.folder / "agents" / "cli.yaml").write_text(yaml.safe_dump(card))
        hidden = {
            "fail_to_pass": [*FAIL_TO_PASS],
            "pass_to_pass": [*PASS_TO_PASS],
            "test_files": {"tests/test_total.py": TEST},
        }
        public = {"tests": ["tests/test_text.py::BillTest::test_nothing"], "test_command": "grep -q 2f shop/text.py"}
        task = {
            "version": 1,
            "name": "shop",
            "goal": "Mend the bill.",
            "environment": {
                "name": "repo",
                "repository": str(written(self.folder / "shop")),
                "runner": "unittest",
                **public,
                "hidden": hidden,
            },
            "sandbox": {"provider": self.provider},
            "agents": {"proposer": "cli"},
            "loop": {"strategy": "refine", "max_iterations": 2},
            **fields,
        }
        file = self.folder / "task.yaml"
        file.write_text(yaml.safe_dump(task))
        return file

    def run(self, file: Path, model: Model, **options: Any) -> loopwright.EpisodeResult:
        (episode,) = loopwright.run(file, model=model, project=self.folder, out=self.out, **options)
        return episode

    @property
    def out(self) -> Path:
        return self.folder / "run"

    def events(self) -> Iterator[Event]:
        yield from read_run(self.out).events


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_a_command_changed_is_graded(tmp_path: Path, provider: str) -> None:
    place = Place(tmp_path, provider)
    model = Scripted(["", ".2f"])
    episode = place.run(place.task(MEND), model)
    assert episode.passed
    assert len(episode.attempts) == 1
    candidate = episode.attempts[0].candidate
    assert candidate is not None
    assert [line for line in candidate.files["changes.diff"].splitlines() if line.startswith("diff")] == [
        "diff --git a/shop/prices.py b/shop/prices.py",
        "diff --git a/shop/text.py b/shop/text.py",
    ]
    assert candidate.made == {"exit_code": 0, "timed_out": False, "calls": 2, "refused": 0, "printed": ""}
    assert [request.messages[0].content for request in model.requests] == ["first: False", "second"]
    kinds = [event.data.kind for event in place.events() if isinstance(event.data, CallIntended)]
    assert kinds == ["sandbox", "model", "model"]
    assert episode.outcome is not None
    assert episode.outcome.model_calls == 2
    assert episode.outcome.sandbox_seconds > 0


@pytest.mark.slow
def test_the_next_attempt_goes_on_from_the_files_of_the_last(place: Place) -> None:
    script = """
    prompt = sys.stdin.read()
    if "The files are as" in prompt:
        assert "total(prices):\\n    return sum(prices)" in open("shop/prices.py").read()
        assert "test_command" in prompt
        sub("shop/text.py", ".1f", ".2f")
    else:
        sub("shop/prices.py", "[1:]", ask("what?"))
    """
    episode = place.run(place.task(script), Scripted([""]))
    assert [attempt.verdict.passed for attempt in episode.attempts] == [False, True]
    assert episode.passed


@pytest.mark.slow
def test_files_of_a_candidate_by_which_the_next_command_fails_end_no_run(place: Place) -> None:
    script = """
    if os.path.exists("broken.cfg"):
        sys.exit("broken.cfg cannot be read")
    ask("what?")
    open("broken.cfg", "w").write("[")
    """
    episode = place.run(place.task(script), Scripted([""]))
    assert [attempt.candidate is None for attempt in episode.attempts] == [False, True]
    assert "broken.cfg cannot be read" in episode.attempts[1].problem


@pytest.mark.slow
def test_a_command_that_never_ends_is_killed_and_what_it_changed_is_graded(place: Place) -> None:
    script = MEND + "if os.fork() == 0:\n    os.setsid()\nwhile True:\n    time.sleep(1)\n"
    episode = place.run(place.task(script, timeout=12), Scripted(["", ".2f"]))
    assert episode.passed
    assert episode.attempts[0].candidate is not None
    assert episode.attempts[0].candidate.made["timed_out"] is True


def test_a_command_that_changes_nothing_has_no_candidate(place: Place) -> None:
    episode = place.run(place.task("ask('a'); sys.exit('I give up')"), Scripted(["no"] * 2))
    assert [attempt.candidate for attempt in episode.attempts] == [None, None]
    assert "ended with 1 and changed nothing: I give up" in episode.attempts[0].problem
    assert episode.score == 0


@pytest.mark.parametrize("command", [["no-such-agent"], ["python3", "-c", "import no_such_part"]])
def test_a_command_that_cannot_work_at_all_is_no_score(place: Place, command: list[str]) -> None:
    with pytest.raises(UserError, match=r"sandbox\.image"):
        place.run(place.task("", command=command), Scripted(["no"]))
    (episode,) = loopwright.load_result(place.out)
    assert episode.score is None


def test_a_provider_that_fails_is_no_score_whatever_the_command_makes_of_it(place: Place) -> None:
    script = """
    sub("shop/prices.py", "[1:]", "")
    try:
        ask("a")
    except Exception:
        sub("shop/text.py", ".1f", ".2f")
    """
    episode = place.run(place.task(script), Scripted([ModelUnavailable("no connection")] * 9))
    assert episode.score is None
    assert episode.outcome is not None
    assert episode.outcome.failure is not None
    assert episode.outcome.failure.cause == "model"


def test_a_cap_stops_the_calls_and_the_changes_so_far_are_graded(place: Place) -> None:
    script = """
    sys.stdin.read()
    if "[1:]" not in open("shop/prices.py").read():
        sys.exit(ask("once more"))
    sub("shop/prices.py", "[1:]", "")
    for number in range(9):
        try:
            ask(str(number))
        except urllib.error.HTTPError as error:
            told = json.loads(error.read())["error"]
            assert error.code == 429 and told["code"] == "insufficient_quota", told
            break
    """
    model = Scripted(["x"] * 9)
    episode = place.run(place.task(script, _task={"budget": {"model_calls": 3}}), model)
    assert len(model.requests) == 3
    assert episode.stop_reason == "budget"
    assert len(episode.attempts) == 1
    assert episode.scored
    assert episode.score == pytest.approx(0.75)


@pytest.mark.slow
def test_a_cap_on_time_stops_the_command(place: Place) -> None:
    file = place.task("sub('shop/text.py', '1f', '2f'); time.sleep(50)", _task={"budget": {"sandbox_seconds": 5}})
    episode = place.run(file, Scripted(["x"]))
    assert episode.attempts == ()
    assert episode.outcome is not None
    assert episode.outcome.sandbox_seconds < 50


def test_variables_and_placeholders_reach_the_command_and_no_key_of_the_user_does(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a-key-of-the-user-for-this-test")
    script = """
    assert sys.argv[1:] == ["--model=replies", sys.stdin.read()], sys.argv
    assert os.environ["MODE"] == "auto"
    assert not [name for name, value in os.environ.items() if "a-key-of-the-user" in value]
    sub("shop/text.py", ".1f", ask("x"))
    """
    command = ["python3", "/tmp/agent/cli.py", "--model={model}", "{prompt}"]
    place.run(place.task(script, env={"MODE": "auto"}, command=command), Scripted([".2f"], cycle=True))
    (event, *_) = [
        one.data for one in place.events() if isinstance(one.data, CallFinished) and one.data.kind == "sandbox"
    ]
    assert event.result is not None
    assert event.result["stderr"] == ""
    assert event.result["exit_code"] == 0


def test_the_key_of_one_run_opens_no_other_gate(place: Place) -> None:
    """An agent that leaves its key in the files gets nothing by it."""
    script = """
    key = os.environ["OPENAI_API_KEY"]
    if os.path.exists("key.txt"):
        os.environ["OPENAI_API_KEY"] = open("key.txt").read()
        try:
            ask("with an old key")
        except urllib.error.HTTPError as error:
            open("told.txt", "w").write(str(error.code))
    else:
        open("key.txt", "w").write(key)
        ask("with the key")
    """
    model = Scripted(["x"] * 9)
    episode = place.run(place.task(script), model)
    assert len(model.requests) == 1
    last = episode.attempts[-1].candidate
    assert last is not None
    assert "+401" in last.files["changes.diff"]


def test_nothing_of_the_commands_process_reaches_the_tests(place: Place) -> None:
    """What stays alive, and what lies outside of the repository, is not where the tests run."""
    script = """
    open("/tmp/sitecustomize.py", "w").write("raise SystemExit(0)")
    open("/work/evil.py", "w").write("")
    sub("tests/test_text.py", "endswith('EUR')", "startswith('')")
    if os.fork() == 0:
        os.setsid()
        time.sleep(60)
    """
    episode = place.run(place.task(script), Scripted(["x"]))
    assert not episode.passed
    assert episode.scored


def test_the_base_commit_is_all_that_git_knows(place: Place) -> None:
    script = """
    import subprocess
    if not subprocess.run(["sh", "-c", "command -v git"], capture_output=True).stdout:
        open("log.txt", "w").write("1")
    else:
        told = subprocess.run(["git", "rev-list", "--all", "--count"], capture_output=True, text=True)
        open("log.txt", "w").write(told.stdout.strip())
    assert not os.path.exists("tests/test_total.py")
    """
    episode = place.run(place.task(script), Scripted(["x"]))
    assert episode.attempts[0].candidate is not None
    assert "+1" in episode.attempts[0].candidate.files["changes.diff"]


@pytest.mark.slow
def test_more_than_anyone_should_look_at_is_no_candidate(place: Place) -> None:
    script = """
    ask("x")
    for number in range(220_000):
        os.symlink("a", f"{number}")
    """
    file = place.task(script, timeout=120, _task={"sandbox": {"provider": "bubblewrap", "scratch_mb": 512}})
    episode = place.run(file, Scripted(["x"] * 2))
    assert episode.attempts[0].candidate is None
    assert "cannot be read" in episode.attempts[0].problem


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"strategy": "react"}, "one action at a time"),
        ({"name": "python", "tests": "def test_it(): pass"}, "no files on which it could work"),
    ],
)
def test_where_nothing_can_come_of_a_command_it_is_refused(place: Place, fields: dict[str, Any], message: str) -> None:
    part = {"loop": fields} if "strategy" in fields else {"environment": fields}
    with pytest.raises(UserError, match=message):
        place.run(place.task("", _task=part), Scripted(["x"]))


@pytest.mark.parametrize("name", ["../outside.py", "link.py", "none.py"])
def test_a_card_brings_files_of_its_project_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / "project").mkdir()
    place, secret = Place(tmp_path / "project"), tmp_path / "outside.py"
    secret.write_text("secret")
    (place.folder / "link.py").symlink_to(secret)
    with pytest.raises(TaskError, match="files"):
        place.run(place.task("", files=[name]), Scripted(["x"]))


def test_a_card_says_how_it_replies_or_which_program_it_is(place: Place) -> None:
    file = place.task("")
    card = place.folder / "agents" / "cli.yaml"
    card.write_text(card.read_text() + "reply: text\n")
    with pytest.raises(TaskError, match="one of both"):
        place.run(file, Scripted(["x"]))


class Paid:
    """Answers by what it is asked, and writes that down."""

    name = "scripted/paid"
    repeatable = False

    def __init__(self, file: Path) -> None:
        self.file = file

    async def complete(self, request: Request) -> Reply:
        said = request.messages[-1].content
        with self.file.open("a") as file:
            file.write(said + "\n")
        return Reply(text={"first: False": "", "second": ".2f"}[said], model="m")

    async def close(self) -> None:
        pass


def run_until(number: int, folder: Path) -> None:
    """Runs the task; this process kills itself when it recorded so many events."""
    place, seen = Place(folder), []

    def note(event: Event) -> None:
        seen.append(event)
        if len(seen) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    place.run(folder / "task.yaml", Paid(folder / "paid"), on_event=note)


@pytest.mark.slow
def test_a_run_that_is_killed_asks_nothing_twice(tmp_path: Path) -> None:
    whole = Place(tmp_path)
    whole.run(whole.task(MEND), Paid(tmp_path / "paid"))
    told = [event.data for event in whole.events()]
    for number, data in enumerate(told[:-2], 1):
        if isinstance(data, CallIntended) and data.kind == "model":
            continue  # what became of such a call is not known: that is refused, as for any agent
        folder = tmp_path / str(number)
        folder.mkdir()
        Place(folder).task(MEND)
        child = processes().Process(target=run_until, args=(number, folder))
        child.start()
        child.join()
        assert child.exitcode == -signal.SIGKILL
        (episode,) = loopwright.resume(folder / "run", model=Paid(folder / "paid"), project=folder)
        assert episode.passed, f"killed after event {number}, {data.type}"
        assert (folder / "paid").read_text().split("\n") == ["first: False", "second", ""]
