"""Pictures that were paid once: the response cache keeps them, and a run's pictures can be a model."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import loopwright
from loopwright.errors import StoreError
from loopwright.images import open_replay
from loopwright.models import ModelOptions
from loopwright.runner import EpisodeResult
from loopwright.store import CallFinished, read_run
from loopwright.task import Task
from tests.images.test_image_task import Painter, task

RATES = "omit=0.7,fail=0.6"
"""So many errors that a picture takes edits."""
PRICES = "date: 2026-11-01\nmodels:\n  painter/*: {image: 0.5}\n"


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    (tmp_path / "prices.yaml").write_text(PRICES)
    return tmp_path / "prices.yaml"


def run(folder: Path, painter: Any, wanted: Task | None = None, **options: Any) -> EpisodeResult:
    parts: dict[str, Any] = {
        "proposer": "image_refiner",
        "verifier": "pixel_verifier",
        "generator": painter,
        "editor": painter,
    }
    return loopwright.run(wanted or task(), out=folder, **parts, **options).episodes[0]


def pictures(episode: EpisodeResult, folder: Path) -> list[bytes]:
    record = read_run(folder)
    return [record.get(one.candidate.artifacts["picture"]) for one in episode.attempts if one.candidate]


def test_a_second_run_takes_the_pictures_of_the_first_and_pays_nothing(tmp_path: Path, prices: Path) -> None:
    options: dict[str, Any] = {"prices": prices, "cache": tmp_path / "cache"}
    first = run(tmp_path / "first", Painter(RATES), **options)
    idle = Painter(RATES)
    second = run(tmp_path / "second", idle, **options)
    assert idle.calls == 0
    assert pictures(second, tmp_path / "second") == pictures(first, tmp_path / "first")
    assert (second.images, second.passed) == (first.images, first.passed)
    assert (first.images or 0) > 2
    assert first.cost == (first.images or 0) * Decimal("0.5")
    assert second.cost == 0
    told = [one.data for one in read_run(tmp_path / "second").events if isinstance(one.data, CallFinished)]
    assert [one.cached for one in told if one.kind == "image"] == [True] * (first.images or 0)


@pytest.mark.parametrize("harm", ["lost", "damaged"])
def test_a_cached_picture_that_cannot_be_used_is_made_again(harm: str, tmp_path: Path, prices: Path) -> None:
    options: dict[str, Any] = {"prices": prices, "cache": tmp_path / "cache"}
    first = run(tmp_path / "first", Painter(RATES), **options)
    (place, *_) = sorted((tmp_path / "cache" / "pictures").glob("??/*"))
    place.unlink() if harm == "lost" else place.write_bytes(b"no picture")
    painter = Painter(RATES)
    second = run(tmp_path / "second", painter, **options)
    assert painter.calls == 1
    assert pictures(second, tmp_path / "second") == pictures(first, tmp_path / "first")


def test_cached_pictures_count_under_a_cap(tmp_path: Path) -> None:
    options: dict[str, Any] = {"cache": tmp_path / "cache"}
    first = run(tmp_path / "first", Painter(RATES), **options)
    assert (first.images or 0) > 2
    second = run(tmp_path / "second", Painter(RATES), budget={"images": 2}, **options)
    assert second.images == 2


def test_a_run_is_an_image_model_that_gives_its_pictures_again(tmp_path: Path) -> None:
    first = run(tmp_path / "first", Painter(RATES))
    again = run(tmp_path / "again", f"replay/{tmp_path}/first")
    assert pictures(again, tmp_path / "again") == pictures(first, tmp_path / "first")
    assert len(first.attempts) > 2


def test_another_seed_gets_the_recorded_pictures_in_their_order(tmp_path: Path) -> None:
    first = run(tmp_path / "first", Painter(RATES), strategy="best_of_n", calls=3)
    again = run(tmp_path / "again", f"replay/{tmp_path}/first", strategy="best_of_n", calls=3, seed=7)
    assert pictures(again, tmp_path / "again") == pictures(first, tmp_path / "first")


def test_pictures_without_a_seed_come_in_their_order(tmp_path: Path) -> None:
    unseeded = task(strategy="best_of_n").model_copy(update={"seed": None})
    first = run(tmp_path / "first", Painter(RATES), wanted=unseeded)
    again = run(tmp_path / "again", f"replay/{tmp_path}/first", wanted=unseeded)
    assert len(set(pictures(first, tmp_path / "first"))) > 1
    assert pictures(again, tmp_path / "again") == pictures(first, tmp_path / "first")


def test_a_request_that_the_run_does_not_hold_is_told(tmp_path: Path) -> None:
    run(tmp_path / "first", Painter("exact"))
    model = f"replay/{tmp_path}/first"
    other = task(goal="a red circle")
    parts: dict[str, Any] = {"proposer": "image_refiner", "verifier": "pixel_verifier", "generator": model}
    (episode,) = loopwright.run(other, out=tmp_path / "other", **parts)
    assert episode.outcome is not None
    assert episode.outcome.failure is not None
    assert f"{model} does not hold this request: 'a red circle'" in episode.outcome.failure.message


def test_a_folder_without_pictures_is_no_image_model(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is not a run folder"):
        open_replay(str(tmp_path), ModelOptions())
