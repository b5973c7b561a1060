"""The gallery: image models are chosen by what they were good at, and a resume chooses the same."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

import loopwright
from loopwright.errors import UserError
from loopwright.images.refining import Gallery, Row, read_gallery, save_gallery
from loopwright.runner import EpisodeResult
from loopwright.store import EpisodePrepared, read_run
from loopwright.task import Task
from loopwright.types import Attempt, Candidate, Check, Verdict

GOOD, BAD = "painter/omit=0.3,fail=0,damage=0", "painter/omit=0.3,fail=1"


def attempt(model: str, operation: str, held: bool, kind: str = "object") -> Attempt:
    made = {"model": model, "operation": operation, "aims": ["star"]}
    checks = (
        Check(name="star", score=float(held), data={"kind": kind}),
        Check(name="ring", score=1, data={"kind": "object"}),
    )
    return Attempt(iteration=1, parent=0, candidate=Candidate(text="", made=made), verdict=Verdict(checks=checks))


def test_what_was_aimed_at_counts() -> None:
    gallery = Gallery()
    gallery.learn([attempt("a", "add", True), attempt("a", "add", False), attempt("b", "change", True, "attribute")])
    assert gallery.rows == [Row("a", "object", "add", 1, 1), Row("b", "attribute", "change", 1, 0)]


def test_an_atom_that_nobody_was_asked_about_does_not_count() -> None:
    made = {"model": "a", "operation": "add", "aims": ["star", "colour"]}
    asked = Check(name="star", score=0, data={"kind": "object", "answer": "no"})
    skipped = Check(name="colour", score=0, data={"kind": "attribute", "answer": "skipped"})
    gallery = Gallery()
    gallery.learn(
        [Attempt(iteration=1, candidate=Candidate(text="", made=made), verdict=Verdict(checks=(asked, skipped)))]
    )
    assert gallery.rows == [Row("a", "object", "add", 0, 1)]


def test_the_better_model_is_chosen_more_often_and_the_other_is_still_tried() -> None:
    gallery = Gallery()
    gallery.add([("good", "object", "add", 6, 2), ("bad", "object", "add", 2, 6)])
    chosen = Counter(gallery.choose(["good", "bad"], ["object"], "add", Random(seed)) for seed in range(300))
    assert chosen["good"] > 3 * chosen["bad"] > 0
    # Of another operation nothing is known.
    other = Counter(gallery.choose(["good", "bad"], ["object"], "move", Random(seed)) for seed in range(300))
    assert 100 < other["good"] < 200


def task(**environment: Any) -> Task:
    goals = ("a red circle, a blue square and a star", "two rings and a cross", "a triangle, a star and a red ring")
    return Task.model_validate(
        {
            "name": "picture",
            "goal": "Draw.",
            "environment": {"name": "images", **environment},
            "data": [{"id": f"i{number}", "goal": goals[number % len(goals)]} for number in range(6)],
            "image_models": {"generator": GOOD, "editor": [BAD, GOOD]},
            "agents": {"proposer": "image_refiner", "verifier": "pixel_verifier"},
            "loop": {"strategy": "streams", "max_iterations": 6},
        }
    )


def editors(episodes: Any) -> Counter[str]:
    return Counter(
        one.candidate.made["model"]
        for episode in episodes
        for one in episode.attempts
        if one.candidate and one.parent is not None
    )


def snapshots(folder: Path) -> dict[str, Any]:
    events = read_run(folder).events
    return {str(one.episode): one.data.fields["gallery"] for one in events if isinstance(one.data, EpisodePrepared)}


def test_what_episodes_taught_is_known_to_the_next_ones_of_a_run(tmp_path: Path) -> None:
    result = loopwright.run(task(), out=tmp_path / "run", concurrency=1)
    known = list(snapshots(tmp_path / "run").values())
    assert known[0] == []
    totals = [sum(row[3] + row[4] for row in rows) for rows in known]
    assert totals == sorted(totals)
    assert totals[-1] > 0
    chosen = editors(result)
    assert chosen[GOOD] > chosen[BAD]


def told(episodes: Any) -> list[tuple[str, Any]]:
    return [(one.id, one.attempts) for one in sorted(episodes, key=lambda one: one.id)]


def cut(folder: Path, whole: Path, length: int) -> None:
    (folder / "artifacts").mkdir(parents=True)
    for path in (whole / "artifacts").glob("??/*"):
        (folder / "artifacts" / path.parent.name).mkdir(exist_ok=True)
        (folder / "artifacts" / path.parent.name / path.name).write_bytes(path.read_bytes())
    (folder / "run.json").write_bytes((whole / "run.json").read_bytes())
    lines = (whole / "events.jsonl").read_text().splitlines(keepends=True)
    (folder / "events.jsonl").write_text("".join(lines[:length]))


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_a_resume_knows_and_chooses_the_same(share: float, tmp_path: Path) -> None:
    whole = loopwright.run(task(), out=tmp_path / "run", concurrency=1)
    events = len((tmp_path / "run" / "events.jsonl").read_text().splitlines())
    cut(tmp_path / "cut", tmp_path / "run", int(events * share))
    assert told(loopwright.resume(tmp_path / "cut")) == told(whole)
    assert snapshots(tmp_path / "cut") == snapshots(tmp_path / "run")


def test_a_file_carries_what_runs_taught_to_other_runs(tmp_path: Path) -> None:
    loopwright.run(task(), out=tmp_path / "first", concurrency=1)
    saved = save_gallery([tmp_path / "first"], tmp_path / "gallery.json")
    assert saved.rows == read_gallery(tmp_path / "gallery.json").rows
    loopwright.run(task(gallery="gallery.json"), out=tmp_path / "second", concurrency=1, project=tmp_path)
    first = next(iter(snapshots(tmp_path / "second").values()))
    assert first == [list(row) for row in saved.rows]


@pytest.mark.parametrize("text", ["", "{}", '[["a"]]', '[["a", "b", "c", "d", 1]]', '[["a", "b", "c", 1, -1]]'])
def test_what_is_no_gallery_is_told(text: str, tmp_path: Path) -> None:
    (tmp_path / "gallery.json").write_text(text)
    with pytest.raises(UserError, match="is no gallery"):
        read_gallery(tmp_path / "gallery.json")


def test_a_gallery_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gallery\.json cannot be read: No such file"):
        read_gallery(tmp_path / "gallery.json")


def test_with_one_model_nothing_is_recorded(tmp_path: Path) -> None:
    alone = task().model_copy(update={"data": task().data[:1]})
    (episode,) = loopwright.run(alone, editor=GOOD, out=tmp_path / "run")
    assert isinstance(episode, EpisodeResult)
    fields = [one.data.fields for one in read_run(tmp_path / "run").events if isinstance(one.data, EpisodePrepared)]
    assert "gallery" not in json.dumps(fields)
