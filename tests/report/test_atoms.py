"""The table of atoms: what each edit was for, and costs that add up to the episode's."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from loopwright.models import Reply, Usage
from loopwright.record import EpisodeRecord, RunReader
from loopwright.report import AtomRow, Cost, atom_rows
from loopwright.store import CallFinished, read_run
from tests.report import samples
from tests.report.builder import RunBuilder, Turn


def record_of(folder: Path) -> EpisodeRecord:
    run = read_run(folder)
    return next(iter(RunReader(run.result).read(run.events)))


def total(rows: tuple[AtomRow, ...]) -> Cost:
    whole = Cost()
    for row in rows:
        whole = whole.plus(row.cost)
    return whole


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> EpisodeRecord:
    return record_of(samples.pictures(tmp_path_factory.mktemp("painted") / "run", episodes=1))


def test_atoms_tell_what_was_found_out_and_which_edits_were_for_them(painted: EpisodeRecord) -> None:
    cube, size, new = atom_rows(painted)
    assert (cube.name, cube.question, cube.edits) == ("cube", "Is the cube there?", (1, 2, 3, 5))
    assert [fate for _, fate in cube.fates] == ["fails", "holds", "fails", "holds", "fails", "holds"]
    assert [fate for _, fate in size.fates] == ["unasked", "fails", "unasked", "unknown", "unasked", "holds"]
    assert (size.edits, size.cost, new.name, new.edits) == ((), Cost(), "new pictures", (0, 4))


def test_costs_add_up_to_those_of_the_episode(painted: EpisodeRecord) -> None:
    rows = atom_rows(painted)
    assert [row.cost.calls for row in rows] == [4, 0, 2]
    assert [row.cost.usd for row in rows] == [Decimal("0.0040"), 0, Decimal("0.0020")]
    whole = total(rows)
    assert (whole.calls, whole.tokens, whole.usd) == (6, 6 * 600, Decimal("0.0060"))
    assert whole.seconds == pytest.approx(6 * 0.8)


def test_an_edit_for_several_atoms_counts_once_and_the_grade_apart(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run")
    said = [{"cube": "no", "size": "skipped"}, {"cube": "yes", "size": "yes"}]
    made: list[Mapping[str, Any]] = [{"operation": "generate"}, {"operation": "add", "aims": ["cube", "size"]}]
    turns = [
        Turn(float(n), parent=n - 1 if n else None, made=made[n], judged=samples.checklist(**said[n])) for n in (0, 1)
    ]
    name = run.episode(turns, finish=False)
    drawn = {"images": ["0" * 64], "model": "painter/default", "cost_usd": "0.04"}
    run.append(
        CallFinished(key="drawn", kind="image", result=drawn, seconds=2), episode=name, iteration=1, node="propose"
    )
    judged = Reply(text="", model="m", usage=Usage(input=70), cost_usd=Decimal("0.5")).model_dump(mode="json")
    run.append(
        CallFinished(key="graded", kind="model", result=judged, seconds=3), episode=name, iteration=1, node="grade"
    )
    run.append(CallFinished(key="before", kind="model", result=judged, seconds=3), episode=name, node="prepare")
    episode = record_of(run.close())
    rows = {row.name: row for row in atom_rows(episode)}
    assert rows["cube"].edits == rows["size"].edits == (1,)
    assert rows["cube"].cost == Cost(1, 1, 600, Decimal("0.0410"), 2.8)
    assert rows["size"].cost == Cost()
    assert rows["grades after the loop"].cost == Cost(0, 1, 70, Decimal("0.5"), 3)
    assert rows["checklist, and calls for no picture"].cost.tokens == 70
    assert total(tuple(rows.values())).usd == episode.spent.cost_usd


def test_an_episode_without_a_checklist_has_no_atoms(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run")
    run.episode([Turn(1.0, text="4")])
    assert atom_rows(record_of(run.close())) == ()
