"""The HTML report in a real browser: keyboard, phone, dark, ten thousand events, and hostile words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from loopwright.drift import SCENARIOS, Baseline, draw_session, review
from loopwright.report import RunSummary, compare_variants, render_comparison, render_drift, render_html, summarize_run
from tests.report import browser, samples
from tests.report.builder import RunBuilder, Turn

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(browser.find() is None, reason=f"none of {', '.join(browser.PROGRAMS)} is installed"),
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = tmp_path_factory.mktemp("reports")
    folders = {}
    for name in ("study", "hostile", "large", "pictures"):
        folders[name] = getattr(samples, name)(made / name)
        (made / f"{name}.html").write_text(render_html(folders[name]), "utf-8")
    return folders


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Page]:
    with browser.Page(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def page(shared: browser.Page) -> Iterator[browser.Page]:
    """The browser's page; at the end it must have nothing to complain about."""
    shared.complaints.clear()
    shared.screen(1280, 900)
    yield shared
    assert shared.complaints == []


def url(folders: dict[str, Path], name: str, fragment: str = "") -> str:
    return folders[name].with_suffix(".html").as_uri() + fragment


def expected(summary: RunSummary, *, variant: str) -> int:
    return sum(row.passed is True for row in summary.episodes if row.variant == variant)


def unfold(page: browser.Page) -> None:
    """Opens the parts of calls, which are made when they are opened."""
    page.run("document.querySelectorAll('#episode .fold').forEach((part) => { part.open = true })")
    page.settle(
        "[...document.querySelectorAll('#episode .fold')].every((part) => part.childNodes.length > 1 || !part.open)"
    )


def heading(page: browser.Page) -> object:
    return page.run("document.querySelector('#episode h1')?.textContent ?? null")


def test_ten_thousand_events_by_keyboard(page: browser.Page, folders: dict[str, Path]) -> None:
    summary = summarize_run(folders["large"])
    page.open(url(folders, "large"))
    rows = "document.querySelectorAll('#list tbody tr').length"
    assert (folders["large"] / "events.jsonl").read_text().count("\n") >= 10_000
    assert page.run(rows) == 200, "rows beyond the first screens are drawn when they are scrolled to"

    page.press("j", "j", "j", "k")
    current = page.run("document.querySelector('#list tr.current a').textContent")
    page.press("Enter")
    assert heading(page) == current
    assert page.run("location.hash").startswith("#episode/")
    page.press("j")
    assert heading(page) not in (None, current)
    page.press("ArrowLeft")
    assert heading(page) == current
    page.press("Escape")
    assert heading(page) is None
    assert page.run("document.activeElement.closest('tr').classList.contains('current')")

    page.press("/", *"single passed", "Enter")
    passed = expected(summary, variant="single")
    assert page.run("document.getElementById('shown').textContent") == f"{passed} of {len(summary.episodes)} episodes"
    assert page.run(rows) == min(200, passed)
    page.press("Enter")
    assert page.run("document.querySelector('#episode .abstract b').textContent") == "Passed"
    assert page.run("document.querySelector('#episode .crumbs span').textContent") == f"1 of {passed}"


def test_outcomes_are_words_of_the_filter(page: browser.Page, folders: dict[str, Path]) -> None:
    """`passed` means the outcome, not the stop rule `all_passed`; `not passed` means neither passed nor failed."""
    rows = summarize_run(folders["study"]).episodes
    page.open(url(folders, "study"))
    for text, wanted in (
        ("passed", sum(row.passed is True for row in rows)),
        ("not passed", sum(row.passed is False for row in rows)),
        ("failed", 1),
        ("unfinished refine", 1),
        ("all_pass", sum(row.rule == "all_passed" for row in rows)),
        ("nested-03", 3),
        ("no such", 0),
    ):
        page.press("/", *text)
        assert page.run("document.querySelectorAll('#list tbody tr').length") == wanted, text
        page.press("Escape", "Escape")


def test_columns_sort_both_ways(page: browser.Page, folders: dict[str, Path]) -> None:
    page.open(url(folders, "study"))
    scores = "[...document.querySelectorAll('#list tbody td:nth-child(4)')].map((cell) => cell.textContent)"
    for order in (True, False):
        page.run("document.querySelector('#list th:nth-child(4) button').click()")
        shown = [-1.0 if score == "-" else float(score) for score in page.run(scores)]
        assert shown == sorted(shown, reverse=order)
        assert len(set(shown)) > 3


