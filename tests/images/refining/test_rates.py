"""How often a verifier errs is learned from its own answers, and reaches the episodes of a run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

import loopwright
from bench.images.noise import Noise, NoisyVerifier, said
from loopwright.images.checklist import Answer
from loopwright.images.refining import ASSUMED, Rates, Seen, Votes, estimated, known_rates, tally
from loopwright.store import EpisodePrepared, read_run
from loopwright.task import Task
from loopwright.types import Attempt, Candidate, Check, Verdict


def answered(noise: Noise, atoms: int, holds: float, looks: int = 3) -> Counter[Seen]:
    """Answers of a verifier that errs at set rates, to atoms of which a share holds."""
    random, counts = Random(1), Counter[Seen]()
    for atom in range(atoms):
        truth = Answer(value="yes" if random.random() < holds else "no")
        given = [said(noise, truth, f"{noise}/{atom}", look).value for look in range(looks)]
        counts["object", given.count("yes"), given.count("no")] += 1
    return counts


@pytest.mark.parametrize("rates", [(0.05, 0.05), (0.2, 0.05), (0.3, 0.1)])
def test_the_rates_of_errors_and_the_share_that_holds_are_found(rates: tuple[float, float]) -> None:
    found = estimated(answered(Noise("-", *rates), 3000, 0.6))
    assert (found.false_yes, found.false_no) == pytest.approx(rates, abs=0.04)
    share, number = found.new["object"]
    assert share == pytest.approx(0.6, abs=0.04)
    assert number == 3000


def test_few_answers_change_little_and_none_change_nothing() -> None:
    assert known_rates({}, ()) == ASSUMED
    few = estimated(answered(Noise("-", 0.3, 0.05), 5, 0.5))
    assert few.false_yes == pytest.approx(ASSUMED.false_yes, abs=0.1)


def test_more_errors_make_a_yes_weigh_less() -> None:
    often = Rates(false_yes=0.3)
    assert Votes(yes=2).posterior(0.7, often) < Votes(yes=2).posterior(0.7)
    assert often.holds_anew("count", 0.8) == 0.8
    assert Rates(new={"count": (0.5, 1000)}).holds_anew("count", 0.8) == pytest.approx(0.5, abs=0.01)


def attempt(iteration: int, parent: int | None, picture: int, aims: tuple[str, ...] = ()) -> Attempt:
    checks = tuple(
        Check(name=name, score=1, data={"kind": kind, "yes": 2, "asked": 3})
        for name, kind in (("star", "object"), ("two", "count"))
    )
    shown = {"picture": f"sha256:{picture:064}"}
    candidate = Candidate(text="-", artifacts=shown, made={"aims": list(aims)})
    return Attempt(iteration=iteration, parent=parent, candidate=candidate, verdict=Verdict(checks=checks))


def test_new_pictures_count_by_kind_and_edits_by_their_aim() -> None:
    episode = [attempt(0, None, 0), attempt(1, 0, 1, ("two",)), attempt(2, 1, 1)]
    assert tally(episode) == {
        ("object", 2, 1): 1,
        ("count", 2, 1): 1,
        ("after an edit of it", 2, 1): 1,
        ("after another edit", 2, 1): 1,
    }, "an edit that changed nothing is no picture of its own"


@pytest.mark.parametrize("learns", [True, False])
def test_episodes_know_the_answers_to_those_before_them_if_they_are_to_learn(learns: bool, tmp_path: Path) -> None:
    task = Task.model_validate(
        {
            "name": "picture",
            "goal": "a red circle and a star",
            "environment": {"name": "images", "learn_rates": learns},
            "image_models": {"generator": "painter/default", "editor": "painter/default"},
            "loop": {"strategy": "streams", "max_iterations": 3},
        }
    )
    eye: Any = NoisyVerifier(Noise("-", 0.2, 0.05), once=False, seed=0)
    result = loopwright.run(
        task, out=tmp_path / "run", repeats=3, concurrency=1, proposer="image_refiner", verifier=eye
    )
    events = read_run(tmp_path / "run").events
    prepared: list[dict[str, Any]] = [dict(one.data.fields) for one in events if isinstance(one.data, EpisodePrepared)]
    known = [{tuple(row[:3]): row[3] for row in fields.get("votes", [])} for fields in prepared]
    episodes = sorted(result, key=lambda one: one.id)
    expected = Counter[Seen]()
    for before, episode in zip(known, episodes, strict=True):
        assert before == expected
        expected += tally(episode.attempts) if learns else Counter()
    assert (known[2] != known[1] != {}) is learns
