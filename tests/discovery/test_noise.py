"""Noisy problems: good candidates are measured again before others are made from them, and ranked by a lower bound."""

from __future__ import annotations

import random
from pathlib import Path
from statistics import fmean

import pytest
import yaml

import loopwright
from loopwright.discovery import DISCOVER
from loopwright.discovery._problem import measured_of
from loopwright.loop import Search
from loopwright.record import EpisodeRecord, RunReader
from loopwright.store import read_run
from loopwright.task import LoopOptions
from loopwright.types import Attempt, Candidate, Check, ValueOptions, Verdict

SEED = "SEED = 7  # tune: any\nprint(SEED)\n"
NOISE = 0.5


def begun(direction: str = "maximize") -> Search:
    return DISCOVER.begin(LoopOptions(value=ValueOptions.model_validate({"direction": direction})), 1)


def noisy(iteration: int, *measured: float, parent: int | None = None, again: bool = False) -> Attempt:
    data = {"construction": f"c{iteration}", "measured": list(measured)}
    check = Check(name="valid", score=float(bool(measured)), data=data)
    value = fmean(measured) if measured else None
    verdict = Verdict(checks=(check,), value=value, margin=2 * NOISE / len(measured) ** 0.5 if measured else 0.0)
    made = {"operation": "again", "measured": list(measured[:-1])} if again else {}
    candidate = Candidate(files={"solution.py": SEED, "other.py": str(iteration)}, made=made)
    return Attempt(iteration=iteration, parent=parent, candidate=candidate, verdict=verdict)


def test_a_noisy_candidate_is_executed_again_with_another_seed_until_it_is_known() -> None:
    search = begun()
    search.take(noisy(0, 5.0))
    decision = search.pick([])
    assert (decision.kind, decision.rule, decision.target) == ("backtrack", "again", 0)
    brief = search.brief(1, 0)
    assert brief.candidate is not None
    assert brief.candidate.files["solution.py"] != SEED
    assert brief.candidate.files["other.py"] == "0"
    assert brief.candidate.made == {"operation": "again", "measured": [5.0]}
    assert search.refuse(1, brief.candidate) == ""
    search.take(noisy(1, 5.0, 4.0, parent=0, again=True))
    assert search.brief(2, 0).candidate
    search.take(noisy(2, 5.0, 4.0, 4.5, parent=0, again=True))
    assert search.pick([]).rule == "puct"
    assert search.brief(3, 0).candidate is None


@pytest.mark.parametrize(("direction", "sign"), [("maximize", 1), ("minimize", -1)])
def test_what_was_lucky_once_falls_behind_what_is_good(direction: str, sign: int) -> None:
    search = begun(direction)
    search.take(noisy(0, sign * 2.0))
    search.take(noisy(1, sign * 1.9))
    search.take(noisy(2, sign * 2.0, sign * 0.5, parent=0, again=True))
    assert search.pick([]).target == 1
    search.take(noisy(3, sign * 1.9, sign * 1.9, parent=1, again=True))
    search.take(noisy(4, sign * 1.9, sign * 1.9, sign * 1.9, parent=1, again=True))
    assert (search.pick([]).target, search.pick([]).rule) == (1, "puct")


def test_a_candidate_that_fails_when_it_is_executed_again_is_no_parent() -> None:
    search = begun()
    search.take(noisy(0, 1.0))
    search.take(noisy(1, 9.0, parent=0))
    search.take(noisy(2, parent=1, again=True))
    assert search.pick([]).target == 0


TASK = """
version: 1
name: die
goal: Make the value large.
environment:
  name: discovery
  construction: {shape: [1]}
  noise: 0.3
  seed: |
    import json, os, random
    SEED = 0  # tune: any
    STEP = 0.3  # tune: 0.01 to 1
    random.seed(SEED)
    x = json.load(open("parent.json"))[0] if os.path.exists("parent.json") else 0.0
    json.dump([min(1.0, x + STEP * random.random())], open("construction.json", "w"))
  verifier: |
    import random
    def verify(numbers):
        return numbers[0] + random.SystemRandom().gauss(0, 0.3)
sandbox: {provider: bubblewrap}
agents: {proposer: tuner}
loop: {strategy: discover, max_iterations: 14, width: 2, value: {direction: maximize}}
"""


def record(folder: Path) -> EpisodeRecord:
    run = read_run(folder)
    (episode,) = RunReader(run.result).read(run.events)
    return episode


def test_the_answer_of_a_noisy_search_is_the_best_by_its_lower_bound(tmp_path: Path) -> None:
    (tmp_path / "die.yaml").write_text(TASK)
    loopwright.run(tmp_path / "die.yaml", out=tmp_path / "run", seed=3)
    episode = record(tmp_path / "run")
    value = ValueOptions(direction="maximize")
    worths = {one.iteration: one.verdict.worth(value) for one in episode}
    assert episode.best is not None
    assert worths[episode.best.iteration] == max(worths.values())
    counts = [len(measured_of(one)) for one in episode]
    assert max(counts) == 3
    made_from = {one.parent for one in episode if one.candidate and one.candidate.made["operation"] != "again"}
    again = {one.parent for one in episode if one.candidate and one.candidate.made["operation"] == "again"}
    assert made_from - {None} <= again


def test_by_the_lower_bound_the_better_of_two_is_taken_more_often_than_by_the_first_value() -> None:
    chance, better = random.Random(0), {"first": 0, "again": 0}
    for _ in range(400):
        true = [0.0, 0.3]
        first = [one + chance.gauss(0, NOISE) for one in true]
        search = begun()
        measured = {number: [one] for number, one in enumerate(first)}
        for number, one in enumerate(first):
            search.take(noisy(number, one))
        for iteration in range(2, 12):
            decision = search.pick([])
            if decision.rule != "again":
                break
            assert decision.target is not None
            search.brief(iteration, decision.target)
            measured[decision.target].append(true[decision.target] + chance.gauss(0, NOISE))
            search.take(noisy(iteration, *measured[decision.target], parent=decision.target, again=True))
        better["first"] += first[1] > first[0]
        better["again"] += search.pick([]).target == 1
    assert better["again"] > better["first"]


def test_a_problem_without_noise_measures_once(tmp_path: Path) -> None:
    given = yaml.safe_load(TASK.replace("  noise: 0.3\n", "").replace(" + random.SystemRandom().gauss(0, 0.3)", ""))
    (tmp_path / "die.yaml").write_text(yaml.safe_dump(given))
    loopwright.run(tmp_path / "die.yaml", out=tmp_path / "run", seed=3)
    assert all(one.verdict.margin == 0 for one in record(tmp_path / "run"))
    assert all(one.candidate and one.candidate.made["operation"] != "again" for one in record(tmp_path / "run"))
