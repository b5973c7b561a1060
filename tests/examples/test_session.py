"""The example of a session: an agent falls for its own mistakes, the monitor alarms, notes take their place."""

from __future__ import annotations

from pathlib import Path

import pytest

import loopwright

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_session_alarms_is_consolidated_and_recovers(tmp_path: Path) -> None:
    result = loopwright.run(ROOT / "examples" / "session" / "task.yaml", project=ROOT, out=tmp_path / "run")
    ((session, alarms),) = result.alarms.items()
    assert [(alarm.channel, alarm.worse) for alarm in alarms] == [("C_sem", True)]
    assert 220 <= alarms[0].onset <= alarms[0].at < 240
    (done,) = result.mitigations[session]
    assert (done.kind, done.why, done.undone) == ("consolidation", "alarm of C_sem", False)
    assert done.better > 10
    assert done.worse == 0
    passed = [episode.passed for episode in result]
    assert all(passed[:220])
    assert not any(passed[220 : done.at])
    assert all(passed[done.at :])
