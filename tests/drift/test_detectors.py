"""The detectors that can be chosen."""

from __future__ import annotations

import json

import pytest

from loopwright.drift import BUILTIN_DETECTORS, SCENARIOS, Baseline, DetectorName, Monitor, draw_session, run_trial
from loopwright.drift.detectors._adwin import Adwin
from loopwright.drift.detectors._cusum import Cusum, allowance, limit
from loopwright.drift.detectors._eprocess import EProcess
from loopwright.errors import UserError

CHOICES = tuple(BUILTIN_DETECTORS)


@pytest.fixture(autouse=True)
def _libraries(request: pytest.FixtureRequest) -> None:
    if "baseline" in request.fixturenames or "trial" in request.node.name:
        pytest.importorskip("river", reason="the drift extra is not installed")


@pytest.mark.parametrize("name", CHOICES)
def test_each_finds_a_turn_of_outputs_and_names_it(baseline: Baseline, name: DetectorName) -> None:
    monitor = Monitor(baseline, name)
    stream = list(draw_session(SCENARIOS["S2"], 5, length=1300).stream)[700:]
    alarms = [alarm for one in stream for alarm in monitor.observe(one)]
    assert alarms
    assert str(alarms[0].channel) == "C_sem"
    assert alarms[0].worse
    assert 300 <= alarms[0].at < 360
    # Adaptive windows are cut at bucket edges.
    assert (100 if name == "adwin" else 280) <= alarms[0].onset <= alarms[0].at


@pytest.mark.parametrize("name", CHOICES)
def test_none_alarms_where_nothing_changes(baseline: Baseline, name: DetectorName) -> None:
    monitor = Monitor(baseline, name)
    assert [
        alarm for one in draw_session(SCENARIOS["S1"], 12, length=1000).stream for alarm in monitor.observe(one)
    ] == []


@pytest.mark.parametrize("name", CHOICES)
def test_resumed_each_gives_the_same_to_the_bit(baseline: Baseline, name: DetectorName) -> None:
    stream = list(draw_session(SCENARIOS["S15"], 8, length=2400).stream)[800:]
    whole, cut = Monitor(baseline, name), Monitor(baseline, name)
    expected = [whole.observe(one) for one in stream]
    found = []
    for at, one in enumerate(stream):
        if at % 397 == 0:
            cut = Monitor.restore(baseline, json.loads(json.dumps(cut.checkpoint())))
        found.append(cut.observe(one))
    assert found == expected
    assert any(expected)
    assert cut.detector == name
    assert json.dumps(cut.checkpoint()) == json.dumps(whole.checkpoint())


def test_another_name_is_refused(baseline: Baseline) -> None:
    with pytest.raises(UserError, match="nothing named 'magic' among the detectors") as raised:
        Monitor(baseline, "magic")
    assert all(name in raised.value.remedy for name in CHOICES)


def test_a_sum_takes_off_what_the_baseline_leaves_open() -> None:
    assert [allowance(n) for n in (20, 200, 500)] == pytest.approx([0.585, 0.356, 0.317], abs=1e-3)


def test_rarer_alarms_and_longer_sessions_ask_for_higher_sums(baseline: Baseline) -> None:
    pytest.importorskip("numpy", reason="the drift extra is not installed")
    level = baseline.levels["B_length"]
    usual = limit(level, 0.01, 3000)
    assert limit(level, 0.001, 3000) > usual
    assert limit(level, 0.01, 30_000) > usual > limit(level, 0.01, 300)


def test_a_sum_counts_since_it_was_last_zero(baseline: Baseline) -> None:
    level = baseline.levels["B_length"]
    cusum = Cusum(level, 5.0)
    steps = [0.0, 0.0, -1.0, 2.0, 2.0, 2.0, 2.0]
    findings = [cusum.update(value, place) for place, value in enumerate(steps)]
    found = findings[5]
    assert findings[:5] == [None] * 5
    assert found is not None
    assert (found.up, found.window, found.onset) == (True, 3, 3)
    assert found.shift == pytest.approx(2.0)


def test_adaptive_windows_begin_with_the_baseline(baseline: Baseline) -> None:
    pytest.importorskip("river", reason="the drift extra is not installed")
    level = baseline.levels["I_agree"]
    window = Adwin(level, 0.002)
    findings = [window.update((1.0 - level.means["triage"]) / level.sd, place) for place in range(100)]
    assert any(finding is not None and finding.up for finding in findings)


def test_evidence_without_end_needs_more_than_chance(baseline: Baseline) -> None:
    level = baseline.levels["B_length"]
    process = EProcess(level, 0.001, 0.7)
    assert [process.update(value, place) for place, value in enumerate(level.values)] == [None] * len(level.values)
    found = [process.update(value + 1.0, 1000 + place) for place, value in enumerate(level.values[:200])]
    first = next(finding for finding in found if finding is not None)
    assert first.up
    assert 960 <= first.onset <= 1030
    assert first.shift == pytest.approx(1.0, abs=0.4)


def test_a_trial_takes_a_detector() -> None:
    pytest.importorskip("numpy", reason="the drift extra is not installed")
    assert run_trial(SCENARIOS["S2"], 3, detector="cusum").delay is not None
