"""A judged task says what is good enough, by its score or by one check; other scores go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Invoke


def _says(**scores: float) -> str:
    checks = [{"name": name, "score": score, "confidence": 1, "evidence": "e"} for name, score in scores.items()]
    return json.dumps({"reasoning": "so so", "checks": checks})


@pytest.mark.parametrize(
    ("threshold", "iterations", "passed", "rule"),
    [
        ("0.9", 2, True, "threshold"),
        ("{check: rhyme, score: 0.9}", 2, True, "threshold"),
        ("{check: tone, score: 0.95}", 3, False, "max_iterations"),
        ("0.99", 3, False, "max_iterations"),
    ],
)
def test_an_answer_that_is_good_enough_passes_and_stops_the_loop(
    invoke: Invoke, project: Path, threshold: str, iterations: int, passed: bool, rule: str
) -> None:
    (project / "poem.yaml").write_text(
        "version: 1\nname: poem\ngoal: Write.\nenvironment: {name: text}\nmodels: {verifier: scripted/judge.yaml}\n"
        "agents: {proposer: sayer, verifier: verifier}\nmodel: scripted/words.yaml\n"
        f"loop: {{max_iterations: 3, repetition: null, threshold: {threshold}}}\n"
    )
    Path("words.yaml").write_text("- rose\n- nose\n- toes\n")
    judged = [_says(rhyme=0.5, tone=0.93), _says(rhyme=0.93, tone=0.93), _says(rhyme=0.5, tone=0.5)]
    Path("judge.yaml").write_text(json.dumps(judged))
    ran = invoke("run", "poem.yaml", "--out", "out", "--json")
    assert ("passed as good enough, score 0.93" in ran.stderr) == passed
    told: dict[str, Any] = json.loads(ran.stdout)
    (episode,) = told["episodes"]
    assert (episode["iterations"], episode["passed"], episode["rule"]) == (iterations, passed, rule)
    assert episode["score"] == pytest.approx(0.93)
    told_as = f"good enough: 0.93 of {threshold}, answer of iteration 1, stopped by threshold"
    assert (told_as in invoke("show", "out", "poem:refine:0").stdout) == (threshold == "0.9")


def test_a_threshold_on_a_check_that_there_is_not_is_told(invoke: Invoke, project: Path) -> None:
    (project / "poem.yaml").write_text(
        "version: 1\nname: poem\ngoal: Write.\nenvironment: {name: text}\nmodels: {verifier: scripted/judge.yaml}\n"
        "agents: {proposer: sayer, verifier: verifier}\nmodel: scripted/words.yaml\n"
        "loop: {max_iterations: 1, threshold: {check: ryhme, score: 0.9}}\n"
    )
    Path("words.yaml").write_text("- rose\n")
    Path("judge.yaml").write_text(json.dumps([_says(rhyme=0.95, tone=0.9)]))
    assert invoke("run", "poem.yaml", "--out", "out").exit_code == 0
    page = invoke("show", "out", "poem:refine:0").stdout
    assert "1 iterations done; loop.threshold names the check 'ryhme', and there are rhyme, tone" in page


def _sea(project: Path, more: str = "") -> None:
    (project / "sea.yaml").write_text(
        "version: 1\nname: sea\ngoal: Write.\nenvironment: {name: text}\nmodels: {verifier: scripted/judge.yaml}\n"
        "agents: {proposer: sayer, verifier: verifier}\nmodel: scripted/words.yaml\nloop: {threshold: 0.8}\n" + more
    )
    Path("words.yaml").write_text("".join(f"- wave {number}\n" for number in range(9)))
    Path("judge.yaml").write_text(json.dumps([_says(rhyme=0.5)] * 9))


def test_equal_calls_leave_room_for_the_judge(invoke: Invoke, project: Path) -> None:
    _sea(project)
    flags = ("--strategy", "single,best_of_n,refine", "--calls", 4, "--out", "out", "--json", "--concurrency", 1)
    told: dict[str, Any] = json.loads(invoke("run", "sea.yaml", *flags).stdout)
    found = [(row["variant"], row["iterations"], row["model_calls"], row["score"]) for row in told["episodes"]]
    assert found == [("single", 1, 2, 0.5), ("single", 1, 2, 0.5), ("best_of_n", 2, 4, 0.5), ("refine", 2, 4, 0.5)]


def test_runs_of_before_keep_their_judged_episodes(invoke: Invoke, project: Path) -> None:
    _sea(project)
    flags = ("--strategy", "single", "--calls", 8, "--out", "out", "--concurrency", 1)
    assert invoke("run", "sea.yaml", *flags).exit_code == 0
    manifest = json.loads(Path("out/run.json").read_text())
    # As runs of four calls were planned when judges took none of them.
    del manifest["config"]["judged"]
    manifest["config"]["calls"] = 4
    Path("out/run.json").write_text(json.dumps(manifest))
    told = json.loads(invoke("fork", "out", "--at", "sea:single:3:1", "--out", "new", "--json").stdout)
    assert [(row["episode"], row["iterations"], row["score"]) for row in told["episodes"]] == [("sea:single:3", 1, 0.5)]
    told = json.loads(invoke("regrade", "out", "--json").stdout)
    assert [one["episode"] for one in told["episodes"]] == [f"sea:single:{number}" for number in range(4)]


@pytest.mark.parametrize("calls", [2, 3, 4, 5])
def test_no_candidate_is_paid_for_that_cannot_be_judged(invoke: Invoke, project: Path, calls: int) -> None:
    _sea(project, f"budget: {{model_calls: {calls}}}\n")
    for strategy in ("best_of_n", "refine"):
        told = json.loads(invoke("run", "sea.yaml", "--strategy", strategy, "--json").stdout)
        (row,) = told["episodes"]
        assert (row["model_calls"], row["score"]) == (calls - calls % 2, 0.5)


@pytest.mark.parametrize(
    ("flags", "more", "place"),
    [
        (("--calls", 1), "", "--calls"),
        (("--max-calls", 1), "", "--max-calls"),
        ((), "budget: {model_calls: 1}\n", "sea.yaml:9"),
    ],
)
def test_calls_without_room_for_one_judged_candidate_are_refused(
    invoke: Invoke, project: Path, flags: tuple[object, ...], more: str, place: str
) -> None:
    _sea(project, more)
    for verb in (("run", "--dry-run"), ("run",), ("validate",)):
        result = invoke(*verb, "sea.yaml", "--strategy", "single", *flags)
        assert result.exit_code == 2
        assert place in result.output
        assert "single has 1 call, and a candidate with its verifier takes 2" in result.output
    assert not Path("runs").exists()


def test_a_critic_that_cannot_be_read_is_told(invoke: Invoke, project: Path) -> None:
    _sea(project)
    (project / "sea.yaml").write_text(
        (project / "sea.yaml").read_text().replace("models: {", "models: {critic: scripted/junk.yaml, ")
    )
    text = (project / "sea.yaml").read_text().replace("agents: {", "agents: {critic: critic, ")
    (project / "sea.yaml").write_text(text.replace("loop: {", "loop: {max_iterations: 2, "))
    Path("junk.yaml").write_text("- no critique\n- still none\n")
    told = " ".join(invoke("run", "sea.yaml", "--out", "out").stdout.split())
    assert "refine: the critic's reply could not be used in 1 of 1 iterations; rules took its place" in told
