"""From answers to a verdict."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.errors import VerifierError
from loopwright.images.checklist import Answer, Checklist, Gating, ObjectAtom, blocking, to_ask, verdict
from tests.images.checklist.graphs import answered, checklists

YES, NO, UNKNOWN = (Answer(value="yes"), Answer(value="no"), Answer(value="unknown"))


def chain(**parents: str) -> Checklist:
    atoms = tuple(ObjectAtom(id=name, object=name, parents=tuple(above)) for name, above in parents.items())
    return Checklist(prompt="-", atoms=atoms)


SUIT = chain(a="", b="a", c="b", d="ac")
"""The shape of "a man in a green suit leaning over a laptop": man, suit, green, leaning."""


def test_the_three_rules_on_an_example_worked_by_hand() -> None:
    """The answers are yes, no, yes, yes: .75, .50 and .25."""
    answers = {"a": YES, "b": NO, "c": YES, "d": YES}
    assert [verdict(SUIT, answers, rule).score for rule in Gating] == [0.75, 0.5, 0.25]


def test_nothing_is_asked_below_a_failed_atom() -> None:
    answers: dict[str, Answer] = {}
    asked = []
    while atoms := to_ask(SUIT, answers):
        asked.append([atom.id for atom in atoms])
        answers |= {atom.id: NO if atom.id == "b" else YES for atom in atoms}
    assert asked == [["a"], ["b"]]
    found = verdict(SUIT, answers)
    assert (found.score, found.passed, found.summary) == (0.25, False, "1 of 4 atoms hold")
    assert [check.data and check.data["answer"] for check in found.checks] == ["yes", "no", "skipped", "skipped"]
    assert found.checks[2].evidence == "skipped: Is there a c? (does not count: b failed)"


def test_without_gating_everything_is_asked_at_once() -> None:
    assert [atom.id for atom in to_ask(SUIT, {}, Gating.NONE)] == ["a", "b", "c", "d"]


def test_unknown_is_no_yes() -> None:
    found = verdict(chain(a="", b="a"), {"a": UNKNOWN})
    assert (found.score, found.checks[0].evidence) == (0, "unknown: Is there an a?")


def test_weights_and_confidence_reach_the_verdict() -> None:
    atoms = (ObjectAtom(id="a", object="a", weight=3), ObjectAtom(id="b", object="b"))
    answers = {"a": Answer(value="yes", confidence=0.9), "b": Answer(value="no", confidence=0.6, evidence="only an a")}
    found = verdict(Checklist(prompt="-", atoms=atoms), answers)
    assert (found.score, found.confidence) == (0.75, 0.6)
    assert found.checks[1].evidence == "no: Is there a b? (only an a)"
    assert [answer.p_yes for answer in (*answers.values(), UNKNOWN)] == pytest.approx([0.9, 0.4, 0.5])


def test_an_answer_to_nothing_is_the_verifiers_failure() -> None:
    with pytest.raises(VerifierError, match="'z', which is no atom"):
        verdict(SUIT, {"a": NO, "z": YES})


def test_an_atom_without_an_answer_is_never_a_zero() -> None:
    with pytest.raises(VerifierError, match="have no answer: b"):
        verdict(SUIT, {"a": YES})


TRUTHS = st.lists(st.booleans(), min_size=9, max_size=9)


def truth_of(drawn: list[bool]) -> dict[str, bool]:
    return {str(index): value for index, value in enumerate(drawn)}


@given(checklists(), TRUTHS)
def test_asking_in_order_gives_what_the_rule_of_ancestors_gives(checklist: Checklist, drawn: list[bool]) -> None:
    truth = truth_of(drawn)
    asked: dict[str, Answer] = {}
    while atoms := to_ask(checklist, asked):
        for atom in atoms:
            assert all(parent in asked for parent in atom.parents)
            asked[atom.id] = YES if truth[atom.id] else NO
    everything = answered(checklist, truth)
    some, full = verdict(checklist, asked), verdict(checklist, everything)
    assert [check.score for check in some.checks] == [check.score for check in full.checks]
    held = {
        atom.id for atom in checklist.atoms if truth[atom.id] and all(truth[p] for p in checklist.ancestors[atom.id])
    }
    assert {check.name for check in full.checks if check.passed} == held
    skipped = {check.name for check in some.checks if check.data and check.data["answer"] == "skipped"}
    assert skipped == {name for name, ids in checklist.ancestors.items() if not all(truth[one] for one in ids)}


@given(checklists(), TRUTHS)
def test_stricter_rules_never_score_more_and_agree_on_all_correct(checklist: Checklist, drawn: list[bool]) -> None:
    answers = answered(checklist, truth_of(drawn))
    none, parents, ancestors = (verdict(checklist, answers, rule) for rule in Gating)
    assert none.score >= parents.score >= ancestors.score
    assert none.passed == parents.passed == ancestors.passed
    total = sum(atom.weight for atom in checklist.atoms)
    assert none.score == pytest.approx(sum(a.weight for a in checklist.atoms if answers[a.id].value == "yes") / total)


@given(checklists(), TRUTHS, st.sampled_from(Gating))
def test_what_blocks_is_above_and_failed(checklist: Checklist, drawn: list[bool], rule: Gating) -> None:
    answers = answered(checklist, truth_of(drawn))
    for name, ids in blocking(checklist, answers, rule).items():
        assert set(ids) <= checklist.ancestors[name]
        assert all(answers[one].value == "no" for one in ids)
    assert to_ask(checklist, answers, rule) == ()