def test_the_list_grows_as_it_is_scrolled(page: browser.Page, folders: dict[str, Path]) -> None:
    page.open(url(folders, "large"))
    page.run("document.querySelector('#list tbody tr:last-child').scrollIntoView()")
    page.settle("document.querySelectorAll('#list tbody tr').length > 200")


def test_iterations_are_rendered_when_they_are_opened(page: browser.Page, folders: dict[str, Path]) -> None:
    page.open(url(folders, "large", "#episode/sums.long%3Arefine%3A0"))
    assert page.run("document.querySelectorAll('details.turn').length") == 200
    written = "[...document.querySelectorAll('details.turn .body')].filter((body) => body.childNodes.length).length"
    assert page.run(written) == 1, "the answer's alone"
    page.run("document.querySelector('#turn-7 summary').click()")
    page.settle(f"{written} === 2")
    assert "Sandbox output" in page.run("document.querySelector('#turn-7 .body').textContent")


def test_an_episode_shows_what_happened(page: browser.Page, folders: dict[str, Path]) -> None:
    page.open(url(folders, "study", "#episode/sums.nested-01%3Arefine%3A0"))
    page.run("document.querySelectorAll('details.turn').forEach((turn) => { turn.open = true })")
    page.settle("document.querySelector('#turn-0 .body').childNodes.length")
    text = page.run("document.getElementById('turn-1').textContent")
    for part in ("changes from iteration 0", "1 failed, 1 passed", "Grade, score", "Descend into items", "regression"):
        assert part in text
    added = page.run("document.querySelector('#turn-1 .diff .add').textContent")
    assert added == "        if isinstance(item, list):"
    assert page.run("document.querySelectorAll('.chart .node').length") == 6, "the tree, since it went back"
    assert page.run("document.querySelectorAll('.chart .node.answer').length") == 1
    assert "not in force: cpu" in page.run("document.getElementById('episode').textContent")


def test_differences_rebuild_both_sides(page: browser.Page, folders: dict[str, Path]) -> None:
    """The edits shown for each file of each iteration, read back from the page, are its parent and itself."""
    page.open(url(folders, "study", "#episode/sums.nested-01%3Arefine%3A0"))
    page.run("document.querySelectorAll('details.turn').forEach((turn) => { turn.open = true })")
    page.settle("document.querySelector('#turn-5 .body').childNodes.length")
    page.run("document.querySelectorAll('.diff button').forEach((fold) => fold.click())")
    shown = page.run(
        "[...document.querySelectorAll('#turn-4 .diff > div')].map((line) => [line.className, line.textContent])"
    )
    before = "".join(line + "\n" for kind, line in shown if kind != "add")
    after = "".join(line + "\n" for kind, line in shown if kind != "del")
    assert (before, after) == (samples.DRAFTS[0], samples.DRAFTS[1])


@pytest.mark.parametrize("name", ["study", "hostile", "large"])
@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_never_scrolls_sideways(page: browser.Page, folders: dict[str, Path], name: str, dark: bool) -> None:
    page.screen(360, 740, dark=dark)
    page.open(url(folders, name))
    width = "document.documentElement.scrollWidth"
    assert page.run(width) == 360
    page.run("document.querySelector('#list a').click()")
    page.settle("!document.getElementById('episode').hidden")
    page.run("document.querySelectorAll('#episode details').forEach((turn) => { turn.open = true })")
    page.settle()
    assert page.run(width) == 360


def test_long_names_of_variants_leave_all_columns_in_view(page: browser.Page, tmp_path: Path) -> None:
    folder = samples.long_names(tmp_path / "long")
    tables = "[...document.querySelectorAll('.scroll')].filter((one) => one.scrollWidth > one.clientWidth).length"
    styles = "[...document.querySelectorAll('.entry')].map((one) => getComputedStyle(one).display)"
    apart = f"{styles}.filter((one) => one !== 'inline-flex').length"
    for name, html in (("report", render_html(folder)), ("compare", render_comparison(compare_variants(folder)))):
        (tmp_path / f"{name}.html").write_text(html, "utf-8")
        page.open((tmp_path / f"{name}.html").as_uri())
        assert page.run(tables) == 0, name
        assert page.run(apart) == 0, name


