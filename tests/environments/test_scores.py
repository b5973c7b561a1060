"""Scores in a verdict: as data, and as older records hold them."""

from __future__ import annotations

import pytest

from loopwright.environments import Scores
from loopwright.types import Check, Verdict

SCORES = Scores(intercode=-0.25, exact=0, parts={"rows": None, "tau": 0.5, "missed": ["/a"]})


def test_scores_come_back_from_a_verdict_that_was_written() -> None:
    verdict = SCORES.verdict("intercode")
    assert (verdict.score, verdict.checks[0].name) == (0, "intercode")
    # Events are written without fields that are None; the parts keep theirs.
    assert Scores.of(Verdict.model_validate_json(verdict.model_dump_json(exclude_none=True))) == SCORES


def test_evidence_is_text_for_readers() -> None:
    evidence = SCORES.verdict("exact").checks[0].evidence
    assert evidence.splitlines() == ["intercode: -0.25", "exact: 0.0", "rows: None", "tau: 0.5", "missed: ['/a']"]


def test_scores_are_read_from_the_evidence_of_older_records() -> None:
    old = Check(name="exact", score=0, evidence=SCORES.model_dump_json())
    assert Scores.of(Verdict(checks=(old,))) == SCORES


@pytest.mark.parametrize(
    "check",
    [
        Check(name="test_it", score=0, evidence="assert 1 == 2"),
        Check(name="test_it", score=0, evidence='{"a": 1}'),
        Check(name="test_it", score=0, evidence=SCORES.model_dump_json(), data={"lines": 3}),
    ],
)
def test_other_checks_hold_no_scores(check: Check) -> None:
    assert Scores.of(Verdict(checks=(check,))) is None
