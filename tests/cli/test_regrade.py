"""Recorded candidates are graded again: nothing but judges is asked, and the old grades stay."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import loopwright
from loopwright.models import Scripted
from loopwright.store import CallFinished, EpisodeFinished, Graded, IdempotenceChecked, RunFinished, read_run
from loopwright.store._codec import decode, encode
from loopwright.verify import Check, Verdict
from tests.cli.conftest import Invoke, WriteTask

_JUDGED = """\
version: 1
name: poem
goal: Write a poem.
environment: {name: text, rubric: It rhymes.}
agents: {proposer: sayer, verifier: verifier}
loop: {max_iterations: 2}
"""
_SAYS = '{"reasoning": "so so", "checks": [{"name": "rhyme", "score": %s, "confidence": 1, "evidence": "e"}]}'


@pytest.fixture
def run(invoke: Invoke, write_task: WriteTask) -> Path:
    """Two answers `yes`, which the hidden check took for wrong, and its file with the check mended."""
    task = write_task(more="repeats: 2\n")
    good = task.read_text()
    task.write_text(good.replace('hidden:\n    want: "yes"', "hidden:\n    want: 'no'"))
    Path("words.yaml").write_text('- "no"\n- "yes"\n' * 2)
    flags = ("--model", "scripted/words.yaml", "--concurrency", 1, "--out", "old")
    assert invoke("run", "say.yaml", *flags).exit_code == 0
    task.write_text(good)
    return Path("old")


def _regraded(invoke: Invoke, *args: object, code: int = 0) -> dict[str, Any]:
    result = invoke("regrade", *args, "--json")
    assert result.exit_code == code, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def test_candidates_are_graded_by_the_file_as_it_is_now_and_nobody_is_asked(invoke: Invoke, run: Path) -> None:
    before = (run / "events.jsonl").read_bytes()
    Path("words.yaml").unlink()
    told = _regraded(invoke, run, "--out", "new")
    assert [(one["instance"], one["variant"], one["before"], one["after"]) for one in told["episodes"]] == [
        ("say", "refine", 0.0, 1.0),
        ("say", "refine", 0.0, 1.0),
    ]
    assert told["episodes"][0]["checks"] == [{"name": "word", "before": 0.0, "after": 1.0}]
    (variant,) = told["variants"]
    assert (variant["wrong_to_right"], variant["right_to_wrong"]) == (2, 0)
    assert variant["difference"]["difference"] == 1.0
    assert variant["difference"]["interval"]["low"] < 1
    assert told["judge_calls"] == 0
    assert (run / "events.jsonl").read_bytes() == before
    calls = [event for event in read_run(Path("new")).events if isinstance(event.data, CallFinished)]
    assert len(calls) == 4, "those of the old loop, and no others"


def test_old_and_new_grades_are_shown_and_compared(invoke: Invoke, run: Path) -> None:
    page = invoke("regrade", run, "--out", "new").stdout
    assert "0.00 missed" in page
    assert "1.00 passed" in page
    assert "word 0.00 to 1.00" in page
    assert "too few instances" in page, "one instance tells no interval"
    shown = invoke("show", "new").stdout
    assert "word 0.00 to 1.00" in shown
    assert "2 graded again, 2 changed; judges: 0 calls" in shown
    assert "passed: answer of iteration 1, score 1.00" in invoke("show", "new", "say:refine:0").stdout
    assert "missed: answer of iteration 1, score 0.00" in invoke("show", "old", "say:refine:0").stdout
    (pair,) = json.loads(invoke("compare", "old", "new", "--json").stdout)["pairs"]
    assert (pair["passed"]["mean_a"], pair["passed"]["mean_b"]) == (0.0, 1.0)
    assert invoke("report", "new").exit_code == 0
    shutil.rmtree("old")
    assert "the old grades cannot be read" in invoke("show", "new").stdout


def test_what_the_loop_spent_is_still_told(invoke: Invoke, run: Path) -> None:
    invoke("regrade", run, "--out", "new")
    old, new = loopwright.load_result("old"), loopwright.load_result("new")
    assert [one.usage for one in new] == [one.usage for one in old]
    assert [one.outcome and one.outcome.model_calls for one in new] == [2, 2]


def test_another_task_file_and_a_threshold(invoke: Invoke, run: Path) -> None:
    other = Path("say.yaml").rename("other.yaml")
    other.write_text(other.read_text().replace('hidden:\n    want: "yes"', "hidden:\n    want: 'nix'"))
    told = _regraded(invoke, run, "--task", other, "--accept", 0.5, code=1)
    assert told["exit_code"] == 1
    assert [one["after"] for one in told["episodes"]] == [0.0, 0.0]
    other.write_text(other.read_text().replace("name: say", "name: shout"))
    result = invoke("regrade", run, "--task", other)
    assert result.exit_code == 2
    assert "has no task 'shout': it has say" in result.stderr


def test_the_same_command_goes_on_and_a_change_is_another_run(invoke: Invoke, run: Path) -> None:
    first, second = _regraded(invoke, run), _regraded(invoke, run)
    assert second == first
    grades = [event for event in read_run(Path(first["folder"])).events if isinstance(event.data, Graded)]
    assert len(grades) == 2
    task = Path("say.yaml")
    task.write_text(task.read_text().replace('hidden:\n    want: "yes"', "hidden:\n    want: 'nix'"))
    assert _regraded(invoke, run)["folder"] != first["folder"]
    result = invoke("regrade", run, "--out", first["folder"])
    assert result.exit_code == 2
    assert "holds another run, or other grades" in result.stderr
    assert invoke("regrade", run, "--out", "old").exit_code == 2


@pytest.mark.parametrize("torn", [0.02, 0.1, 0.3, 0.5, 0.7, 0.85, 0.95])
def test_a_regrading_that_was_killed_ends_as_an_undisturbed_one(invoke: Invoke, run: Path, torn: float) -> None:
    whole = _regraded(invoke, run, "--out", "new")
    events = Path("new/events.jsonl")
    content = events.read_bytes()
    events.write_bytes(content[: int(len(content) * torn)])
    assert _regraded(invoke, run, "--out", "new") == whole


def test_resume_finishes_a_regrading(invoke: Invoke, run: Path) -> None:
    whole = _regraded(invoke, run, "--out", "new")
    events = Path("new/events.jsonl")
    lines = events.read_bytes().splitlines(keepends=True)
    first = next(number for number, line in enumerate(lines) if b'"graded"' in line)
    events.write_bytes(b"".join(lines[:first]))
    assert invoke("resume", "new").exit_code == 0
    assert _regraded(invoke, run, "--out", "new") == whole


def test_a_faulty_grader_costs_no_new_candidates(invoke: Invoke, write_task: WriteTask, project: Path) -> None:
    task = write_task()
    good = task.read_text()
    task.write_text(good.replace("sayer\n", "sayer\n  verifier: faulty:Late\n"))
    (project / "faulty.py").write_text(
        "from loopwright.verify import Verdict\n\n\nclass Late:\n    seen = 0\n\n"
        "    async def verify(self, candidate, instance):\n        Late.seen += 1\n"
        "        if Late.seen > 2:\n            raise ValueError('no ruler')\n        return Verdict()\n"
    )
    assert invoke("run", "say.yaml", "--model", "scripted/right.yaml", "--out", "old").exit_code == 3
    task.write_text(good)
    told = _regraded(invoke, "old", "--out", "new")
    assert [(one["before"], one["after"]) for one in told["episodes"]] == [(None, 1.0)]
    assert told["variants"][0]["difference"] is None


@pytest.fixture
def judged(invoke: Invoke, project: Path) -> Path:
    """A run of one judged episode; `strict.yaml` is a judge that says 0.5, `kind.yaml` one that says 1."""
    (project / "poem.yaml").write_text(_JUDGED)
    (project / "agents" / "sayer.yaml").write_text(
        (project / "agents" / "sayer.yaml").read_text() + "model: scripted/words.yaml\n"
    )
    Path("words.yaml").write_text("- rose\n- nose\n")
    Path("strict.yaml").write_text(json.dumps([_SAYS % 0.5] * 2))
    Path("kind.yaml").write_text(json.dumps([_SAYS % 1]))
    task = (project / "poem.yaml").read_text() + "models: {verifier: scripted/strict.yaml}\n"
    (project / "poem.yaml").write_text(task)
    assert invoke("run", "poem.yaml", "--out", "old").exit_code == 0
    Path("words.yaml").unlink()
    (project / "poem.yaml").write_text(task.replace("strict", "kind"))
    Path("prices.yaml").write_text("date: 2026-01-01\nmodels:\n  scripted/*: {input: 1.5, output: 2}\n")
    return Path("old")


def test_only_the_judge_is_paid_once_and_under_a_cap(invoke: Invoke, judged: Path) -> None:
    cap = ("--prices", "prices.yaml", "--max-usd")
    refused = invoke("regrade", judged, *cap, "0.0000001", "--out", "new", "--json")
    assert refused.exit_code == 3
    assert json.loads(refused.stdout)["episodes"][0]["after"] is None
    result = invoke("regrade", judged, *cap, 1, "--out", "new", "--json")
    told = json.loads(result.stdout)
    assert " 1 calls, " in result.stderr, "the old run paid for the others"
    note = "1 call graded again; the run that made the candidates paid for 4"
    assert note in invoke("show", "new").stdout
    assert note not in invoke("show", judged).stdout
    assert [(one["before"], one["after"]) for one in told["episodes"]] == [(0.5, 1.0)]
    assert told["judge_calls"] == 1
    assert 0 < Decimal(told["judge_cost_usd"]) < 1
    # The judge has no second reply to give: what is recorded is not asked for again.
    assert _regraded(invoke, judged, *cap, 1, "--out", "new") == told
    ends = [event.data for event in read_run(Path("new")).events if isinstance(event.data, EpisodeFinished)]
    assert ends[-1].model_calls == 5, "two proposals, two old verdicts and the new one"


def test_the_judges_model_can_be_named(invoke: Invoke, judged: Path) -> None:
    Path("harsh.yaml").write_text(json.dumps([_SAYS % 0]))
    told = _regraded(invoke, judged, "--model", "scripted/harsh.yaml", "--out", "new")
    assert [one["after"] for one in told["episodes"]] == [0.0]
    assert told["variants"][0]["right_to_wrong"] == 0
    compared = json.loads(invoke("compare", "old", "new", "--json").stdout)
    assert "tasks.0.models.verifier" in compared["differs"]
    assert "task poem: models.verifier" in compared["differences"]
    heading = invoke("show", "new", "poem:refine:0").stdout.splitlines()[1]
    assert heading.endswith("verifier scripted/strict.yaml, grader scripted/harsh.yaml"), "the loop had its own judge"
    _regraded(invoke, judged, "--model", "scripted/strict.yaml", "--out", "same")
    same = json.loads(invoke("compare", "old", "same", "--json").stdout)
    assert not [path for path in same["differs"] if "model" in path]


def _as_before(folder: str) -> None:
    """Makes a manifest like those of the last release, which named no judged tasks."""
    path = Path(folder, "run.json")
    manifest = json.loads(path.read_text())
    manifest["config"].pop("judged", None)
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize("flags", [(), ("--calls", 2)])
def test_the_folders_of_the_last_release_are_taken_up(
    invoke: Invoke, write_task: WriteTask, flags: tuple[object, ...]
) -> None:
    write_task()
    Path("words.yaml").write_text('- "no"\n- "yes"\n')
    for folder in ("old", "same"):
        assert invoke("run", "say.yaml", *flags, "--model", "scripted/words.yaml", "--out", folder).exit_code == 0
    _as_before("old")
    told = _regraded(invoke, "old", "--project", ".", "--out", "new")
    _as_before("new")
    assert _regraded(invoke, "old", "--project", ".", "--out", "new") == told
    assert json.loads(invoke("compare", "old", "same", "--json").stdout)["differs"] == []


def test_who_judges_now_changes_no_episode_of_equal_calls(invoke: Invoke, project: Path) -> None:
    (project / "ruler.py").write_text(
        "from loopwright.verify import Check, Verdict\n\n\nclass Ruler:\n"
        "    async def verify(self, candidate, instance):\n"
        "        return Verdict(checks=(Check(name='rhyme', score=0.25),))\n"
    )
    (project / "poem.yaml").write_text(_JUDGED.replace("verifier: verifier", "verifier: ruler:Ruler"))
    Path("words.yaml").write_text("- rose\n- nose\n- hose\n- pose\n")
    flags = ("--calls", 4, "--strategy", "single", "--model", "scripted/words.yaml", "--out", "old")
    assert invoke("run", "poem.yaml", *flags).exit_code == 0
    asked = loopwright.regrade(project / "old", verifier="verifier", model=Scripted([_SAYS % 0.75] * 4))
    assert [(one.episode, one.after) for one in asked.episodes] == [(f"poem:single:{n}", 0.75) for n in range(4)]


class _Half:
    async def verify(self, candidate: loopwright.Candidate, instance: loopwright.Instance) -> Verdict:
        return Verdict(checks=(Check(name="half", score=0.5),))


def test_from_python_with_objects(invoke: Invoke, judged: Path) -> None:
    result = loopwright.regrade(judged, model=Scripted([_SAYS % 0.75]), out="new")
    assert [one.after for one in result.changed] == [0.75]
    assert result.judge.calls == 1
    assert result.result.folder == Path("new")
    halved = loopwright.regrade(judged, verifier=_Half())
    assert [(one.before, one.after) for one in halved.episodes] == [(0.5, 0.5)]
    assert [change.name for change in halved.episodes[0].checks] == ["rhyme", "half"]
    assert isinstance(list(read_run(halved.folder).events)[-1].data, RunFinished)


def test_a_run_that_somebody_sent_opens_no_file(invoke: Invoke, run: Path) -> None:
    manifest = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**manifest, "origin": ""}))
    result = invoke("regrade", run)
    assert result.exit_code == 2, "its environment is code"
    told = _regraded(invoke, run, "--project", ".")
    assert [one["after"] for one in told["episodes"]] == [0.0, 0.0], "by the recorded tasks, not by the file"


_COUNTER = """
from loopwright.environments import Observation
from loopwright.verify import Check, Verdict


