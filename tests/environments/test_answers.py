"""Answers that are compared with a known target."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import loopwright
from loopwright.environments import AnswerOutcome, find_score_rule, text_environment
from loopwright.environments.text import words
from loopwright.errors import TaskError
from loopwright.models import Scripted
from loopwright.store import CallIntended, read_run


def score(rule: str, answer: str, *targets: str) -> float:
    return asyncio.run(find_score_rule(rule).score(AnswerOutcome(answer, targets))).value


@pytest.mark.parametrize(
    ("rule", "answer", "target", "expected"),
    [
        ("exact", "The Nile.", "nile", 1),
        ("exact", "the river Nile", "Nile", 0),
        ("exact", "2**3", "23", 0),
        ("exact", "**23**", "23", 1),
        ("exact", "a__b", "ab", 0),
        ("exact", "__b__", "b", 1),
        ("exact", "1,234.50", "1234.5", 1),
        ("exact", "3.14", "314", 0),
        ("exact", "-3", "3", 0),
        ("exact", "$5", "5", 0),
        ("exact", "C++", "C", 0),
        ("exact", "C#", "C", 0),
        ("exact", "-x", "x", 0),
        ("exact", "x + y", "x * y", 0),
        ("exact", "x - y", "x y", 0),
        ("exact", "a > b", "b", 0),
        ("exact", ">5", "<5", 0),
        ("exact", "5!", "5", 0),
        ("exact", "5%", "5", 0),
        ("exact", "(1, 2)", "[1, 2]", 1),
        ("exact", "(0, 1]", "[0, 1)", 0),
        ("exact", "9007199254740993", "9007199254740992", 0),
        ("exact", "1e999", "1e400", 0),
        ("exact", "1e3", "1,000.0", 1),
        ("exact", "-0.0", "0", 1),
        ("exact", "Zu\u0308rich", "Z\u00fcrich", 1),
        ("exact", "don\u2019t", "don't", 1),
        ("exact", "**Paris**", "paris", 1),
        ("exact", "*Paris*", "paris", 1),
        ("exact", "`42`", "42", 1),
        ("exact", "```text\n42\n```", "42", 1),
        ("exact", "a well-known fact", "well known fact", 1),
        ("exact", "(5)", "5", 1),
        ("includes", "Paris's streets", "Paris", 1),
        ("includes", "Paris\u2014the capital", "Paris", 1),
        ("includes", "value=42", "42", 1),
        ("includes", "42km", "42", 1),
        ("includes", "vitamin B12", "12", 0),
        ("includes", "\u9996\u90fd\u662f\u5317\u4eac\u3002", "\u5317\u4eac", 1),
        ("match", "\u22125", "-5", 1),
        ("match", "3-5", "5", 0),
        ("match", "3/4", "4", 0),
        ("match", "12,34", "34", 0),
        ("match", "on 2024-05-01", "1", 0),
        ("match", "x=6.", "6", 1),
        ("match", "it is **6**", "6", 1),
        ("match", "1\u202f234", "1234", 1),
        ("exact", "", "a", 0),
        ("includes", "It is the river Nile, I think", "River Nile", 1),
        ("includes", "the Nile river", "river Nile", 0),
        ("includes", "category", "cat", 0),
        ("includes", "anything", "the", 0),
        ("match", "4 apples and 2 pears, so the answer is 6.", "6", 1),
        ("match", "6 is what 4 and 2 make", "6", 0),
        ("match", "that makes $1,200.00", "1200", 1),
        ("match", "10-5", "-5", 0),
        ("match", "so it is Mount Everest!", "mount everest", 1),
        ("match", "Everest", "Mount Everest", 0),
        ("match", "no number at all", "3", 0),
        ("f1", "red and blue", "blue and green", pytest.approx(2 / 3)),
        ("f1", "x", "y", 0),
        ("choice", "I weigh A and B.\nANSWER: B", "B", 1),
        ("choice", "ANSWER: A\nNo, wait.\nAnswer: C", "C", 1),
        ("choice", "The answer is (b).", "B", 1),
        ("choice", "**D**", "d", 1),
        ("choice", "Because of A, it is clear", "A", 0),
        ("choice", "Answer: maybe", "M", 0),
        ("choice", "The answer is: B", "B", 1),
        ("choice", "**Answer is:** B", "B", 1),
        ("choice", "ANSWER: B. This is the answer I chose.", "B", 1),
        ("choice", "ANSWER: C\nThe other answer a student might give is D.", "C", 1),
        ("choice", "Answer: [B]", "B", 1),
        ("choice", 'Answer: "B"', "B", 1),
        ("choice", "Answer: $B$", "B", 1),
        ("choice", "So \\boxed{B}", "B", 1),
        ("choice", "So \\boxed{\\text{B}}.", "B", 1),
        ("choice", "B) Paris", "B", 1),
        ("choice", "(C) since it is red", "C", 1),
        ("choice", "Answer: option D because it is red", "D", 1),
        ("choice", "answer: b", "B", 1),
        ("choice", "The answer is a pear", "A", 0),
        ("choice", "Answer: I think it is C", "I", 0),
        ("choice", "The answer is A.", "A", 1),
        ("choice", "A pear is a fruit", "A", 0),
        ("choice", "ANSWER: B\n\nThis answer is a consequence of the law.", "B", 1),
        ("choice", "B. Paris", "B", 1),
        ("choice", "**B.** Paris", "B", 1),
        ("choice", "The answer is $\\boxed{C}$", "C", 1),
        ("choice", "<answer>B</answer>", "B", 1),
        ("exact", "<answer>42</answer>", "42", 1),
        ("match", "It is <|begin_of_box|>42<|end_of_box|>.", "42", 1),
        ("choice", "ANSWER: Option B", "B", 1),
        ("choice", "Answer - B", "B", 1),
        ("choice", "Answer\uff1aB", "B", 1),
        ("choice", "The correct answer is:\n\n**C) Paris**", "C", 1),
        ("choice", '{"answer": "B"}', "B", 1),
        ("choice", "It must be red.\n\nC) Red", "C", 1),
        ("choice", "ANSWER: C", "(C)", 1),
        ("choice", r"$\boxed{\textbf{(B) }42}$", "B", 1),
        ("choice", r"\boxed{\mathrm{B}}", "B", 1),
        ("match", "It is 1e-5.", "1e-5", 1),
        ("match", "about 6.02E23", "6.02e23", 1),
        ("match", "1e3", "1000", 1),
        ("match", "1e3", "3", 0),
        ("match", "1e5/3", "3", 0),
        ("match", r"\boxed{\frac{3}{4}}", "4", 0),
        ("match", r"\dfrac{\sqrt{3}}{2}", "2", 0),
        ("match", r"\frac{1}{2} = 0.5", "0.5", 1),
        ("match", r"$5\sqrt{2}$", "2", 0),
        ("match", "10^{3}", "3", 0),
        ("match", "\u00bd", "2", 0),
        ("match", "1\u00bd", "2", 0),
        ("match", "2\u00b3", "23", 0),
        ("match", "42 cm\u00b2", "42", 1),
        ("match", "42 cm^2", "42", 1),
        ("exact", "2\u00b3", "23", 0),
        ("exact", "\u00bd", "1/2", 1),
        ("match", "The derivative is 3x^2", "3", 0),
        ("match", "The derivative is 3x\u00b2", "3", 0),
        ("match", "3 x^{2}", "3", 0),
        ("match", "3 x^2", "3", 0),
        ("match", "2^{n}", "2", 0),
        ("match", "5e^2", "5", 0),
        ("match", "5e^{2}", "5", 0),
        ("match", "3 apples make m^2", "3", 0),
        ("match", "3 mx^2", "3", 0),
        ("match", "3 m^{2}n", "3", 0),
        ("match", "42cm^{2}", "42", 1),
        ("match", "It falls at 9.8 m/s^2.", "9.8", 1),
        ("match", "9.8 m\u00b7s\u207b\u00b2", "9.8", 1),
        ("match", "6 kg m^2/s^2", "6", 1),
        ("match", "5 ft\u00b2", "5", 1),
        ("match", r"90^{\circ}", "90", 1),
        ("match", r"90^\circ", "90", 1),
        ("match", r"the 5^{\text{th}} one", "5", 1),
        ("match", "the 5^{th}", "5", 1),
        ("match", "10\u207b\u00b3", "3", 0),
        ("exact", "5 km2", "5 km\u00b2", 1),
        ("exact", "E=mc\u00b2", "E=mc2", 1),
        ("exact", "x\u00b2", "x2", 1),
        ("f1", "x\u00b2", "x2", 1),
        ("includes", "So it is E=mc\u00b2 here", "E=mc2", 1),
        ("exact", "10\u00b2", "10^2", 1),
        ("choice", r"Answer: C. So \boxed{(x, y)}", "C", 1),
        ("choice", r"\boxed{(a+b)^2}", "A", 0),
        ("choice", r"\boxed{(a)^2}", "A", 0),
        ("choice", r"\boxed{(B)}", "B", 1),
        ("choice", "I refuse.", "", 0),
    ],
)
def test_rules_compare_as_they_say(rule: str, answer: str, target: str, expected: float) -> None:
    assert score(rule, answer, target) == expected


def test_one_of_several_targets_is_enough() -> None:
    assert score("exact", "UK", "Britain", "UK") == 1
    assert score("f1", "UK", "Britain", "the UK") == 1


@given(st.integers(-(10**12), 10**12), st.sampled_from(["{}", "It is {}.", "**{}**", "$ {:,}", "x = {:,}!", "{:.2f}"]))
def test_a_number_is_found_in_whatever_words_end_with_it(number: int, words: str) -> None:
    assert score("match", words.format(number), str(number)) == 1
    assert score("match", words.format(number), str(number + 1)) == 0


@given(st.text(max_size=60), st.text(max_size=20))
def test_any_text_has_a_score(answer: str, target: str) -> None:
    assert all(0 <= score(rule, answer, target) <= 1 for rule in ("exact", "match", "includes", "f1", "choice"))


@given(st.text(max_size=60), st.sampled_from(["{}", "  {}\n", "{} "]))
def test_a_text_is_itself(text: str, around: str) -> None:
    assert score("exact", around.format(text), text) == float(bool(words(text)))


def task(**fields: object) -> loopwright.Task:
    environment = text_environment(**fields)  # type: ignore[arg-type]
    return loopwright.Task(name="sum", goal="What is 2 + 4?", environment=environment, agents={"proposer": "author"})


def test_a_run_is_graded_by_the_target_that_no_agent_sees(tmp_path: Path) -> None:
    asked, graded = Scripted(["That is seven.", "That is 6128."]), task(target="6128", scoring="match")
    found = loopwright.run(graded, model=asked, strategy="single", repeats=2, concurrency=1, out=tmp_path / "run")
    assert [episode.score for episode in found] == [0.0, 1.0]
    events = [event.data for event in read_run(tmp_path / "run").events]
    requests = [event.model_dump_json() for event in events if isinstance(event, CallIntended)]
    assert len(requests) == 2
    assert not any("6128" in request.partition('"request"')[2] for request in requests)


def test_rules_beside_the_one_that_decides_are_recorded(tmp_path: Path) -> None:
    asked = Scripted(["the number 6"])
    (episode,) = loopwright.run(
        task(target="6", scoring=["match", "f1"]), model=asked, strategy="single", out=tmp_path / "run"
    )
    assert episode.verdict is not None
    (check,) = episode.verdict.checks
    assert (check.name, check.score) == ("match", 1.0)
    assert check.data is not None
    assert check.data["exact"] == 0.0
    assert check.data["f1"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"target": "  ", "scoring": "choice"}, "it is blank"),
        ({"target": ["6", ", ."]}, "it is blank"),
        ({"target": "Paris", "scoring": ["exact", "choice"]}, "no letter of a choice"),
        ({"scoring": "match"}, "no answer to compare with"),
        ({"target": []}, "target"),
        ({"target": 6}, "target"),
    ],
)
def test_what_cannot_be_compared_is_told_before_the_run(
    tmp_path: Path, fields: dict[str, object], message: str
) -> None:
    with pytest.raises(TaskError, match=message):
        loopwright.run(task(**fields), model=Scripted(["6"]), strategy="single", out=tmp_path / "run")


@pytest.mark.parametrize("rule", ["exact", "match", "includes", "f1", "choice"])
@pytest.mark.parametrize("target", ["B", "5"])
@pytest.mark.parametrize("end", ["", "1"])
@pytest.mark.parametrize("part", [" ", "\n", "answer ", "answer: ", "*", "-", "1,", "(", "a ", "'"])
def test_floods_take_no_longer_than_their_length(rule: str, target: str, end: str, part: str) -> None:
    # With a pattern that tries all ways to share blanks or signs out this does not end within hours.
    assert score(rule, "The answer" + part * 200_000 + end, target) == 0
