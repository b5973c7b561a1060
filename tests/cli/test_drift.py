from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

import pytest
from click.testing import Result

from loopwright.drift import SCENARIOS, Interaction, draw_session

Invoke = Callable[..., Result]


def _write(path: Path, found: Iterable[Interaction]) -> Path:
    path.write_text("".join(json.dumps(asdict(one)) + "\n" for one in found))
    return path


@pytest.fixture
def frozen(project: Path, invoke: Invoke) -> Path:
    source = _write(project / "usual.jsonl", draw_session(SCENARIOS["S1"], 1, length=0, baseline=300).baseline)
    result = invoke("drift", "baseline", "freeze", source, "--out", "baseline.json", "--embedding", "none")
    assert result.exit_code == 0, result.output
    assert "300 interactions" in result.output
    return project / "baseline.json"


def test_a_session_without_drift_leaves_with_0(frozen: Path, project: Path, invoke: Invoke) -> None:
    calm = _write(project / "calm.jsonl", draw_session(SCENARIOS["S1"], 1, length=500, baseline=300).stream)
    result = invoke("drift", "report", calm, "--baseline", frozen)
    assert result.exit_code == 0, result.output
    assert "coverage 100%" in result.output


def test_drift_leaves_with_1_a_page_and_alarms_as_events(frozen: Path, project: Path, invoke: Invoke) -> None:
    drifted = _write(project / "drifted.jsonl", draw_session(SCENARIOS["S2"], 1, length=1300, baseline=300).stream)
    result = invoke(
        "drift", "report", drifted, "--baseline", frozen, "--out", "drift.html", "--alarms", "alarms.jsonl", "--json"
    )
    assert result.exit_code == 1, result.output
    told = json.loads(result.output)
    assert told["interactions"] == 1300
    first = json.loads((project / "alarms.jsonl").read_text().splitlines()[0])
    assert (first["type"], first["channel"]) == ("drift_alarm", "C_sem")
    assert first["at"] == told["alarms"][0]["at"] >= 1000
    assert "C_sem" in (project / "drift.html").read_text()


def test_baselines_are_shown_and_verified(frozen: Path, invoke: Invoke) -> None:
    shown = json.loads(invoke("drift", "baseline", "show", frozen, "--json").output)
    assert shown["channels"]["C_sem"] == 300
    assert "I_role role adherence" in invoke("drift", "baseline", "show", frozen).output
    assert invoke("drift", "baseline", "verify", frozen, "--digest", shown["digest"][:8]).exit_code == 0
    wrong = invoke("drift", "baseline", "verify", frozen, "--digest", "0" * 64)
    assert (wrong.exit_code, "another baseline" in wrong.output) == (2, True)
    frozen.write_text(frozen.read_text().replace('"name":"baseline"', '"name":"mine"'))
    assert invoke("drift", "baseline", "verify", frozen).exit_code == 2


def test_lines_that_cannot_be_read_are_named(frozen: Path, project: Path, invoke: Invoke) -> None:
    path = project / "bad.jsonl"
    for text, message in (("{", "not JSON"), ("[]", "not an object"), ('\n{"length": "long"}', "bad.jsonl:2")):
        path.write_text(text)
        result = invoke("drift", "report", path, "--baseline", frozen)
        assert (result.exit_code, message in result.output) == (2, True)


def test_simulate(project: Path, invoke: Invoke) -> None:
    result = invoke("drift", "simulate", "--scenario", "S2", "--seeds", "1", "--json")
    assert json.loads(result.output)[0]["alarmed"] == 1
    assert "S1" in invoke("drift", "simulate", "--scenario", "S1", "--seeds", "1").output
    assert invoke("drift", "simulate", "--scenario", "S99").exit_code == 2


def test_runs_are_watched_and_gated(
    frozen: Path, project: Path, invoke: Invoke, write_task: Callable[..., Path]
) -> None:
    task = write_task()
    for name in ("right", "wrong"):
        assert invoke("run", task, "--model", f"scripted/{name}.yaml", "--out", f"runs/{name}").exit_code in (0, 1)
    watched = invoke("drift", "watch", "right", "--baseline", frozen, "--every", "0.1")
    assert watched.exit_code == 0, watched.output
    reported = invoke("drift", "report", "right", "wrong", "--baseline", frozen, "--json")
    assert json.loads(reported.output)["interactions"] == 5
    held = invoke("gate", "wrong", "right", "--json")
    assert (held.exit_code, json.loads(held.output)["wins"]) == (1, 1)
    assert "worse on 1" in invoke("gate", "right", "wrong").output


def test_a_gate_needs_shared_instances(project: Path, invoke: Invoke, write_task: Callable[..., Path]) -> None:
    for name in ("one", "two"):
        invoke("run", write_task(name), "--model", "scripted/right.yaml", "--out", f"runs/{name}")
    result = invoke("gate", "one", "two")
    assert (result.exit_code, "share no instance" in result.output) == (2, True)