class Counter:
    def __init__(self, setup):
        self.steps = 0

    async def reset(self, instance):
        self.instance, self.steps = instance, 0
        return Observation()

    async def step(self, action):
        self.steps += 1
        return Observation(text=str(self.steps), done=action.text == "end")

    async def submit(self, answer):
        return Verdict(checks=(Check(name="steps", score=float(self.steps == self.instance.hidden["steps"])),))

    async def close(self):
        pass
"""


def test_actions_are_executed_again_before_their_state_is_graded(
    invoke: Invoke, write_task: WriteTask, project: Path
) -> None:
    (project / "counters.py").write_text(_COUNTER)
    task = write_task()
    good = task.read_text().replace("echo_environment:Echo", "counters:Counter").replace('  want: "yes"\n', "", 1)
    task.write_text(good.replace('want: "yes"', "steps: 2"))
    Path("words.yaml").write_text("- go\n- go\n- end\n")
    flags = ("--model", "scripted/words.yaml", "--strategy", "react", "--out", "old")
    assert invoke("run", "say.yaml", *flags).exit_code == 0
    task.write_text(good.replace('want: "yes"', "steps: 3"))
    told = _regraded(invoke, "old")
    assert [(one["before"], one["after"]) for one in told["episodes"]] == [(0.0, 1.0)]
    task.write_text(good.replace('  hidden:\n    want: "yes"\n', ""))
    result = invoke("regrade", "old")
    assert result.exit_code == 2
    assert "react acts, and the task has no hidden fields" in result.stderr


def test_episodes_of_a_session_are_graded_one_by_one(invoke: Invoke, run: Path) -> None:
    task = Path("say.yaml")
    good = task.read_text()
    task.write_text(good.replace('hidden:\n    want: "yes"', "hidden:\n    want: 'no'") + "session: {}\n")
    Path("words.yaml").write_text('- "no"\n- "yes"\n' * 2)
    flags = ("--model", "scripted/words.yaml", "--out", "sessions")
    assert invoke("run", "say.yaml", *flags).exit_code == 0
    task.write_text(good + "session: {}\n")
    assert [one["after"] for one in _regraded(invoke, "sessions")["episodes"]] == [1.0, 1.0]


def test_what_refining_once_more_did_is_not_taken_for_a_new_grade(invoke: Invoke, write_task: WriteTask) -> None:
    task = write_task()
    task.write_text(task.read_text().replace("max_iterations: 3", "max_iterations: 3\n  idempotence: true"))
    Path("words.yaml").write_text('- "yes"\n- "yes"\n')
    assert invoke("run", "say.yaml", "--model", "scripted/words.yaml", "--out", "old").exit_code == 0
    _regraded(invoke, "old", "--out", "new")
    checked = {name: _of_kind(name, IdempotenceChecked) for name in ("old", "new")}
    assert [len(found) for found in checked.values()] == [1, 0]


def _of_kind(name: str, kind: type) -> list[Any]:
    return [event for event in read_run(Path(name)).events if isinstance(event.data, kind)]


def _made_up(run: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Changes the record as somebody would who knows how lines are made."""
    path = run / "events.jsonl"
    name = json.loads((run / "run.json").read_text())["id"]
    bodies = [decode(line, name) for line in path.read_bytes().splitlines()]
    for body in bodies:
        change(body)
    path.write_bytes(b"".join(encode(body, name) for body in bodies))


