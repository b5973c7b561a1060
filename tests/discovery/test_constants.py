"""Constants that a program lets be tuned."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from loopwright.discovery import constants_of, with_constants

SOURCE = """
STEP = 0.05  # tune: 0.001 to 0.5
ROUNDS = 40  # tune: 10 to 200
SEED = 0 # tune: any
PLAIN = 7  # not to be tuned
    INNER = 1  # tune: 0 to 2
"""


def test_declared_constants_are_found() -> None:
    known = constants_of(SOURCE)
    assert [(one.name, one.now, one.whole) for one in known] == [
        ("STEP", 0.05, False),
        ("ROUNDS", 40, True),
        ("SEED", 0, True),
    ]


def test_only_the_numbers_change() -> None:
    changed = with_constants(SOURCE, {"STEP": 0.25, "SEED": 9})
    assert changed == SOURCE.replace("0.05 ", "0.25 ").replace("SEED = 0", "SEED = 9")


@given(st.floats(1e-6, 1e6), st.floats(1.001, 1e6), st.floats(0, 1), st.integers())
def test_a_change_stays_in_bounds(low: float, factor: float, share: float, seed: int) -> None:
    high = low * factor
    (one,) = constants_of(f"X = {low + share * (high - low)!r}  # tune: {low!r} to {high!r}")
    changed = one.changed(Random(seed))
    assert low <= changed <= high
    (again,) = constants_of(with_constants(f"X = {one.now!r}  # tune: {low!r} to {high!r}", {"X": changed}))
    assert again.now == changed


def test_what_is_no_declaration_is_none() -> None:
    assert constants_of("X = 1\n# tune: 0 to 2") == []
    assert constants_of("X = 1  # tune: 2 to 0") == []
    assert constants_of(f"X = 1  # tune: 1 to {'9' * 400}") == []
    assert constants_of("X = " + "1" * 100_000 + "  # tune: any") == []
