"""The page of a run that goes on, in a real browser."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from loopwright.store import EpisodeStarted, Judged, Proposed
from loopwright.types import Candidate, Check
from loopwright.verify import Verdict
from tests.report import browser, samples
from tests.report.builder import RunBuilder, Turn
from tests.view.conftest import Served

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(browser.find() is None, reason=f"none of {', '.join(browser.PROGRAMS)} is installed"),
]


@pytest.fixture
def page(served: Served, tmp_path: Path) -> Iterator[browser.Page]:
    """A browser that has shown the token; at the end it must have nothing to complain about."""
    with browser.Page(tmp_path / "profile") as page:
        page.screen(1280, 900)
        page.open(served.address)
        yield page
        assert page.complaints == []


def text(page: browser.Page, selector: str) -> str:
    return str(page.run(f"document.querySelector({json.dumps(selector)}).innerText"))


def test_news_reach_the_page_without_a_reload(served: Served, page: browser.Page) -> None:
    run = RunBuilder(served.runs / "watched", episodes=3)
    run.episode([Turn(0.5), Turn(1.0, decision="stop", rule="all_passed")], instance="first")
    page.open(f"{served.root}runs/watched/")
    page.settle("document.querySelector('#live .news li')")
    assert "1 of 3 episodes" in text(page, "#live")
    page.run("document.body.dataset.kept = 'yes'; document.getElementById('filter').value = 'second';"
             "document.getElementById('filter').dispatchEvent(new Event('input'))")  # fmt: skip
    started = {"task": "sums", "instance": "second", "variant": "refine", "repeat": 0}
    name = "sums.second:refine:0"
    run.append(EpisodeStarted(**started, goal="", strategy="refine", models={}, seed=1), episode=name)
    verdict = Verdict(checks=(Check(name="a", score=0.25),))
    run.append(Proposed(candidate=Candidate(text="a")), episode=name, iteration=0, node="propose")
    run.append(Judged(verdict=verdict, score=0.25, passed=False, best=True), episode=name, iteration=0, node="verify")
    page.settle("document.querySelector('#live .news').innerText.includes('score 0.25')")
    assert name in text(page, "#live .underway")
    page.settle("document.querySelectorAll('#list tbody tr').length === 1")
    assert "unfinished" in text(page, "#list tbody")
    assert page.run("document.body.dataset.kept + document.getElementById('filter').value") == "yessecond"
    run.episode([Turn(1.0, decision="stop", rule="all_passed")], instance="third")
    page.settle("document.getElementById('shown').innerText.includes('1 of 3')")
    run.close()
    page.settle("document.querySelector('#live').innerText.includes('completed')")


def test_rows_that_did_not_change_stay_as_they_are(served: Served, page: browser.Page) -> None:
    run = RunBuilder(served.runs / "kept", variants=("single", "refine"), episodes=8)
    for name in ("first", "second", "third"):
        run.episode([Turn(1.0, decision="stop", rule="all_passed")], instance=name)
    name = run.episode([Turn(0.5)], instance="grows", finish=False)
    page.open(f"{served.root}runs/kept/")
    page.settle("document.querySelectorAll('#list tbody tr').length === 4")
    page.run(
        "document.querySelectorAll('#list tr, #matrix tr').forEach((row) => { row.dataset.kept = row.innerText; });"
        "for (const key of 'jjj') document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))"
    )
    verdict = Verdict(checks=(Check(name="a", score=0.25),))
    run.append(Proposed(candidate=Candidate(text="a")), episode=name, iteration=1, node="propose")
    run.append(Judged(verdict=verdict, score=0.25, passed=False, best=False), episode=name, iteration=1, node="verify")
    run.episode([Turn(1.0, decision="stop", rule="all_passed")], instance="a-new-one")
    kept = "[...document.querySelectorAll('{} tbody tr')].map((row) => row.dataset.kept !== undefined)"
    page.settle("document.querySelectorAll('#list tbody tr').length === 5")
    page.settle("document.querySelectorAll('#list tbody tr')[2].children[4].innerText === '2'")
    # Sorted by name: the new one, first, the one that grows, second, third.
    assert page.run(kept.format("#list")) == [False, True, False, True, True]
    assert page.run(kept.format("#matrix")) == [False, True, False, True, True]
    assert page.run("document.querySelectorAll('#list tbody tr')[3].contains(document.activeElement)")
    assert page.run("[...document.querySelectorAll('#list tr.current')].map((row) => row.sectionRowIndex)") == [3]
    page.run("document.querySelectorAll('#list thead button')[0].click()")
    page.run("document.querySelectorAll('#list thead button')[0].click()")
    assert "third" in page.run("document.querySelector('#list tbody tr').innerText")
    run.close()


def test_a_page_that_missed_the_last_news_tries_again(served: Served, page: browser.Page) -> None:
    run = RunBuilder(served.runs / "ended", episodes=2)
    run.episode([Turn(1.0, decision="stop", rule="all_passed")], instance="first")
    page.open(f"{served.root}runs/ended/")
    page.settle("document.querySelectorAll('#list tbody tr').length === 1")
    page.run(
        "window.missed = 0; const asked = window.fetch; window.fetch = (...all) => "
        "String(all[0]).includes('/episodes') && window.missed++ < 2 ? Promise.reject(new Error('cut')) : asked(...all)"
    )
    run.episode([Turn(1.0, decision="stop", rule="all_passed")], instance="second")
    run.close()
    page.settle("window.missed > 2 && document.querySelectorAll('#list tbody tr').length === 2")
    page.settle("!document.getElementById('lost').innerText")
    assert "completed" in text(page, "#live")


def test_a_folder_that_is_made_anew_shows_no_rows_of_the_run_before(served: Served, page: browser.Page) -> None:
    old = RunBuilder(served.runs / "replaced", episodes=2)
    for name in ("first", "second"):
        old.episode([Turn(1.0, decision="stop", rule="all_passed")], instance=name)
    old.close()
    page.open(f"{served.root}runs/replaced/")
    page.settle("document.querySelectorAll('#list tbody tr').length === 2")
    page.run("document.body.dataset.kept = 'yes'")
    shutil.rmtree(served.runs / "replaced")
    page.settle("document.getElementById('lost').innerText.includes('the run is not there')")
    new = RunBuilder(served.runs / "replaced", episodes=2)
    page.settle("document.getElementById('episodes').hidden && !document.querySelectorAll('#list tbody tr').length")
    assert page.run("document.querySelectorAll('#matrix tbody tr').length") == 0
    new.episode([Turn(1.0, decision="stop", rule="all_passed")], instance="third")
    page.settle("document.querySelectorAll('#list tbody tr').length === 1")
    assert "third" in text(page, "#list tbody")
    assert page.run("document.body.dataset.kept") == "yes"
    # The browser tells the answers of which the page told, too.
    page.complaints[:] = [one for one in page.complaints if "404" not in one]
    new.close()


def test_an_episode_that_is_read_grows_in_place(served: Served, page: browser.Page) -> None:
    run = RunBuilder(served.runs / "read", episodes=1)
    name = run.episode([Turn(0.5, text="long\n" * 60) for _ in range(12)], instance="long", finish=False)
    page.open(f"{served.root}runs/read/")
    page.settle("document.querySelectorAll('#list tbody tr').length === 1")
    page.run(f"location.hash = '#episode/{quote(name, safe='')}'")
    page.settle(
        "!document.getElementById('episode').hidden && document.querySelectorAll('#episode details').length > 1"
    )
    page.run("document.querySelectorAll('#episode details')[1].open = true; scrollTo(0, 400)")
    before = page.run("[document.getElementById('episode').innerText.length, scrollY]")
    run.append(Proposed(candidate=Candidate(text="the newest")), episode=name, iteration=12, node="propose")
    verdict = Verdict(checks=(Check(name="a", score=0.25),))
    run.append(Judged(verdict=verdict, score=0.25, passed=False, best=False), episode=name, iteration=12, node="verify")
    page.settle(f"document.getElementById('episode').innerText.length > {before[0]}")
    assert page.run("[document.querySelectorAll('#episode details')[1].open, scrollY]") == [True, before[1]]


def test_an_episode_is_shown_with_its_calls(served: Served, page: browser.Page) -> None:
    samples.study(served.runs / "opened")
    page.open(f"{served.root}runs/opened/#episode/sums.nested-13%3Arefine%3A0")
    page.settle("!document.getElementById('episode').hidden")
    assert "nested-13" in text(page, "#episode h1")
    assert "iteration 5" in text(page, "#episode").lower()


def test_pictures_and_variants_side_by_side(served: Served, page: browser.Page) -> None:
    samples.pictures(served.runs / "drawn")
    page.open(f"{served.root}runs/drawn/")
    page.settle("document.querySelectorAll('#pictures img').length > 0")
    samples.study(served.runs / "beside")
    page.open(f"{served.root}runs/beside/")
    page.settle("document.querySelector('.beside-link')")
    page.run("document.querySelector('.beside-link').click()")
    page.settle("document.querySelectorAll('#episode .variant').length > 1")


def test_hostile_words_stay_words(served: Served, page: browser.Page) -> None:
    samples.hostile(served.runs / "hostile")
    page.open(f"{served.root}runs/hostile/")
    page.settle("document.querySelectorAll('#list tbody tr').length === 3")
    for row in range(page.run("document.querySelectorAll('#list tbody tr').length")):
        page.run(f"document.querySelectorAll('#list tbody tr')[{row}].querySelector('a').click()")
        page.settle("!document.getElementById('episode').hidden")
        page.run("location.hash = '#episodes'")
        page.settle("document.getElementById('episode').hidden")
    assert page.run("document.querySelectorAll('#live img, #live script, #overview script').length") == 0
    assert page.run("window.hacked === undefined")