def test_an_episode_that_never_began_is_left_out(invoke: Invoke, run: Path) -> None:
    def change(body: dict[str, Any]) -> None:
        if (body["data"]["type"], body.get("episode")) == ("episode_started", "say:refine:1"):
            body["episode"] = "nobody"

    _made_up(run, change)
    assert [one["episode"] for one in _regraded(invoke, "old")["episodes"]] == ["say:refine:0"]


@pytest.mark.parametrize(
    ("made_up", "told"),
    [
        ({"seconds": 1e13}, "holds no result"),
        ({"seconds": -1.0}, "holds no result"),
        ({"usage": {"input": 10**13}}, "usage holds more than"),
    ],
    ids=["long", "negative", "tokens"],
)
def test_calls_that_took_what_no_call_takes_end_in_words(
    invoke: Invoke, run: Path, made_up: dict[str, Any], told: str
) -> None:
    def change(body: dict[str, Any]) -> None:
        if body["data"]["type"] == "call_finished" and body["data"].get("result"):
            body["data"]["result"] |= made_up

    _made_up(run, change)
    for words in (["regrade", "old"], ["fork", "old", "--at", "say:refine:0:1", "--out", "new"]):
        result = invoke(*words)
        assert told in result.stderr, result.stderr
        assert "Traceback" not in result.stderr


