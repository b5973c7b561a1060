from __future__ import annotations

from statistics import fmean

import pytest

from bench.team import ConsolidatedMemory, Mitigation, consolidate, simulate_team
from loopwright.drift import (
    Anchor,
    Band,
    Channel,
    ConsolidationSchedule,
    Exemplar,
    MemoryEntry,
    Router,
    count_low_windows,
    harmed,
    measure_drift,
    select_exemplars,
)

BAND = Band(0.95, 0.02)


def test_consolidation_keeps_what_was_learned_and_the_last_turns() -> None:
    entries = [
        MemoryEntry(1, "fact", "the table is called x", 10),
        MemoryEntry(1, "tool_output", "rows", 500),
        MemoryEntry(2, "commitment", "send the report", 10, done=True),
        MemoryEntry(2, "commitment", "ask for the budget", 10),
        MemoryEntry(3, "fact", "the table is called x", 10),
        MemoryEntry(4, "reasoning", "maybe", 300),
        MemoryEntry(5, "tool_output", "latest rows", 50),
    ]
    done = consolidate(ConsolidatedMemory("the goal", tuple(entries)), "turn 50", raw=1, previous="p")
    assert done.after.goal == "the goal"
    assert [entry.text for entry in done.after.entries] == [
        "ask for the budget",
        "the table is called x",
        "latest rows",
    ]
    assert done.saved == 890 - 70
    again = consolidate(ConsolidatedMemory("the goal", tuple(entries)), "turn 50", raw=1, previous="q")
    assert done.digest != again.digest


def test_consolidation_is_bounded_in_tokens() -> None:
    memory = ConsolidatedMemory("g", tuple(MemoryEntry(turn, "fact", f"fact {turn}", 10) for turn in range(100)))
    done = consolidate(memory, "why", raw=5, limit=100)
    assert done.after.tokens == 150
    assert done.after.entries[-1].text == "fact 99"
    assert done.after.entries[0].text == "fact 85"


def test_when_consolidation_is_due() -> None:
    schedule = ConsolidationSchedule(50)
    assert schedule.due(50) == "50 turns"
    assert schedule.due(7, [Channel.C_CONF, Channel.C_SEM]) == "alarm of C_sem"
    assert schedule.due(0, [Channel.C_SEM]) == schedule.due(49, [Channel.C_CONF]) == ""


def test_the_guard_undoes_what_harms() -> None:
    assert harmed([True] * 6, [False] * 6)
    assert not harmed([True] * 4, [False] * 4)
    assert not harmed([False] * 6, [True] * 6)
    with pytest.raises(ValueError, match="shorter"):
        harmed([True], [])


def test_anchoring_comes_and_goes_with_hysteresis() -> None:
    assert measure_drift(0.95, BAND) == 0
    assert measure_drift(0.90, BAND) == pytest.approx(0.5)
    assert measure_drift(0.5, BAND) == 1
    anchor = Anchor(5)
    assert [anchor.update(drift) for drift in (0.0, 0.09, 0.5, 0.07, 0.04, 0.07, 0.04, 0.04, 0.0)] == [
        *(0, 0, 3, 3, 3, 3, 3),
        *(0, 0),
    ]


def test_examples_that_harmed_come_back_after_a_calm_window() -> None:
    anchor = Anchor(5)
    anchor.show(anchor.update(0.5))
    assert anchor.shown == 3
    anchor.refuse()
    assert anchor.shown == 0
    assert [anchor.update(drift) for drift in (1.0, 0.5, 0.04, 0.5)] == [0, 0, 5, 5]


def test_examples_are_like_the_input_unlike_each_other_and_bounded() -> None:
    pool = [
        Exemplar("same", (1.0, 0.0), "", 10),
        Exemplar("twin", (1.0, 0.01), "", 10),
        Exemplar("other", (0.8, 0.6), "", 10),
        Exemplar("far", (-1.0, 0.0), "", 10),
    ]
    assert [one.id for one in select_exemplars(pool, (1.0, 0.0), 2, tokens=100, diversity=0.6)] == ["same", "other"]
    assert [one.id for one in select_exemplars(pool, (1.0, 0.0), 2, tokens=100, diversity=0)] == ["same", "twin"]
    assert [one.id for one in select_exemplars(pool, (1.0, 0.0), 4, tokens=15)] == ["same"]


def test_stable_agents_get_more_and_none_starves() -> None:
    router = Router({"stable": BAND, "drifting": BAND}, 0)
    router.standings["drifting"].index = 0.5
    shares = router.shares("t")
    assert shares["drifting"] >= 0.05
    assert shares["stable"] > 0.9
    assert sum(shares.values()) == pytest.approx(1)
    router.record("stable", "t", success=False)
    assert router.shares("t")["stable"] < shares["stable"]


def test_an_agent_is_flagged_by_an_alarm_or_three_windows_under_its_band() -> None:
    router = Router({"a": BAND}, 0)
    low, counts = 0, []
    for index in (0.89, 0.89, 0.91, None, 0.89, 0.89, 0.89):
        low = count_low_windows(low, index, BAND)
        counts.append(low)
    assert counts == [1, 2, 0, 0, 1, 2, 3]
    assert router.drifted("a", 2) == ""
    assert router.drifted("a", 3) == "3 windows under 0.900"
    assert router.drifted("a", 0, ["C_sem"]) == "alarm of C_sem"


def test_quarantine_ends_after_two_good_rounds_in_a_row() -> None:
    router = Router({"a": BAND, "b": BAND}, 0)
    assert not router.probe_due("a", 100)
    assert not router.flag("a", 100)
    assert set(router.shares("t")) == {"b"}
    asked = []
    for at, passed in ((100, 20), (100, 10), (150, 20), (200, 20)):
        due = router.probe_due("a", at), router.probe_due("a", at - 1)
        router.tried("a", at)
        asked.append((*due, router.probed("a", passed, 20, 0.9)))
    assert asked == [(True, True, False), (True, True, False), (True, False, False), (True, False, True)]
    assert not router.probe_due("a", 900)
    assert set(router.shares("t")) == {"a", "b"}
    assert router.flag("a", 250)
    assert not router.flag("b", 900)
    assert set(router.shares("t")) == {"a", "b"}


def test_without_probes_two_rounds_of_waiting_end_a_quarantine() -> None:
    router = Router({"a": BAND}, 0)
    router.flag("a", 0)
    assert [router.probed("a", 0, 0, 0.9) for _ in range(2)] == [False, True]


def test_a_second_reset_long_after_is_no_emergency() -> None:
    router = Router({"a": BAND}, 0)
    assert [router.flag("a", at) for at in (0, 300, 499, 800)] == [False, False, True, False]


@pytest.mark.parametrize("mitigation", ["consolidation", "routing", "anchoring"])
def test_each_mitigation_helps_the_simulated_team(mitigation: Mitigation) -> None:
    plain = fmean(simulate_team(seed, turns=800).late for seed in range(3))
    helped = fmean(simulate_team(seed, frozenset({mitigation}), turns=800).late for seed in range(3))
    assert helped > plain + 0.05


def test_a_session_is_its_seed() -> None:
    assert simulate_team(4, turns=200) == simulate_team(4, turns=200)
