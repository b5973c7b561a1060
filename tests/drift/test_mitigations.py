from __future__ import annotations

from statistics import fmean

import pytest

from loopwright.drift import (
    Anchor,
    Band,
    ConsolidatedMemory,
    Exemplar,
    MemoryEntry,
    Mitigation,
    Router,
    consolidate,
    due,
    harmed,
    level,
    select,
    simulate_team,
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
    assert due(50, 0.1) == "turn 50"
    assert due(51, 0.85) == "the context is 85% full"
    assert "alarm" in due(7, 0.1, alarmed=True)
    assert due(0, 0.0) == due(49, 0.5) == ""


def test_the_guard_undoes_what_harms() -> None:
    assert harmed([True] * 6, [False] * 6)
    assert not harmed([True] * 4, [False] * 4)
    assert not harmed([False] * 6, [True] * 6)
    with pytest.raises(ValueError, match="shorter"):
        harmed([True], [])


def test_anchoring_comes_and_goes_with_hysteresis() -> None:
    assert level(0.95, BAND) == 0
    assert level(0.90, BAND) == pytest.approx(0.5)
    assert level(0.5, BAND, 0.75) == 1
    anchor = Anchor()
    assert [anchor.update(drift) for drift in (0.0, 0.09, 0.5, 0.07, 0.04, 0.07, 0.04, 0.04, 0.0)] == [
        *(0, 0, 3, 3, 3, 3, 3),
        *(0, 0),
    ]


def test_examples_are_like_the_input_unlike_each_other_and_bounded() -> None:
    pool = [
        Exemplar("same", (1.0, 0.0), "", 10),
        Exemplar("twin", (1.0, 0.01), "", 10),
        Exemplar("other", (0.8, 0.6), "", 10),
        Exemplar("far", (-1.0, 0.0), "", 10),
    ]
    assert [one.id for one in select(pool, (1.0, 0.0), 2, tokens=100, diversity=0.6)] == ["same", "other"]
    assert [one.id for one in select(pool, (1.0, 0.0), 2, tokens=100, diversity=0)] == ["same", "twin"]
    assert [one.id for one in select(pool, (1.0, 0.0), 4, tokens=15)] == ["same"]


def test_stable_agents_get_more_and_none_starves() -> None:
    router = Router({"stable": BAND, "drifting": BAND}, 0)
    router.window("drifting", 0.5, 0.85)
    shares = router.shares("t")
    assert shares["drifting"] >= 0.05
    assert shares["stable"] > 0.9
    assert sum(shares.values()) == pytest.approx(1)
    router.record("stable", "t", success=False)
    assert router.shares("t")["stable"] < shares["stable"]


def test_quarantine_ends_after_two_steady_windows() -> None:
    router = Router({"a": BAND, "b": BAND}, 0)
    assert not router.flag("a", 100)
    assert set(router.shares("t")) == {"b"}
    assert [router.window("a", index, 0.85) for index in (0.90, 0.87, 0.90, 0.90)] == [False, False, False, True]
    assert set(router.shares("t")) == {"a", "b"}
    assert router.flag("a", 250)
    assert not router.flag("b", 900)
    assert set(router.shares("t")) == {"a", "b"}


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
