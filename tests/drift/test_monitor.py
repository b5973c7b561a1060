from __future__ import annotations

import json
import math
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from loopwright.drift import (
    SCENARIOS,
    Baseline,
    Channel,
    DriftAlarm,
    Injection,
    Interaction,
    Monitor,
    Simulator,
    ToolCall,
    draw_session,
)
from loopwright.errors import UserError


def alarms_of(monitor: Monitor, stream: Any) -> list[DriftAlarm]:
    return [alarm for one in stream for alarm in monitor.observe(one)]


@pytest.mark.parametrize("name", ["S2", "S6", "S7", "S9", "S11", "S13"])
def test_an_alarm_names_the_channel_and_the_onset(name: str) -> None:
    scenario = SCENARIOS[name]
    session = draw_session(scenario, 3, length=2500)
    after = [
        alarm for alarm in alarms_of(Monitor(Baseline.freeze(session.baseline)), session.stream) if alarm.at >= 1000
    ]
    assert after[0].channel in scenario.channels
    assert after[0].worse
    assert 850 <= after[0].onset <= after[0].at < 2000
    assert str(after[0].at) in str(after[0])


@pytest.mark.parametrize("name", ["S1", "seasonal", "burst", "ar1"])
def test_no_alarm_without_drift(name: str) -> None:
    session = draw_session(SCENARIOS[name], 12)
    assert alarms_of(Monitor(Baseline.freeze(session.baseline)), session.stream) == []


def test_a_drift_that_lasts_is_told_again_and_not_at_every_turn() -> None:
    session = draw_session(SCENARIOS["S2"], 3)
    alarms = alarms_of(Monitor(Baseline.freeze(session.baseline)), session.stream)
    assert 5 <= len(alarms) <= 12


def test_examples_are_from_before_and_after() -> None:
    session = draw_session(SCENARIOS["S2"], 3, length=1100)
    first = alarms_of(Monitor(Baseline.freeze(session.baseline)), session.stream)[0]
    # Interactions are numbered through; the session follows a baseline of 1,000.
    assert int(first.before[-1]) <= 2001 <= int(first.after[-1])
    assert first.after[-1] == str(first.at + 1001)


def test_the_index_stays_in_its_band_and_falls_with_drift(baseline: Baseline) -> None:
    healthy, turned = Monitor(baseline), Monitor(baseline)
    alarms_of(healthy, draw_session(SCENARIOS["S1"], 5, length=500).stream)
    alarms_of(turned, list(draw_session(SCENARIOS["S2"], 5, length=1500).stream)[1000:])
    assert healthy.index is not None
    assert healthy.index.value is not None
    assert healthy.index.value > baseline.bands["index"].low()
    assert healthy.index.coverage == pytest.approx(1.0)
    assert turned.index is not None
    assert turned.index.scores[Channel.C_SEM] < baseline.bands[Channel.C_SEM].low()


def test_a_resumed_monitor_gives_the_same_to_the_bit(baseline: Baseline) -> None:
    stream = list(draw_session(SCENARIOS["S15"], 8).stream)
    whole, cut = Monitor(baseline), Monitor(baseline)
    expected = [whole.observe(one) for one in stream]
    found = []
    for at, one in enumerate(stream):
        if at % 397 == 0:
            cut = Monitor.restore(baseline, json.loads(json.dumps(cut.checkpoint())))
        found.append(cut.observe(one))
    assert found == expected
    assert any(expected)
    assert json.dumps(cut.checkpoint()) == json.dumps(whole.checkpoint())
    assert cut.index == whole.index


def test_a_checkpoint_of_another_baseline_is_refused(baseline: Baseline) -> None:
    checkpoint = {**Monitor(baseline).checkpoint(), "baseline": "0"}
    with pytest.raises(UserError, match="another baseline"):
        Monitor.restore(baseline, checkpoint)


def test_duplicates_and_clocks_are_counted(baseline: Baseline) -> None:
    monitor = Monitor(baseline)
    for one in (Interaction(id="a", time="2026-01-02"), Interaction(id="a"), Interaction(id="b", time="2026-01-01")):
        monitor.observe(one)
    assert (monitor.counts.seen, monitor.counts.duplicates, monitor.counts.backwards) == (2, 1, 1)


