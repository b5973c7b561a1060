"""What the verbs say of sessions, monitors and mitigations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loopwright.drift import Baseline, Interaction, Monitor
from tests.cli.conftest import Invoke, WriteTask

ADDER = """\
import re
from loopwright.models import Reply, Usage

class Adder:
    name = "adder:Adder"
    repeatable = True

    async def complete(self, request):
        text = request.messages[-1].content
        word = "a long and winding no" if "nine" in text else "yes"
        return Reply(text=word, model=self.name, usage=Usage(input=5, output=len(word)))

    async def close(self):
        pass
"""
MINE = """\
from loopwright.drift import Detection


class Mine:
    def __init__(self, settings):
        self.seen = 0

    def update(self, value, place):
        self.seen += 1
        return Detection(up=True, window=1, onset=place, shift=7.5) if place == 20 else None

    def state(self):
        return {"seen": self.seen}

    def restore(self, state):
        self.seen = state["seen"]
"""
DATA = "data:\n" + "".join(f"  - {{id: q{at:02}, goal: say {'nine' if at > 14 else 'one'} {at}}}\n" for at in range(40))


@pytest.fixture
def watched(project: Path, write_task: WriteTask) -> Path:
    """A task whose agent changes with the fifteenth episode, and a baseline of how it was before."""
    (project / "adder.py").write_text(ADDER)
    usual = [Interaction(id=f"{at}", task="say", output="yes", length=3, error="") for at in range(240)]
    Baseline.freeze(usual, embedding="hash").save(project / "baseline.json")
    drift = "drift:\n  baseline: baseline.json\n  fail: true\n"
    return write_task(more=f"  strategy: single\nmodel: adder:Adder\nsession: {{}}\n{drift}{DATA}")


def test_a_monitor_that_broke_is_told_and_leaves_the_task_open(
    watched: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(self: Monitor, one: Interaction) -> list[object]:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(Monitor, "observe", breaks)
    result = invoke("run", watched, "--out", "out")
    assert result.exit_code == 3, result.output
    assert "a drift monitor that broke" in result.stdout
    assert "the drift monitor is off from here on: a defect" in invoke("show", "out").stdout
    assert invoke("report", "out", "--out", "out.html").exit_code == 0
    assert "the drift monitor is off" in Path("out.html").read_text()


def test_what_a_detector_takes_is_missed_before_the_run(
    watched: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.write_text(watched.read_text().replace("  fail: true\n", "  fail: true\n  detector: adwin\n"))
    monkeypatch.setattr("loopwright.drift.detectors._registry.find_spec", lambda name: None)
    result = invoke("validate", watched)
    assert result.exit_code == 2
    assert "adwin needs river" in result.output
    assert "loopwright[drift]" in result.output


def test_a_detector_of_ones_own_watches_a_session_and_a_report(watched: Path, invoke: Invoke) -> None:
    Path("mine.py").write_text(MINE)
    assert invoke("run", watched, "--out", "plain").exit_code == 1
    watched.write_text(watched.read_text().replace("  fail: true\n", "  detector: mine:Mine\n"))
    assert invoke("run", watched, "--out", "out").exit_code == 0
    told = json.loads(invoke("show", "out", "--json").stdout)["drift"]
    assert {(one["at"], one["shift"]) for one in told if one["type"] == "drift_alarm"} == {(20, 7.5)}
    shown = invoke("drift", "report", "plain", "--baseline", "baseline.json", "--detector", "mine:Mine", "--json")
    review = json.loads(shown.stdout)
    assert review["detector"] == "mine:Mine"
    assert {(one["at"], one["shift"]) for one in review["alarms"]} == {(20, 7.5)}


def test_what_is_no_detector_is_refused_before_the_run(watched: Path, invoke: Invoke) -> None:
    Path("no_detector.py").write_text("class Mine:\n    def __init__(self, settings): pass\n")
    text = watched.read_text()
    watched.write_text(text.replace("  fail: true\n", "  detector: cusun\n"))
    result = invoke("validate", watched)
    assert result.exit_code == 2
    assert "drift.detector: there is nothing named 'cusun' among the detectors" in result.output
    assert "adwin, cusum, e-process, windows" in " ".join(result.output.split())
    watched.write_text(text.replace("  fail: true\n", "  detector: no_detector:Mine\n"))
    result = invoke("validate", watched)
    assert result.exit_code == 2
    assert "has no method `update`" in result.output


def test_a_baseline_that_no_session_is_long_enough_for_is_noted(watched: Path, invoke: Invoke) -> None:
    watched.write_text(watched.read_text().replace("baseline: baseline.json", "first: 900"))
    result = invoke("validate", watched)
    assert result.exit_code == 0, result.output
    assert "the baseline is never learned: it takes 900 interactions, and 40 episodes have" in result.output


def test_an_alarm_is_shown_reported_watched_and_fails(watched: Path, invoke: Invoke) -> None:
    result = invoke("run", watched, "--out", "out")
    assert result.exit_code == 1, result.output
    assert "an alarm of drift for the worse" in result.stdout
    assert "say:single:0:session: drift of " in invoke("show", "out").stdout
    alarms = [
        one for one in json.loads(invoke("show", "out", "--json").stdout)["drift"] if one["type"] == "drift_alarm"
    ]
    assert alarms[0]["session"] == "say:single:0:session"
    assert 15 <= alarms[0]["at"] < 40
    assert invoke("report", "out", "--out", "out.html").exit_code == 0
    assert 'id="h-drift"' in Path("out.html").read_text()
    whole = invoke("show", "out", "say:single:0:session").stdout
    assert f"--- interaction {alarms[0]['at']} ---" in whole
    seen = invoke("drift", "watch", "out")
    assert seen.exit_code == 1
    assert len(seen.stdout.splitlines()) == len(alarms)
    assert f"{alarms[0]['channel']} (" in seen.stdout


def test_without_fail_an_alarm_is_only_told(watched: Path, invoke: Invoke) -> None:
    watched.write_text(watched.read_text().replace("  fail: true\n", ""))
    assert invoke("run", watched, "--out", "out").exit_code == 0


def test_explain_and_dry_run_tell_what_goes_across_episodes(watched: Path, invoke: Invoke) -> None:
    mitigations = "  mitigations: {consolidation: {every: 20, probes: 3}, anchoring: {probes: 0}}\n"
    watched.write_text(watched.read_text().replace("  fail: true\n", f"  fail: true\n{mitigations}"))
    told = json.loads(invoke("explain", watched, "--json").stdout)
    assert set(told["session"]) == {"session", "drift", "consolidation", "anchoring"}
    assert "detector windows" in told["session"]["drift"]
    assert "up to 40 earlier turns of its session, 3000 tokens at most" in told["sees"]["proposer"]
    assert told["roles"]["summarizer"].startswith("adder:Adder, card summarizer")
    text = invoke("explain", watched).stdout
    assert "Across episodes" in text
    assert "undone where 3 probes get worse" in text
    total = json.loads(invoke("run", watched, "--dry-run", "--json").stdout)["total"]
    # Each call can be followed by a second one, where its reply was cut.
    assert total["model_calls"] == 2 * (40 + (40 // 20 + 2) * (1 + 3 * 3))


def test_a_task_without_a_session_explains_none(write_task: WriteTask, invoke: Invoke) -> None:
    told = json.loads(invoke("explain", write_task(), "--model", "scripted/right.yaml", "--json").stdout)
    assert told["session"] == {}
    assert not [seen for seen in told["sees"]["proposer"] if "session" in seen]


def test_a_prompt_that_does_not_show_the_memory_is_noted(watched: Path, invoke: Invoke) -> None:
    noted = invoke("validate", watched)
    assert noted.exit_code == 0
    assert "sayer does not use `view.memory.text`" in noted.stdout + noted.stderr
    Path("prompts/sayer.md").write_text("You say words.\n--- user ---\n{{ view.memory.text }}\n{{ view.goal }}\n")
    noted = invoke("validate", watched)
    assert "view.memory.text" not in noted.stdout + noted.stderr


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("drift: {}\n", "say.yaml:14:1: drift: name a baseline"),
        ("drift: {first: 20}\n", "say.yaml:14:9: drift.first: should be greater than or equal to 200"),
        ("drift: {first: 200, mitigations: {anchoring: {}}}\n", "say.yaml:14:1: drift: mitigations.anchoring acts on"),
        ("drift: {baseline: none.json}\n", "say.yaml:14:9: cannot read"),
        ("session: {memory: {turn: 3}}\n", "say.yaml:14:20: unknown key 'session.memory.turn'"),
        ("session: {memory: {turns: -1}}\n", "say.yaml:14:20: session.memory.turns: should be"),
        (
            "session: {}\ndrift: {first: 200, mitigations: {consolidation: {agent: nobody}}}\n",
            "say.yaml:15:51: there is no agent 'nobody'",
        ),
        (
            "session: {}\ndrift: {first: 200, mitigations: {routing: {models: [a/b]}}}\n",
            "say.yaml:15:35: drift.mitigations.routing: name two different ones or more",
        ),
        (
            "session: {}\ndrift: {first: 200, mitigations: {routing: {models: [opnai/b, scripted/right.yaml]}}}\n",
            "say.yaml:15:35: model 'opnai/b'",
        ),
        (
            "  strategy: react\nsession: {}\ndrift: {first: 200, mitigations: {anchoring: {}}}\n",
            "say.yaml:15:35: drift.mitigations.anchoring: a probe is answered in one reply, and react acts in many",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(invoke: Invoke, write_task: WriteTask, more: str, told: str) -> None:
    model = "model: scripted/right.yaml\n"
    write_task(more=more + model if more.startswith("  ") else model + more)
    result = invoke("run", "say.yaml")
    assert result.exit_code == 2
    assert told in result.stderr
    assert not Path("runs").exists()


def test_mitigations_without_a_visible_check_are_noted(project: Path, invoke: Invoke) -> None:
    (project / "t.yaml").write_text(
        "version: 1\nname: t\ngoal: g\nenvironment: {name: text}\nagents: {proposer: author}\n"
        "loop: {strategy: single}\n"
        "session: {}\ndrift: {first: 200, mitigations: {anchoring: {}}}\n"
    )
    told = invoke("validate", "t.yaml", "--model", "scripted/right.yaml")
    assert "no visible check: mitigations have neither successes" in told.stdout + told.stderr


def test_a_misspelt_part_of_the_memory_is_told(watched: Path, invoke: Invoke) -> None:
    Path("prompts/sayer.md").write_text("You say words.\n--- user ---\n{{ view.memory.txt }}\n{{ view.goal }}\n")
    told = invoke("validate", watched)
    assert told.exit_code == 2
    assert "the prompt uses 'txt', which a memory has not" in told.stdout + told.stderr
