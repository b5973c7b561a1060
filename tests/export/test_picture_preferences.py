"""Pairs of pictures: which are pairs, and that the reader of others opens them as pictures."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from loopwright.export import ExportOptions, export
from loopwright.store import Graded
from loopwright.types import Check, Verdict
from tests.images.test_image_task import Painter, run, task
from tests.report.builder import RunBuilder, Turn
from tests.report.samples import checklist, picture
from tests.report.samples import pictures as streams

NAME = "picture-preferences"


def rows(folder: Path, split: str = "train") -> list[dict[str, Any]]:
    path = folder / split / "metadata.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def drawn(seed: int, verdict: Verdict, **more: Any) -> Turn:
    return Turn(verdict.score, text="p", artifacts={"picture": picture(seed)}, judged=verdict, **more)


def shown(seed: int) -> str:
    return f"images/{hashlib.sha256(picture(seed)).hexdigest()}.png"


def pairs(folder: Path) -> list[tuple[str, str, str]]:
    return [(row["aspect"], row["chosen_file_name"], row["rejected_file_name"]) for row in rows(folder)]


def test_two_pictures_are_a_pair_where_one_asked_check_differs(tmp_path: Path) -> None:
    built = RunBuilder(tmp_path / "run")
    answers: list[Mapping[str, str]] = [
        {"cube": "yes", "size": "yes", "sky": "yes"},
        {"cube": "yes", "size": "no", "sky": "yes"},
        {"cube": "no", "size": "skipped", "sky": "yes"},
        {"cube": "no", "size": "skipped", "sky": "no"},
        {"cube": "yes", "size": "unknown", "sky": "no"},
    ]
    built.episode([drawn(n, checklist(**said)) for n, said in enumerate(answers)], goal="a large cube below a sky")
    export(built.close(), NAME, tmp_path / "out")
    assert pairs(tmp_path / "out") == [
        ("size", shown(0), shown(1)),
        ("cube", shown(0), shown(2)),
        ("sky", shown(2), shown(3)),
    ]
    first = rows(tmp_path / "out")[0]
    assert (first["prompt"], first["judge"], first["question"]) == (
        "a large cube below a sky",
        "visible checks",
        "Is the size there?",
    )
    assert (first["chosen_score"], first["rejected_score"]) == (1.0, pytest.approx(2 / 3))
    assert (tmp_path / "out" / "train" / shown(0)).read_bytes() == picture(0)
    assert len([*(tmp_path / "out" / "train" / "images").iterdir()]) == 4


def test_the_picture_that_was_made_from_the_rejected_one_is_chosen(tmp_path: Path) -> None:
    built = RunBuilder(tmp_path / "run")
    right, wrong = checklist(cube="yes"), checklist(cube="no")
    built.episode([drawn(0, right), drawn(1, wrong, critique="No cube."), drawn(2, right, parent=1)])
    export(built.close(), NAME, tmp_path / "out")
    assert pairs(tmp_path / "out") == [("cube", shown(2), shown(1))]
    assert rows(tmp_path / "out")[0]["reason"] == "No cube."


def graded(built: RunBuilder, episode: str, iteration: int, verdict: Verdict) -> None:
    data = Graded(
        candidate_iteration=iteration, verdict=verdict, score=verdict.score, passed=verdict.passed, answer=False
    )
    built.append(data, episode=episode, iteration=iteration, node="grade")


def test_grades_are_believed_more_than_the_loop_and_hidden_checks_stay(tmp_path: Path) -> None:
    built = RunBuilder(tmp_path / "run", episodes=2)
    right, wrong = checklist(cube="yes"), checklist(cube="no")
    audited = built.episode([drawn(0, right), drawn(1, wrong)], instance="audited", finish=False)
    hidden = built.episode([drawn(2, right), drawn(3, wrong)], instance="hidden", finish=False)
    for number, verdict in enumerate((right, wrong)):
        graded(built, audited, number, verdict)
        secret = Verdict(checks=(Check(name="the answer is 7171", score=verdict.score),))
        graded(built, hidden, number, secret)
    built.episode([], instance="audited")
    built.episode([], instance="hidden")
    export(built.close(), NAME, tmp_path / "out")
    assert [row["judge"] for row in rows(tmp_path / "out")] == ["hidden checks", "visible checks"]
    assert "7171" not in (tmp_path / "out" / "train" / "metadata.jsonl").read_text("utf-8")


def test_equal_pairs_are_written_once_and_bounded(tmp_path: Path) -> None:
    built = RunBuilder(tmp_path / "run", episodes=2)
    many = [drawn(0, checklist(cube="yes")), *(drawn(n, checklist(cube="no")) for n in range(1, 41))]
    for repeat in range(2):
        built.episode(many, repeat=repeat)
    written = export(built.close(), NAME, tmp_path / "out")
    assert (written.entries, dict(written.left_out)) == (32, {"duplicate of an earlier row": 32})


def test_only_pictures_of_the_run_leave(tmp_path: Path) -> None:
    built = RunBuilder(tmp_path / "run")
    right, wrong = checklist(cube="yes"), checklist(cube="no")
    text = Turn(0, text="p", artifacts={"picture": b"<script>"}, judged=wrong)
    built.episode([drawn(0, right), drawn(1, wrong), text])
    folder = built.close()
    victim = folder / "artifacts" / hashlib.sha256(picture(1)).hexdigest()[:2]
    shutil.rmtree(victim)
    victim.symlink_to(tmp_path)
    (tmp_path / hashlib.sha256(picture(1)).hexdigest()[2:]).write_bytes(picture(1))
    written = export(folder, NAME, tmp_path / "out")
    assert (written.entries, [path.name for path in written.files]) == (0, ["README.md"])
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["README.md"]
    assert written.left_out["the picture is missing or damaged"] == 2


def test_text_preferences_name_the_format_of_pictures(tmp_path: Path) -> None:
    written = export(streams(tmp_path / "run"), "preferences", tmp_path / "out")
    assert dict(written.left_out) == {"answers are pictures: --format picture-preferences takes them": 2}


@pytest.mark.slow
def test_the_data_set_library_opens_the_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    built = RunBuilder(tmp_path / "run", episodes=12)
    for n in range(12):
        turns = [drawn(2 * n, checklist(cube="yes")), drawn(2 * n + 1, checklist(cube="no"))]
        built.episode(turns, instance=f"{n}")
    written = export(built.close(), NAME, tmp_path / "out", options=ExportOptions(test_share=0.4))
    found = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert sum(split.num_rows for split in found.values()) == written.entries == 12
    assert {len(found[split]) > 0 for split in ("train", "test")} == {True}
    for split in found.values():
        for row in split:
            seed = 2 * int(row["origin"]["instance"])
            assert row["chosen"].tobytes() == opened(picture(seed))
            assert row["rejected"].tobytes() == opened(picture(seed + 1))
    card = yaml.safe_load((tmp_path / "out" / "README.md").read_text("utf-8").split("---")[1])
    named = [feature["name"] for feature in card["dataset_info"]["features"]]
    assert set(named) == set(found["train"].features)


def opened(data: bytes) -> bytes:
    """The pixels of a picture."""
    with Image.open(io.BytesIO(data)) as image:
        return image.tobytes()


@pytest.mark.slow
def test_a_real_run_gives_pairs_that_the_painter_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    goal = "a red circle, a blue square and a green star"
    run(tmp_path, task(goal=goal, strategy="best_of_n"), Painter("omit=0.5,fail=0.3,damage=0.2"))
    written = export(tmp_path / "run", NAME, tmp_path / "out")
    assert written.entries > 0
    (split,) = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache")).values()
    for row in split:
        assert row["chosen"].size == row["rejected"].size
        assert row["chosen"].tobytes() != row["rejected"].tobytes()
