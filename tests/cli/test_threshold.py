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
    told: dict[str, Any] = json.loads(invoke("run", "poem.yaml", "--out", "out", "--json").stdout)
    (episode,) = told["episodes"]
    assert (episode["iterations"], episode["passed"], episode["rule"]) == (iterations, passed, rule)
    assert episode["score"] == pytest.approx(0.93)


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
