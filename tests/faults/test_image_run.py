"""A crash in a run of pictures: no recorded picture is paid twice, none is lost, and the answers are the same."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from loopwright.store import read_run
from tests.faults.image_workload import start
from tests.faults.table import proves
from tests.faults.test_kill_run import lines, paid
from tests.faults.workload import outcome


def pictures(folder: Path) -> int:
    """How many calls for pictures are in the record with their results."""
    if not (folder / "run" / "run.json").exists():
        return 0
    events = [event.data for event in read_run(folder / "run").events]
    return sum(event.type == "call_finished" and event.kind == "image" and not event.failure for event in events)


def whole_run(folder: Path) -> list[tuple[object, ...]]:
    folder.mkdir()
    return outcome(asyncio.run(start(folder).execute()))


@proves(
    "a run of pictures, cut off behind any event",
    "the same pictures, verdicts and audits; 0 recorded pictures drawn again",
)
def test_a_run_of_pictures_cut_off_after_any_event_comes_to_the_same_end(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    expected = whole_run(whole)
    events, bill = lines(whole), len(paid(whole))
    assert bill == pictures(whole) > 4
    for length in range(1, len(events)):
        folder = tmp_path / f"cut{length}"
        (folder / "run").mkdir(parents=True)
        shutil.copytree(whole / "run" / "artifacts", folder / "run" / "artifacts")
        (folder / "run" / "run.json").write_bytes((whole / "run" / "run.json").read_bytes())
        (folder / "run" / "events.jsonl").write_text("".join(line + "\n" for line in events[:length]))
        known = pictures(folder)
        assert outcome(asyncio.run(start(folder).execute())) == expected, events[length - 1]
        assert len(paid(folder)) == bill - known
