"""The list of episodes and the totals before the whole record is read: the same as afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loopwright.store import EpisodeStarted, RunResumed, RunSteered, read_run
from loopwright.store._codec import encode
from loopwright.view import FollowedRun, _followed
from tests.report import samples
from tests.report.builder import RunBuilder, Turn

_LATER = ("pictures", "edited")
"""Of a row, what its beginning and its end do not tell."""
_COUNTED = ("planned", "done", "scored", "passed", "failures", "finished", "paused")


def rows(index: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        row["id"]: {name: value for name, value in row.items() if name not in _LATER}
        for row in index["episodes"]
        if row["status"] != "unfinished"
    }


def outlined(folder: Path, monkeypatch: pytest.MonkeyPatch) -> FollowedRun:
    """A run of which nothing was read but the outline, and perhaps one event."""
    run = FollowedRun(folder)
    with monkeypatch.context() as patched:
        patched.setattr(_followed, "_LOOK", -1.0)
        assert run.index("", 0)["episodes"] == []
        while run.state()["episodes"] == 0:
            assert run.look()
    assert run.state()["read"] < 1
    return run


def tried_again(folder: Path) -> None:
    run = RunBuilder(folder, episodes=5, variants=("refine", "single"))
    full = {"cause": "budget", "error": "BudgetExceeded", "message": "a long reason, told again " * 20}
    for name in ("scored", "anew", "behind"):
        run.episode([Turn(1.0, decision="stop", rule="all_passed")], instance=name, variant="single")
    for name in ("failed", "again"):
        run.episode([Turn(0.0), Turn(0.0, parent=0)], instance=name, failed=full)
    run.append(RunResumed(loopwright="0.1.0", budget={"usd": 3}))
    run.append(RunSteered(action="pause", by="ctl"))
    started = {"task": "sums", "variant": "refine", "repeat": 0, "goal": "", "strategy": "refine", "models": {}}
    run.append(EpisodeStarted(**started, seed=1, instance="again"), episode="sums.again:refine:0")
    anew = {**started, "variant": "single"}
    run.append(EpisodeStarted(**anew, seed=1, instance="anew"), episode="sums.anew:single:0")
    run.episode([Turn(0.5)], instance="under-way", finish=False)
    run.close(None)


MADE = {
    "study": samples.study,
    "long_names": samples.long_names,
    "pictures": samples.pictures,
    "hostile": samples.hostile,
    "tried_again": tried_again,
}


@pytest.mark.parametrize("made", MADE)
def test_rows_and_totals_are_those_of_the_whole_record(
    made: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    MADE[made](tmp_path / "run")
    run = outlined(tmp_path / "run", monkeypatch)
    early, told = run.index("", 0), run.state()
    while run.look():
        pass
    now = run.state()
    whole = run.index("", 0)
    assert rows(early) == rows(whole)
    assert early["variants"] == whole["variants"]
    assert {name: told[name] for name in _COUNTED} == {name: now[name] for name in _COUNTED}
    assert [cap["amount"] for cap in told["caps"]] == [cap["amount"] for cap in now["caps"]]
    if not now["underway"] and made != "tried_again":
        assert [told[name] for name in ("calls", "tokens", "cost")] == [
            now[name] for name in ("calls", "tokens", "cost")
        ]
    # Whoever has the outline gets all that was read since, and afterwards only what is new.
    since = run.index(early["reader"], early["version"])
    assert rows(since) == rows(whole)
    assert run.index(early["reader"], since["version"])["episodes"] == []


def test_an_episode_that_ends_meanwhile_is_in_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live = RunBuilder(tmp_path / "run", episodes=3)
    live.episode([Turn(1.0)], instance="first")
    run = outlined(tmp_path / "run", monkeypatch)
    live.episode([Turn(1.0)], instance="second")
    monkeypatch.setattr(_followed, "_LOOK", -1.0)
    while len(run.index("", 0)["episodes"]) < 2:
        assert run.look()
    assert (run.state()["read"] < 1, run.state()["done"]) == (True, 2)
    live.close()


def take(run: FollowedRun, page: dict[str, Any]) -> None:
    """Asks for what changed, and puts it in place, as a page does."""
    found = run.index(page.get("reader", ""), page.get("version", 0))
    page["rows"] = {**page.get("rows", {}), **{row["id"]: row for row in found["episodes"]}}
    page |= {"reader": found["reader"], "version": found["version"]}


@pytest.mark.parametrize("made", MADE)
def test_no_row_goes_back_while_the_record_is_read(made: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    MADE[made](tmp_path / "run")
    run = outlined(tmp_path / "run", monkeypatch)
    page: dict[str, Any] = {}
    take(run, page)
    first = {name: row["status"] for name, row in page["rows"].items()}
    with monkeypatch.context() as patched:
        patched.setattr(_followed, "_LOOK", -1.0)
        patched.setattr(_followed, "_PAUSE", 0.0)
        while run.look():
            for asks in (page, {}):
                run.state()
                take(run, asks)
                assert {name: row["status"] for name, row in asks["rows"].items() if name in first} == first
    run._page.refresh()
    take(run, page)
    assert page["rows"] == {row["id"]: row for row in run.index("", 0)["episodes"]}


def test_an_episode_that_ends_meanwhile_reaches_an_open_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live = RunBuilder(tmp_path / "run", episodes=3)
    live.episode([Turn(1.0)], instance="first")
    live.episode([Turn(0.0)], instance="again", failed={"cause": "budget", "error": "BudgetExceeded", "message": "x"})
    run = outlined(tmp_path / "run", monkeypatch)
    page: dict[str, Any] = {}
    take(run, page)
    assert page["version"] > 0
    live.episode([Turn(1.0)], instance="second")
    live.episode([Turn(1.0)], instance="again")
    monkeypatch.setattr(_followed, "_LOOK", -1.0)
    while run.state()["done"] < 3 or run.state()["scored"] < 3:
        assert run.look()
    take(run, page)
    assert run.state()["read"] < 1
    assert sorted((row["unit"], row["status"]) for row in page["rows"].values()) == [
        ("sums/again", "scored"),
        ("sums/first", "scored"),
        ("sums/second", "scored"),
    ]
    live.close()


def test_an_end_that_somebody_made_up_is_left_to_whoever_reads_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = samples.study(tmp_path / "run")
    lines = (folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    last = next(i for i, line in enumerate(lines) if b'"data":{"type":"episode_finished"' in line)
    line = json.loads(lines[last])
    del line["crc"]
    line["data"]["status"] = "made up"
    # The checksum is right: whoever makes up a line knows how it is made.
    lines[last] = encode(line, read_run(folder).manifest.id)
    (folder / "events.jsonl").write_bytes(b"".join(lines))
    shown = rows(outlined(folder, monkeypatch).index("", 0))
    assert (len(shown), line["episode"] in shown) == (40, False)