@pytest.mark.parametrize("name", ["study", "hostile"])
def test_variants_of_an_instance_lie_side_by_side(page: browser.Page, folders: dict[str, Path], name: str) -> None:
    page.open(url(folders, name))
    page.run("document.querySelector('#matrix tbody a').focus()")
    page.press("Enter")
    page.settle("document.querySelector('.variant')")
    variants = page.run("[...document.querySelectorAll('.variant > h2')].map((one) => one.textContent)")
    assert len(variants) == (3 if name == "study" else 1)
    tops = (
        "[...new Set([...document.querySelectorAll('.variant')].map((one) => one.getBoundingClientRect().top))].length"
    )
    width = "document.documentElement.scrollWidth <= innerWidth"
    assert page.run(tops) == 1
    assert page.run(width)
    page.screen(390, 800)
    page.run("document.querySelectorAll('#episode details').forEach((part) => { part.open = true })")
    page.settle("[...document.querySelectorAll('details.turn .body')].every((body) => body.childNodes.length)")
    unfold(page)
    assert page.run(tops) == len(variants), "one below the other on a phone"
    assert page.run("document.documentElement.scrollWidth") == 390
    page.press("Escape")
    assert page.run("document.getElementById('overview').hidden") is False


def test_each_variant_beside_the_others_tells_what_its_own_page_tells(
    page: browser.Page, folders: dict[str, Path]
) -> None:
    page.open(url(folders, "study", "#instance/sums%2Fnested-01"))
    column = (
        "[...document.querySelectorAll('.variant')].find((one) => one.querySelector('h2').textContent === 'refine')"
    )
    beside = page.run(f"{column}.querySelector('p').textContent")
    assert page.run(f"{column}.querySelectorAll('details.turn').length") == 6
    answer = "\n".join(page.run(f"[...{column}.querySelectorAll('.out')].map((one) => one.textContent)"))
    assert "assert total([29]) == 29" in answer, "the candidate as it is, and not its changes"
    page.run(f"{column}.querySelector('h2 a').click()")
    page.settle("document.querySelector('#episode .abstract')")
    assert page.run("document.querySelector('#episode .abstract').textContent") == beside
    page.press("ArrowRight")
    page.run("document.querySelector('.crumbs a[href^=\"#instance\"]').click()")
    page.settle("document.querySelector('.variant')")
    assert heading(page) == "sums/nested-02"


def test_an_iteration_shows_its_calls(page: browser.Page, folders: dict[str, Path]) -> None:
    """Prompt with its changes, reasoning folded, reply, and what a reader must know about the call."""
    page.open(url(folders, "study", "#episode/sums.nested-01%3Arefine%3A0"))
    page.run("document.querySelectorAll('details.turn').forEach((turn) => { turn.open = true })")
    page.settle("document.querySelector('#turn-5 .body').childNodes.length")
    call = "document.querySelector('#turn-{} .call')"
    parts = f"[...{call.format(3)}.querySelectorAll(':scope > details')]"
    folds = f"{parts}.map((part) => [part.firstChild.textContent, part.open])"
    assert page.run(folds) == [["Prompt, 2 messages", False], ["Reasoning", False], ["Reply", False]]
    unfold(page)
    told = page.run(f"{call.format(3)}.textContent")
    for part in ("Proposer asks scripted/one", "temperature 0.7", " in · ", " out · ", "cut at the token limit"):
        assert part in told
    assert "system as in iteration 2" in told
    assert "user changes from iteration 2" in told
    assert "Here is the module." in told
    assert "Try 1 failed: ModelUnavailable, tried again503 from the server" in page.run(f"{call.format(2)}.textContent")


@pytest.mark.parametrize("dark", [False, True])
def test_charts_name_their_lines_and_can_be_read_on_a_phone(
    page: browser.Page, folders: dict[str, Path], dark: bool
) -> None:
    page.screen(390, 800, dark=dark)
    page.open(url(folders, "study"))
    assert page.run("document.documentElement.scrollWidth") == 390
    assert page.run("document.querySelectorAll('.named .plot').length") == 2, "by iteration, and by cost"
    names = "[...document.querySelectorAll('.named:first-of-type figcaption bdi')].map((one) => one.textContent)"
    assert page.run(names)[:3] == ["single", "best_of_n", "refine"]
    height = "document.querySelector('.named .plot text').getBoundingClientRect().height"
    assert page.run(height) > 9, "CSS pixels"


