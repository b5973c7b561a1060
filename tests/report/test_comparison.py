"""Comparisons: what they hold, and the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from loopwright.errors import UserError
from loopwright.report import compare_runs, compare_variants, render_comparison
from tests.report import browser, samples
from tests.report.builder import RunBuilder, Turn


def made(folder: Path, scores: dict[str, list[float]], *, variant: str = "refine") -> Path:
    run = RunBuilder(folder, variants=(variant,), episodes=sum(map(len, scores.values())), run=folder.name)
    for instance, repeats in scores.items():
        for number, score in enumerate(repeats):
            run.episode([Turn(score)], instance=instance, variant=variant, repeat=number)
    return run.close("completed")


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    return (
        made(tmp_path / "before", {"one": [1, 0], "two": [0, 0], "three": [1, 1], "only-here": [1]}),
        made(tmp_path / "after", {"one": [1, 1], "two": [0, 0], "three": [0, 1]}),
    )


def test_instances_that_both_have_are_paired(two: tuple[Path, Path]) -> None:
    (pair,) = compare_runs(*two).pairs
    assert (pair.a, pair.b) == ("before refine", "after refine")
    assert {unit: (a.successes, b.successes) for unit, (a, b) in pair.rollouts.items()} == {
        "sums/one": (1, 2),
        "sums/two": (0, 0),
        "sums/three": (2, 1),
    }
    assert (pair.only_a, pair.only_b) == (["sums/three"], ["sums/one"])
    assert pair.passed.left_out == 1


def test_the_page_shows_where_they_differ(two: tuple[Path, Path]) -> None:
    html = render_comparison(compare_runs(*two))
    apart, _, alike = html.partition("instance alike")
    assert '<bdi>sums/one</bdi></th><td class="num">1 of 2</td><td class="num">2 of 2</td>' in apart
    assert "sums/two" not in apart
    assert "sums/two" in alike
    assert "1 instance scored on one side only" in html


def test_names_are_escaped_and_nothing_is_loaded(tmp_path: Path) -> None:
    enemy = "<script>alert(1)</script>"
    runs = [made(tmp_path / name, {enemy: [score]}) for name, score in (("a", 1), ("b", 0))]
    html = render_comparison(compare_runs(*runs))
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "http" not in html.replace("http-equiv", "")


def test_a_run_with_one_variant_has_nothing_to_compare(two: tuple[Path, Path]) -> None:
    with pytest.raises(UserError, match="has one variant"):
        compare_variants(two[0])


@pytest.mark.slow
@pytest.mark.skipif(browser.find() is None, reason=f"none of {', '.join(browser.PROGRAMS)} is installed")
def test_the_page_in_a_browser(tmp_path: Path) -> None:
    page_file = tmp_path / "comparison.html"
    page_file.write_text(render_comparison(compare_variants(samples.study(tmp_path / "study"))), "utf-8")
    with browser.Page(tmp_path / "profile") as page:
        page.screen(390, 800)
        page.open(page_file.as_uri())
        assert page.run("document.querySelectorAll('circle.point').length") == 3
        assert page.run("document.documentElement.scrollWidth <= 390"), "no sideways scrolling on a phone"
        assert page.complaints == []


def test_pairs_without_a_common_score_are_told_and_passed_over(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "three", variants=("a", "b", "c"), episodes=3, run="three")
    for variant, instance in (("a", "one"), ("b", "one"), ("c", "two")):
        run.episode([Turn(1.0)], instance=instance, variant=variant)
    found = compare_variants(run.close("completed"))
    assert [(pair.a, pair.b) for pair in found.pairs] == [("a", "b")]
    assert found.unscored == ("a and c", "b and c")


def test_variants_without_any_score_are_named(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "two", variants=("a", "b"), episodes=1, run="two")
    run.episode([Turn(1.0)], instance="one", variant="a")
    with pytest.raises(UserError, match="nothing was scored in b"):
        compare_variants(run.close("completed"))
