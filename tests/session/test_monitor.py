from __future__ import annotations

from pathlib import Path

import pytest

from loopwright.drift import Baseline, Interaction, Monitor
from loopwright.errors import UserError
from tests.session.sums import Sums, events, freeze, play, task, told

MEMORY = {"memory": {"turns": 30, "tokens": 2000}}


def test_a_session_that_decays_alarms_in_the_record_and_a_steady_one_does_not(tmp_path: Path) -> None:
    name = freeze(tmp_path)
    drift = {"baseline": name}
    play(tmp_path, task(80, drift=drift), Sums())
    assert told(tmp_path, "drift_alarm") == []
    (decaying := tmp_path / "decaying").mkdir()
    play(decaying, task(80, session=MEMORY, drift={"baseline": f"../{name}"}), Sums(decay=0.03))
    alarms = told(decaying, "drift_alarm")
    assert any(alarm["worse"] and alarm["channel"] in ("C_sem", "B_length", "C_path") for alarm in alarms)
    assert all(0 <= alarm["onset"] <= alarm["at"] < 80 for alarm in alarms)
    episodes = {event.episode for event in events(decaying, "episode_started")}
    assert {name.rpartition("/")[0] for alarm in alarms for name in alarm["after"]} <= episodes
    assert {event.episode for event in events(decaying, "drift_alarm")} == {"sums:single:0:session"}


@pytest.mark.slow
def test_the_first_interactions_become_the_baseline(tmp_path: Path) -> None:
    play(tmp_path, task(210, drift={"first": 200}), Sums())
    (frozen,) = told(tmp_path, "baseline_frozen")
    assert frozen["interactions"] == 200
    file = tmp_path / "baseline.json"
    artifact = next((tmp_path / "run" / "artifacts").rglob(f"*{frozen['artifact'][4:]}"))
    file.write_bytes(artifact.read_bytes())
    assert Baseline.load(file).digest == frozen["digest"]


def test_a_monitor_that_breaks_is_told_of_and_the_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = freeze(tmp_path)
    seen: list[Interaction] = []

    def broken(self: Monitor, one: Interaction) -> list[object]:
        seen.append(one)
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(Monitor, "observe", broken)
    result = play(tmp_path, task(5, session=MEMORY, drift={"baseline": name}), Sums())
    assert result.pass_rate == 1.0
    (failed,) = told(tmp_path, "failed")
    assert (failed["error"], failed["cause"]) == ("ZeroDivisionError", "harness")
    assert "the drift monitor is off" in failed["message"]
    assert list(result.unwatched.values()) == [failed["message"]]
    assert len(seen) == 1


def test_a_monitor_that_broke_stays_off_when_the_run_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = freeze(tmp_path)
    observe, seen = Monitor.observe, 0

    def breaks(self: Monitor, one: Interaction) -> object:
        nonlocal seen
        seen += 1
        if seen == 4:
            raise ZeroDivisionError("a defect")
        return observe(self, one)

    monkeypatch.setattr(Monitor, "observe", breaks)
    wanted = task(8, session=MEMORY, drift={"baseline": name})
    play(tmp_path, wanted, Sums())
    lines = (tmp_path / "run" / "events.jsonl").read_text().splitlines(keepends=True)
    broken = next(at for at, line in enumerate(lines) if "the drift monitor is off" in line)
    (tmp_path / "run" / "events.jsonl").write_text("".join(lines[: broken + 12]))
    play(tmp_path, wanted, Sums())
    # The resumed run looks at what was looked at before, and at nothing after.
    assert seen == 4 + 4
    assert len(told(tmp_path, "failed")) == 1


def test_it_looks_every_so_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = freeze(tmp_path)
    seen: list[str] = []
    observe = Monitor.observe

    def counted(self: Monitor, one: Interaction) -> object:
        seen.append(one.id)
        return observe(self, one)

    monkeypatch.setattr(Monitor, "observe", counted)
    play(tmp_path, task(11, drift={"baseline": name, "every": 4}), Sums())
    assert len(seen) == 8


def test_a_baseline_that_is_not_there_stops_the_run_before_it_begins(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere\.json"):
        play(tmp_path, task(2, drift={"baseline": "nowhere.json"}), Sums())