def test_a_baseline_counts_what_was_delivered_again_once(observations: tuple[Interaction, ...]) -> None:
    assert Baseline.freeze([*observations, *observations]).digest == Baseline.freeze(observations).digest
    with pytest.raises(UserError, match="there are 1, each id counted once"):
        Baseline.freeze([observations[0]] * 300)


def test_numbers_beyond_floats_break_no_monitor_and_no_baseline(observations: tuple[Interaction, ...]) -> None:
    huge = Interaction(
        output="x", messages=10**400, length=10**400, tools=(ToolCall("sql", {"rows": 10**400, "all": [10**5000]}),)
    )
    usual = [replace(one, tools=(ToolCall("sql", {"rows": number % 9}),)) for number, one in enumerate(observations)]
    monitor = Monitor(Baseline.freeze([*usual, huge]))
    for _ in range(300):
        monitor.observe(huge)
    assert monitor.counts.malformed == 900


def test_values_that_cannot_be_are_dropped_and_counted(baseline: Baseline) -> None:
    monitor = Monitor(baseline)
    wrong = Interaction(confidence=math.nan, correct=True, length=-4, messages=10**12, embedding=(math.inf,) * 16)
    for _ in range(200):
        assert monitor.observe(wrong) == ()
    assert monitor.counts.malformed == 800
    assert monitor.index is not None
    assert monitor.index.coverage == 0


def test_state_is_bounded_whatever_comes(baseline: Baseline) -> None:
    monitor = Monitor(baseline)
    for number in range(5000):
        call = ToolCall(f"tool {number}", {f"param {number}": number})
        monitor.observe(
            Interaction(
                id=str(number), task=f"task {number}", agent=str(number), tools=(call,), error=f"e{number} {number:x}"
            )
        )
    size = len(json.dumps(monitor.checkpoint()))
    for number in range(5000, 10_000):
        monitor.observe(Interaction(id=str(number), tools=(ToolCall(f"tool {number}"),), error=f"e {number:b}"))
    assert len(json.dumps(monitor.checkpoint())) < 1.2 * size


@pytest.mark.slow
def test_a_million_tools_leave_the_state_as_it_is(baseline: Baseline) -> None:
    monitor = Monitor(baseline)
    sizes = []
    for number in range(20_000):
        tools = tuple(ToolCall(f"tool {number} {call}", {f"p{call}": number}) for call in range(50))
        monitor.observe(Interaction(task=f"task {number}", tools=tools))
        if number % 10_000 == 9_999:
            sizes.append(len(json.dumps(monitor.checkpoint())))
    assert sizes[1] < 1.1 * sizes[0] < 2_000_000


def test_an_outage_of_ten_is_set_aside_and_one_that_lasts_is_not(baseline: Baseline) -> None:
    def odd(count: int) -> list[Interaction]:
        return [replace(one, id=f"odd {at}") for at, one in enumerate(_odd(count))]

    monitor = Monitor(baseline)
    calm = draw_session(SCENARIOS["S1"], 21, length=600).stream
    for _ in range(300):
        monitor.observe(next(calm))
    assert [alarm for one in odd(10) for alarm in monitor.observe(one)] == []
    assert monitor.counts.aside == 10
    assert alarms_of(monitor, calm) == []
    assert monitor.counts.aside <= 11
    lasting = [alarm for one in odd(60)[10:] for alarm in monitor.observe(one)]
    assert len({alarm.channel for alarm in lasting}) >= 6


def _odd(count: int) -> list[Interaction]:
    simulator = Simulator(5)
    return [simulator.draw(Injection(garbage=True)) for _ in range(count)]


@pytest.mark.parametrize("name", ["missing", "swap"])
def test_what_is_not_recorded_or_changed_before_the_session_began(name: str) -> None:
    scenario = SCENARIOS[name]
    session = draw_session(scenario, 4)
    monitor = Monitor(Baseline.freeze(session.baseline))
    alarms = [alarm for alarm in alarms_of(monitor, session.stream) if alarm.at >= scenario.begins]
    assert alarms[0].channel in scenario.channels
    assert monitor.index is not None
    assert monitor.index.coverage == pytest.approx(1.0 if name == "swap" else 0.817, abs=0.001)