@pytest.mark.parametrize("length", [40, 1100])
def test_the_drift_page_fits_a_phone(page: browser.Page, length: int, tmp_path: Path) -> None:
    baseline = Baseline.freeze(list(draw_session(SCENARIOS["S1"], 7, length=400).stream))
    found = review(baseline, list(draw_session(SCENARIOS["S2"], 1, length=1100).stream)[:length])
    (tmp_path / "drift.html").write_text(render_drift(found, "<b>Drift</b> of one session"), "utf-8")
    page.screen(360, 740)
    page.open((tmp_path / "drift.html").as_uri())
    assert page.run("document.documentElement.scrollWidth") == 360
    assert page.run("document.querySelector('h1').textContent") == "<b>Drift</b> of one session"
    assert page.run("document.querySelectorAll('.plot').length") == (13 if length > 50 else 0)


def test_light_and_dark(page: browser.Page, folders: dict[str, Path]) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    page.screen(1280, 900, dark=True)
    page.open(url(folders, "study"))
    assert page.run(ground) == "rgb(21, 23, 26)"
    assert page.run("document.getElementById('theme').textContent") == "Light"
    page.run("document.getElementById('theme').click()")
    assert page.run(ground) == "rgb(255, 255, 255)"
    page.run("document.getElementById('theme').click()")
    assert page.run(ground) == "rgb(21, 23, 26)"
    page.run("localStorage.clear()")


def test_hostile_words_stay_words(page: browser.Page, folders: dict[str, Path]) -> None:
    page.open(url(folders, "hostile"))
    title = page.run("document.title")
    for _ in range(3):
        page.press("j", "Enter")
        page.run("document.querySelectorAll('#episode details').forEach((turn) => { turn.open = true })")
        page.settle()
        assert page.run("document.querySelectorAll('img, #episode script').length") == 0
        page.press("Escape")
    assert page.run("document.title") == title
    page.press("/", *"constructor", "Enter", "Enter")
    page.run("document.querySelectorAll('#episode details').forEach((turn) => { turn.open = true })")
    page.settle("document.querySelector('#turn-0 .body').childNodes.length")
    paths = page.run("[...document.querySelectorAll('#turn-1 .path')].map((path) => path.textContent)")
    assert set(paths) > set(samples.PROTOTYPE)
    critique = page.run("document.querySelector('#turn-0 blockquote').textContent")
    assert samples.EVIL[0] in critique
    assert "\\u202egnp.exe \\u2066hidden\\u2069 \\x1b[31mred\\x00\\x07" in critique
    assert "\\ud800 lone \\udfff" in critique
    assert samples.EVIL[5] in critique


FLOODS = {
    "controls": "\u202e" * 130_000,
    "controls between letters": "a\u202e" * 65_000,
    "marks on a letter": "e" + "\u0301" * 40_000,
    "lines": "\n" * 130_000,
}
"""Of more parts than a call takes arguments, each of them an element, or of marks that are laid out together."""


@pytest.mark.parametrize("kind", FLOODS)
def test_a_text_of_very_many_parts_is_shown(page: browser.Page, tmp_path: Path, kind: str) -> None:
    flood = FLOODS[kind]
    run = RunBuilder(tmp_path / "flood")
    turns = (Turn(0.5, text=flood), Turn(1.0, text="b", parent=0, decision="stop"))
    run.episode(turns, instance="flood", goal=flood)
    run.close()
    (tmp_path / "flood.html").write_text(render_html(run.folder))
    page.open((tmp_path / "flood.html").as_uri())
    page.press("j", "Enter")
    page.settle("document.querySelector('#episode h1')")
    page.run("document.querySelectorAll('#turn-1').forEach((part) => { part.open = true })")
    page.settle("document.querySelector('#turn-1 .diff .add')")
    assert page.run("document.querySelectorAll('#turn-1 .diff .del').length") == max(1, flood.count("\n"))
    # All of the text is there, what would act on the page spelt out.
    shown = str(page.run("document.querySelector('#episode .goal').textContent"))
    spelt = {
        "controls": r"\u202e" * 130_000,
        "controls between letters": r"a\u202e" * 65_000,
        "marks on a letter": "e" + "\u0301" * 16 + r"\u0301" * (40_000 - 16),
    }
    assert shown == spelt.get(kind, flood)


