"""Streams of edits: what is accepted, what is rolled back, and when a new picture is made."""

from __future__ import annotations

import pytest

from loopwright.images.refining import accepted, streams_of
from loopwright.types import Attempt, Candidate, Check, Verdict


def attempt(iteration: int, held: str, parent: int | None = None, aims: str = "") -> Attempt:
    """A picture in which the atoms a to d hold as named; `held` is `-` where there is no picture."""
    checks = tuple(Check(name=name, score=float(name in held)) for name in "abcd")
    candidate = None if held == "-" else Candidate(text=str(iteration), made={"aims": list(aims)})
    return Attempt(iteration=iteration, parent=parent, candidate=candidate, verdict=Verdict(checks=checks))


@pytest.mark.parametrize(
    ("before", "after", "aims", "good"),
    [
        ("ab", "abc", "c", True),
        ("ab", "abc", "d", False),
        ("ab", "abcd", "d", True),
        ("ab", "ac", "c", True),
        ("ab", "c", "c", False),
        ("ab", "acd", "b", False),
        ("ab", "ab", "c", False),
        ("ab", "abc", "", True),
        ("ab", "-", "c", False),
    ],
)
def test_an_edit_is_accepted_if_its_aim_turned_and_no_more_was_lost_than_won(
    before: str, after: str, aims: str, good: bool
) -> None:
    assert accepted(attempt(0, before), attempt(1, after, 0, aims)) is good


def test_a_rejected_edit_leaves_the_stream_where_it_was() -> None:
    (stream,) = streams_of(
        [attempt(0, "a"), attempt(1, "c", 0, "b"), attempt(2, "ab", 0, "b"), attempt(3, "a", 2, "c")]
    )
    assert (stream.head.iteration, stream.depth, stream.failed) == (2, 1, 1)


def test_each_new_picture_begins_a_stream_and_a_lost_reply_begins_none() -> None:
    streams = streams_of([attempt(0, "a"), attempt(1, "-"), attempt(2, "ab"), attempt(3, "abc", 2, "c")])
    assert [stream.head.iteration for stream in streams] == [0, 3]


def test_a_stream_is_given_up_after_three_edits_in_vain() -> None:
    tries = [attempt(number, "a", 0, "b") for number in range(1, 4)]
    assert [streams_of([attempt(0, "a"), *tries[:count]])[0].exhausted for count in (2, 3)] == [False, True]