def test_an_unfinished_episode_is_left_as_it_is(invoke: Invoke, run: Path) -> None:
    Path("words.yaml").write_text('- "no"\n- "yes"\n- "no"\n')
    flags = ("--model", "scripted/words.yaml", "--concurrency", 1, "--out", "cut")
    assert invoke("run", "say.yaml", *flags).exit_code != 0
    told = _regraded(invoke, "cut")
    assert [one["episode"] for one in told["episodes"]] == ["say:refine:0"]
    assert told["left_out"] == ["say:refine:1"]


def test_a_task_file_reads_no_judge_outside_its_project(
    invoke: Invoke, judged: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    away = tmp_path_factory.mktemp("away") / "judge.yaml"
    away.write_text(json.dumps([_SAYS % 1]))
    task = Path("poem.yaml")
    task.write_text(task.read_text().replace("scripted/kind.yaml", f"scripted/{away}"))
    result = invoke("regrade", judged)
    assert result.exit_code == 2
    assert "outside its project" in result.stderr


def test_new_grades_can_be_given_again_and_forked(invoke: Invoke, run: Path) -> None:
    first = _regraded(invoke, run, "--out", "new")
    task = Path("say.yaml")
    task.write_text(task.read_text().replace('hidden:\n    want: "yes"', "hidden:\n    want: 'nix'"))
    again = _regraded(invoke, "new", "--out", "newer")
    assert [(one["before"], one["after"]) for one in again["episodes"]] == [(1.0, 0.0), (1.0, 0.0)]
    assert _regraded(invoke, "old", "--out", "other")["source"] == first["source"]
    flags = ("--at", "say:refine:0:1", "--model", "scripted/right.yaml", "--out", "forked")
    forked = json.loads(invoke("fork", "new", *flags, "--json").stdout)
    assert [(one["iterations"], one["passed"]) for one in forked["episodes"]] == [(3, True)]


def test_every_candidate_that_was_graded_is_graded_again(invoke: Invoke, write_task: WriteTask) -> None:
    task = write_task()
    good = task.read_text()
    task.write_text(good.replace('hidden:\n    want: "yes"', "hidden:\n    want: 'no'"))
    Path("words.yaml").write_text('- "nix"\n- "no"\n- "nix"\n')
    flags = ("--model", "scripted/words.yaml", "--strategy", "best_of_n", "--grade-all", "--out", "old")
    assert invoke("run", "say.yaml", *flags).exit_code == 0
    task.write_text(good.replace('hidden:\n    want: "yes"', "hidden:\n    want: 'nix'"))
    _regraded(invoke, "old", "--out", "new")
    grades = {
        event.data.candidate_iteration: event.data.score
        for event in read_run(Path("new")).events
        if isinstance(event.data, Graded)
    }
    assert grades == {0: 1.0, 1: 0.0, 2: 1.0}
