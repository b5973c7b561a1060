"""Maps in the report."""

from __future__ import annotations

import re
from pathlib import Path

from loopwright.report import render_html
from tests.geo.test_geo_task import N, Rater, run, task


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
