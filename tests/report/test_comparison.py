"""Comparisons: what they hold, and the page."""

from __future__ import annotations

import json
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


def test_an_interval_that_does_not_hold_the_difference_is_told_as_too_few_instances(tmp_path: Path) -> None:
    folder = samples.long_names(tmp_path / "long")
    (pair,) = [
        pair
        for pair in compare_variants(folder).pairs
        if pair.a.startswith("single@") and "deepseek" in pair.a and pair.b.startswith("refine@") and "qwen3" in pair.b
    ]
    assert not pair.passed.interval.low <= pair.passed.difference <= pair.passed.interval.high
    html = render_comparison(compare_variants(folder))
    assert "<b>-1.00</b> too few instances" in html
    assert html.count('class="whisker"') == sum(one.passed.difference == 0 for one in compare_variants(folder).pairs)


def test_task_files_are_no_difference_where_one_run_has_none(tmp_path: Path) -> None:
    runs = [made(tmp_path / name, {"one": [1]}) for name in ("a", "b")]
    for run, files, differs in ((0, ["/home/me/task.yaml"], []), (1, ["/home/me/other.yaml"], ["files"])):
        manifest = runs[run] / "run.json"
        told = json.loads(manifest.read_text())
        told["config"]["files"] = files
        manifest.write_text(json.dumps(told))
        assert [path.partition(".")[0] for path in compare_runs(*runs).differs] == differs


def test_a_configuration_without_tasks_differs_and_breaks_nothing(two: tuple[Path, Path]) -> None:
    for run, config in zip(two, ({"tasks": [{"name": "sums"}]}, {"budget": None}), strict=True):
        path = run / "run.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"config": config}))
    for pair in (two, two[::-1]):
        assert any(words.startswith("tasks") for words in compare_runs(*pair).differences)