_ANYTHING = st.builds(
    Interaction,
    id=st.text(max_size=3),
    time=st.text(max_size=3),
    task=st.sampled_from(["triage", "audit", "", "new"]),
    agent=st.text(max_size=3),
    output=st.text(max_size=9),
    embedding=st.lists(st.floats(), max_size=16).map(tuple),
    steps=st.lists(st.text(max_size=3), max_size=5).map(tuple),
    confidence=st.none() | st.floats(),
    correct=st.none() | st.booleans(),
    tools=st.lists(
        st.builds(
            ToolCall, st.text(max_size=3), st.dictionaries(st.text(max_size=3), st.floats() | st.text(max_size=3))
        )
    ).map(tuple),
    votes=st.lists(st.booleans() | st.text(max_size=2), max_size=4).map(tuple),
    messages=st.none() | st.integers(),
    length=st.none() | st.integers(),
    error=st.none() | st.text(max_size=5),
    override=st.none() | st.booleans(),
)


@given(st.lists(_ANYTHING, max_size=120))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_nothing_an_interaction_holds_stops_the_monitor(baseline: Baseline, stream: list[Interaction]) -> None:
    monitor = Monitor(baseline)
    for one in stream:
        monitor.observe(one)
    assert json.loads(json.dumps(monitor.checkpoint())) == monitor.checkpoint()