def test_the_policy_stops_what_slips_through(page: browser.Page, folders: dict[str, Path]) -> None:
    page.open(url(folders, "study"))
    attempt = (
        "const script = document.createElement('script'); script.textContent = 'window.owned = 1';"
        "document.body.append(script); document.body.insertAdjacentHTML('beforeend', "
        '\'<img src="https://example.invalid/x.png" onerror="window.owned = 2"><p style="color: red">x</p>\');'
    )
    page.run(attempt)
    page.settle()
    assert page.run("window.owned ?? null") is None
    told = json.dumps(page.complaints)
    assert all(word in told for word in ("script-src", "img-src", "style-src")), "each was refused by the policy"
    page.complaints.clear()


def test_a_contact_sheet_shows_streams_marks_and_the_answer(folders: dict[str, Path], page: browser.Page) -> None:
    page.open(url(folders, "pictures"))
    page.settle("[...document.querySelectorAll('.sheet img')].every((image) => image.complete)")
    assert page.run("document.querySelectorAll('.sheet').length") == 2
    assert page.run("[...document.querySelectorAll('.sheet img')].every((image) => image.naturalWidth === 64)")
    sheet = "document.querySelector('.sheet')"
    rows = page.run(f"[...{sheet}.querySelectorAll('.stream')].map((row) => row.querySelectorAll('.card').length)")
    assert rows == [4, 2]
    cards = page.run(f"[...{sheet}.querySelectorAll('.card')].map((card) => card.className)")
    assert cards == ["card", "card edit", "card back edit", "card back", "card", "card answer edit"]
    marks = page.run(f"[...{sheet}.querySelectorAll('[role=img]')].map((mark) => mark.getAttribute('aria-label'))")
    assert marks[:2] == ["Is the cube there?: fails", "Is the size there?: not asked"]
    assert marks[7] == "Is the size there?: not known"
    answer = page.run(f"{sheet}.querySelector('.answer').innerText").split("\n")
    assert [line for line in answer if line in ("claimed", "graded")] == ["claimed", "graded"]
    assert "for cube" in answer, "the card names the atom that its edit was for"
    assert page.run("document.querySelector('#pictures .legend').innerText").count("edits that go back to it") == 1


def test_the_table_of_atoms_names_edits_and_their_cost(folders: dict[str, Path], page: browser.Page) -> None:
    page.open(url(folders, "pictures", "#episode/" + quote("cubes.cube-000:streams:0", safe="")))
    table = "document.querySelector('#episode [aria-label=\"Atoms of the checklist\"]')"
    rows = page.run(
        f"[...{table}.querySelectorAll('tbody tr')].map((row) => [...row.cells].map((one) => one.innerText))"
    )
    assert [row[3:] for row in rows] == [
        ["1, 2, 3, 5", "", "4", "2.4k", "$0.0040", "3.2 s"],
        ["", "", "", "", "", ""],
        ["0, 4", "", "2", "1.2k", "$0.0020", "1.6 s"],
    ]
    page.run(f"{table}.querySelectorAll('a')[1].click()")
    assert page.run("document.querySelector('#turn-2').open")


def test_an_episode_shows_the_picture_before_its_edit_and_the_mask(
    folders: dict[str, Path], page: browser.Page
) -> None:
    page.open(url(folders, "pictures", "#episode/" + quote("cubes.cube-000:streams:0", safe="")))
    page.run("document.querySelectorAll('#episode .card a')[1].click()")
    page.settle("document.querySelector('#turn-1 img')")
    captions = page.run("[...document.querySelectorAll('#turn-1 figcaption')].map((one) => one.textContent)")
    assert captions == ["iteration 0", "picture", "mask"]
    assert "add \u00b7 for cube \u00b7 by painter/default" in page.run("document.querySelector('#turn-1').innerText")
