"""What is believed of atoms: the formula against a sum over all states, and what follows from it."""

from __future__ import annotations

from itertools import product
from math import comb, prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.images.refining import Votes, after_edit, beliefs, new_picture, turned
from loopwright.types import Attempt, Candidate, Check, Verdict

COUNTS = st.integers(0, 4)
VOTES = st.builds(Votes, COUNTS, COUNTS)
PRIORS = st.floats(0.01, 0.99)


def picture(iteration: int, parent: int | None, aimed: bool, votes: Votes, *, shows: int | None = None) -> Attempt:
    asked = votes.yes + votes.no
    data = {"yes": votes.yes, "asked": asked, "kind": "object"}
    check = Check(name="a", score=0.5, data=data)
    made = {"aims": ["a"] if aimed else []}
    candidate = Candidate(
        text="-", artifacts={"picture": f"sha256:{iteration if shows is None else shows:064}"}, made=made
    )
    return Attempt(iteration=iteration, parent=parent, candidate=candidate, verdict=Verdict(checks=(check,)))


@st.composite
def trees(draw: st.DrawFn) -> list[Attempt]:
    """Up to six pictures, each new or an edit of an earlier one."""
    found: list[Attempt] = []
    for number in range(draw(st.integers(1, 6))):
        parent = draw(st.none() | st.integers(0, number - 1)) if number else None
        found.append(picture(number, parent, draw(st.booleans()) if parent is not None else False, draw(VOTES)))
    return found


def votes_in(attempt: Attempt) -> Votes:
    data = attempt.verdict.checks[0].data or {}
    yes, asked = data["yes"], data["asked"]
    assert isinstance(yes, int)
    assert isinstance(asked, int)
    return Votes(yes, asked - yes)


@given(trees())
def test_beliefs_are_those_of_a_sum_over_all_states(attempts: list[Attempt]) -> None:
    new = new_picture(votes_in(one) for one in attempts if one.parent is None)
    weights = {}
    for states in product((False, True), repeat=len(attempts)):
        factors = []
        for one, holds in zip(attempts, states, strict=True):
            prior = new
            if one.parent is not None:
                aims = one.candidate.made["aims"] if one.candidate else ()
                prior = after_edit(float(states[one.parent]), turned("object") if aims else None)
            factors += [prior if holds else 1 - prior, votes_in(one).likelihood(holds=holds)]
        weights[states] = prod(factors)
    total = sum(weights.values())
    for number, believed in beliefs(attempts).items():
        assert believed["a"] == pytest.approx(sum(w for states, w in weights.items() if states[number]) / total)


@given(st.integers(0, 6), st.booleans())
def test_the_probabilities_of_all_possible_answers_sum_to_one(looks: int, holds: bool) -> None:
    total = sum(comb(looks, yes) * Votes(yes, looks - yes).likelihood(holds=holds) for yes in range(looks + 1))
    assert total == pytest.approx(1)


@given(st.integers(1, 20), PRIORS)
def test_answers_that_agree_move_a_belief_their_way(looks: int, prior: float) -> None:
    assert Votes(no=looks).posterior(prior) < prior < Votes(yes=looks).posterior(prior)
    assert Votes().posterior(prior) == pytest.approx(prior)


def test_answers_that_may_last_never_make_sure() -> None:
    assert Votes(yes=100).posterior(0.5) < 1 - 0.04
    assert Votes(no=100).posterior(0.5) > 0.02


def test_a_yes_after_an_edit_of_something_else_speaks_against_the_no_before() -> None:
    denied = picture(0, None, False, Votes(no=1))
    alone, edited = beliefs([denied]), beliefs([denied, picture(1, 0, False, Votes(yes=2))])
    assert edited[0]["a"] > 4 * alone[0]["a"]
    assert edited[1]["a"] > 0.5


def test_what_holds_before_and_after_is_believed_more_than_by_one_look() -> None:
    seen = Votes(yes=1)
    one = beliefs([picture(0, None, False, seen)])[0]["a"]
    both = beliefs([picture(0, None, False, seen), picture(1, 0, False, seen)])
    assert min(both[0]["a"], both[1]["a"]) > one


def test_answers_after_an_edit_that_changed_nothing_are_answers_to_the_picture_before() -> None:
    once, twice = Votes(yes=1), Votes(yes=2)
    same = [picture(0, None, False, once), picture(1, 0, True, once, shows=0), picture(2, 1, False, Votes(no=1))]
    told, plain = beliefs(same), beliefs([picture(0, None, False, twice), picture(2, 0, False, Votes(no=1))])
    assert told[0] == told[1]
    # New pictures are judged by their first answers, which are the same here.
    assert (told[0]["a"], told[2]["a"]) == pytest.approx((plain[0]["a"], plain[2]["a"]))