def test_a_baseline_is_hashed_and_verified(baseline: Baseline, tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    baseline.save(path)
    assert Baseline.load(path) == baseline
    path.write_text(path.read_text().replace('"alpha":0.035', '"alpha":0.3'))
    with pytest.raises(UserError, match="changed after it was frozen"):
        Baseline.load(path)
    path.write_text("{}")
    with pytest.raises(UserError, match="not a baseline"):
        Baseline.load(path)
    with pytest.raises(UserError, match="cannot read"):
        Baseline.load(tmp_path / "none.json")


_FORGED: list[tuple[str, tuple[str, ...], Any]] = [
    ("alpha", (), 1e12),
    ("alpha", (), 5e-324),
    ("horizon", (), 0),
    ("horizon", (), 10**30),
    ("levels", ("T_seq", "means"), {}),
    ("levels", ("T_seq", "sd"), 0.0),
    ("levels", ("T_seq", "effective"), 0.0),
    ("levels", ("T_seq", "correlation"), 1.0),
    ("levels", ("T_seq", "up"), [1.0]),
    ("levels", ("T_seq", "down"), [0.0] * 19),
    ("levels", ("T_seq", "values"), []),
    ("levels", ("T_seq", "high"), 1e9),
    ("levels", ("T_seq", "n"), 0),
    ("norms", ("tools",), {"search": -1.0}),
    ("norms", ("means", "T_seq"), "NaN"),
    ("norms", ("variation",), "Infinity"),
    ("bands", ("index", "sd"), "NaN"),
    ("reference", ("spread",), -1.0),
    ("reference", ("tools", "unseen"), "NaN"),
    ("reference", ("calibration", "slope"), "Infinity"),
    ("reference", ("centres", ""), ["NaN", 1.0]),
]


@pytest.mark.parametrize(("field", "place", "value"), _FORGED, ids=str)
def test_a_baseline_that_no_data_can_have_given_is_refused(
    baseline: Baseline, tmp_path: Path, field: str, place: tuple[str, ...], value: object
) -> None:
    path = tmp_path / "baseline.json"
    baseline.save(path)
    made_up = json.loads(path.read_text())
    holder = made_up
    *way, last = (field, *place)
    for key in way:
        holder = holder[key]
    holder[last] = value
    made_up["digest"] = TypeAdapter(Baseline).validate_python(made_up).hashed()
    path.write_text(json.dumps(made_up))
    with pytest.raises(UserError, match=f"no data can have given its.*{field}"):
        Baseline.load(path)


def test_a_level_of_no_known_signal_is_refused(baseline: Baseline, tmp_path: Path) -> None:
    level = baseline.levels["T_seq"]
    made_up = replace(baseline, levels={"\x1b[31mT": level})
    path = tmp_path / "baseline.json"
    replace(made_up, digest=made_up.hashed()).save(path)
    with pytest.raises(UserError, match="no data can have given its levels"):
        Baseline.load(path)


@pytest.mark.parametrize("name", ["S1", "S3", "S7", "S12"])
@pytest.mark.parametrize(("alpha", "horizon"), [(1e-12, 100), (0.49, 10**12)])
def test_every_baseline_that_is_learned_can_be_loaded(name: str, alpha: float, horizon: int, tmp_path: Path) -> None:
    learned = Baseline.freeze(
        draw_session(SCENARIOS[name], 3, length=0, baseline=420).baseline, alpha=alpha, horizon=horizon
    )
    learned.save(tmp_path / "baseline.json")
    assert Baseline.load(tmp_path / "baseline.json") == learned


def test_a_baseline_says_what_it_lacks(observations: tuple[Interaction, ...]) -> None:
    with pytest.raises(UserError, match="needs 200 interactions"):
        Baseline.freeze(observations[:199])
    for alpha, horizon in ((0.9, 3000), (5e-324, 3000), (math.nan, 3000), (0.03, 99), (0.03, 10**5000)):
        with pytest.raises(UserError, match="out of range"):
            Baseline.freeze(observations, alpha=alpha, horizon=horizon)
    silent = [replace(one, votes=()) for one in observations[:300]]
    frozen = Baseline.freeze(silent)
    assert Channel.I_AGREE not in frozen.levels
    assert any("I_agree is not watched" in warning for warning in frozen.warnings)
    assert any("300 interactions" in warning for warning in frozen.warnings)


def test_what_never_happened_in_the_baseline_alarms_when_it_comes_to_stay() -> None:
    calm = [Interaction(id=str(n), override=False, error="", length=100) for n in range(200)]
    monitor = Monitor(Baseline.freeze(calm))
    assert alarms_of(monitor, (replace(one, id=f"x{one.id}") for one in calm)) == []
    stepped_in = (replace(calm[0], id=f"y{n}", override=n % 4 == 0) for n in range(200))
    assert {alarm.channel for alarm in alarms_of(monitor, stepped_in)} == {Channel.B_HUMAN}


def test_text_is_compared_by_an_embedder() -> None:
    words = ("sum of the invoices", "total over all bills", "the invoices add up", "bills in total")
    usual = [Interaction(id=str(n), output=f"{words[n % 4]} {n % 7}") for n in range(250)]
    monitor = Monitor(Baseline.freeze(usual, embedding="hash"))
    assert alarms_of(monitor, (replace(one, id=f"x{one.id}") for one in usual)) == []
    strange = (Interaction(output="buy gold now, risk is an opportunity") for _ in range(200))
    assert {alarm.channel for alarm in alarms_of(monitor, strange)} == {Channel.C_SEM}


def test_a_change_from_no_spread_at_all_is_told_in_bounded_figures() -> None:
    usual = [Interaction(task="say", output=f"The answer number {at % 7} is blue.") for at in range(280)]
    monitor = Monitor(Baseline.freeze(usual[:200]))
    assert alarms_of(monitor, usual[200:]) == []
    alarms = alarms_of(monitor, (Interaction(task="say", output=f"Something else, {at}!") for at in range(120)))
    assert {alarm.channel for alarm in alarms} == {Channel.C_SEM}
    assert all(alarm.worse and 1 < alarm.shift <= 99 for alarm in alarms)


@pytest.mark.parametrize("weights", [(98, 2), (90, 10), (50, 50)])
def test_an_agent_that_says_one_of_two_things_is_no_drift(weights: tuple[int, int]) -> None:
    chance = random.Random(5)
    said = [Interaction(task="ask", output=chance.choices(("yes", "no"), weights)[0]) for _ in range(1900)]
    monitor = Monitor(Baseline.freeze(said[:400]))
    assert alarms_of(monitor, said[400:]) == []
    assert alarms_of(monitor, (Interaction(task="ask", output=f"Who knows, {at}?") for at in range(60)))
