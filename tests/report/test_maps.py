"""Maps in the report."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from loopwright.record import EpisodeRecord, RunReader
from loopwright.report import render_html
from loopwright.report._maps import episode_maps
from loopwright.store import read_run
from tests.geo.test_geo_task import N, Parrot, Rater, run, task


def test_a_report_draws_maps_and_stages(tmp_path: Path) -> None:
    run(tmp_path / "run", task(), Rater(fails=(3,)))
    page = render_html(tmp_path / "run")
    titles = re.findall(r'<svg viewBox="[^"]+" role="img" aria-label="([^"]+)"', page)
    *drawn, residuals = [title for title in titles if title]
    assert drawn == ["First ratings", "Map", "Change", "How places were decided"]
    assert re.fullmatch(r"Rank in the map less rank in the truth \(Moran(&#39;|')s I -?\d\.\d\d\)", residuals)
    assert "Moran scatter" in page
    assert page.count('class="land"') == 6
    first, after = (
        sum(path.count("h0") for path in re.findall(r'class="dots v\d" d="([^"]+)"', part) if len(path) > 9)
        for part in re.split(r'aria-label="(?:First ratings|Map|Change)"', page)[1:3]
    )
    assert (first, after) == (N - 1, N)
    assert f'<td class="num">0</td><td class="num">{N}</td>' in page


def test_a_map_without_truth_has_no_residuals(tmp_path: Path) -> None:
    run(tmp_path / "run", task(truth=None), Rater())
    assert "rank in the truth" not in render_html(tmp_path / "run")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a map."""
    folder = tmp_path_factory.mktemp("maps") / "run"
    run(folder, task(), Rater())
    return folder


Damage = Callable[[list[list[str]]], list[list[str]]]


def _with(column: str, value: str) -> Damage:
    return lambda rows: [rows[0], [value if name == column else cell for name, cell in zip(*rows[:2], strict=True)]]


@pytest.mark.parametrize(
    "damage",
    [
        *(
            _with(column, value)
            for column in ("longitude", "value")
            for value in ("x", "nan", "-inf", "9" * 400, "1e300")
        ),
        lambda rows: [rows[0], ["a"]],
        lambda rows: [rows[0], [*rows[1], "more"]],
        lambda rows: [rows[0], ["a" * 200_000, *rows[1][1:]]],
        lambda rows: [["id"], ["a"]],
        lambda rows: [],
    ],
)
def test_a_file_that_is_no_map_is_not_drawn(
    recorded: Path, damage: Callable[[list[list[str]]], list[list[str]]]
) -> None:
    """A run that somebody sent may hold anything in the place of its map."""
    record = read_run(recorded)
    (episode,) = (one for one in RunReader(record.result).read(record.events) if isinstance(one, EpisodeRecord))

    def damaged(reference: str) -> bytes:
        text = io.StringIO()
        rows = list(csv.reader(record.get(reference).decode().splitlines()))
        csv.writer(text).writerows(damage(rows))
        return text.getvalue().encode()

    assert episode_maps(episode, "one", record.get) is not None
    assert episode_maps(episode, "one", damaged) is None


def test_a_report_says_that_no_answer_of_a_stage_counts(tmp_path: Path) -> None:
    run(tmp_path / "run", task(), Parrot())
    assert re.search(r"Stage 1: \d+ answers came and none counts", render_html(tmp_path / "run"))
