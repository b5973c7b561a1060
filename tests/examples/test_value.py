"""The example of a value: a verifier of ten lines measures a ruler, and the loop makes it shorter."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

import loopwright
from loopwright import Candidate, Check, Instance, Verdict
from loopwright.report import compare, render_comparison, render_csv, render_html, render_text, summarize_run
from tests.report import browser

ROOT = Path(__file__).resolve().parents[2]
TASK = ROOT / "examples" / "value" / "task.yaml"
REPLIES = "scripted/examples/value/replies.yaml"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> loopwright.RunResult:
    folder = tmp_path_factory.mktemp("value")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return loopwright.run(TASK, model=REPLIES, project=ROOT, out=folder / "run")


def test_the_shortest_ruler_is_the_answer(run: loopwright.RunResult) -> None:
    (episode,) = run.episodes
    values = [attempt.verdict.value for attempt in episode.attempts if attempt.verdict.passed]
    assert values[0] == 15.0
    assert (episode.passed, episode.value, min(value or 0 for value in values)) == (True, 11.0, 11.0)
    assert episode.answer is not None
    assert episode.answer.text == "0 1 4 9 11"


def test_every_way_of_reading_a_run_tells_the_value(run: loopwright.RunResult) -> None:
    summary = summarize_run(run.folder)
    (variant,) = summary.variants
    assert (variant.mean_value, variant.values) == (11.0, {"ruler": [11.0]})
    (row,) = csv.DictReader(io.StringIO(render_csv(summary)))
    assert row["value"] == "11.0"
    console = Console(width=200, file=io.StringIO(), record=True)
    console.print(render_text(summary))
    assert "refine: length 11 in the mean of 1 answer (lower is better)" in console.export_text()
    page = render_html(run.folder)
    assert "length 11" in page
    assert '"value":{"direction":"minimize","name":"length","unit":""}' in page


def test_the_figure_has_a_panel_for_it(run: loopwright.RunResult) -> None:
    pytest.importorskip("matplotlib")
    import numpy as np

    *_, values = run.plot().axes
    assert values.get_ylabel() == "best length so far, mean"
    assert list(np.asarray(values.lines[0].get_ydata())) == [8, 15, 15, 14, 11, 11, 11, 11]


def test_two_runs_are_compared_by_it(run: loopwright.RunResult, tmp_path: Path) -> None:
    class Longer:
        async def verify(self, candidate: Candidate, instance: Instance) -> Verdict:
            return Verdict(checks=(Check(name="any", score=1),), value=12 + len(candidate.text) % 2)

    replies = tmp_path / "replies.json"
    replies.write_text(json.dumps(["a", "bb", "ccc", "dddd", "eeeee"]), "utf-8")
    other = loopwright.run(
        TASK, model=f"scripted/{replies}", verifier=Longer(), project=ROOT, out=tmp_path / "other", strategy="refine"
    )
    found = compare(run, other)
    (pair,) = found.pairs
    assert pair.value is not None
    assert (pair.value.mean_a, pair.value.mean_b, pair.value.difference) == (11.0, 12.0, -1.0)
    # One instance proves nothing.
    assert pair.value.interval.low < 0 < pair.value.interval.high
    assert "length 11 against 12 in the mean of 1 instance (lower is better)" in render_comparison(found)


@pytest.mark.slow
@pytest.mark.skipif(browser.find() is None, reason="no browser is installed")
def test_the_report_draws_it(run: loopwright.RunResult, tmp_path: Path) -> None:
    page_file = tmp_path / "report.html"
    page_file.write_text(render_html(run.folder), "utf-8")
    with browser.Page(tmp_path / "profile") as page:
        page.open(page_file.as_uri() + "#episode/ruler%3Arefine%3A0")
        assert "length by iteration" in page.run("document.getElementById('episode').textContent")
        assert "with score 1.00, length 11 after 8 iterations" in page.run("document.body.textContent")
        label = page.run("document.querySelector('svg.chart').getAttribute('aria-label')")
        assert label.startswith("length by iteration: 0: length 8, 1: length 15")
        ticks = page.run("[...document.querySelectorAll('svg.chart text')].map((t) => t.textContent)")
        assert ticks[:3] == ["8", "11.5", "15"]
        assert page.complaints == []
