"""Candidates."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from loopwright.types import Candidate

texts = st.text(max_size=8)
candidates = st.builds(
    Candidate,
    text=texts,
    files=st.dictionaries(texts, texts, max_size=3),
    artifacts=st.dictionaries(texts, texts, max_size=3),
)


@given(candidates, candidates)
def test_digests_are_equal_just_where_candidates_are(one: Candidate, other: Candidate) -> None:
    assert (one.digest == other.digest) == (one == other)


@given(candidates)
def test_a_candidate_survives_the_record(candidate: Candidate) -> None:
    assert Candidate.model_validate(candidate.model_dump(mode="json")).digest == candidate.digest


def test_the_digest_of_a_candidate_is_the_one_that_old_records_hold() -> None:
    candidate = Candidate(text="caf\u00e9", files={"b.py": "1", "a.py": "2"})
    assert candidate.digest == "51ea4c6f48c9349ca204a79bd905f8f2656320b720c8caa183ac73c0720937cf"
