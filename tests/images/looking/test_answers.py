"""Answers of vision models are read where their meaning is certain, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.images.checklist import CountAtom
from loopwright.images.looking._answers import read_count, read_yes_no

WORDS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
]
CATS = CountAtom(id="a", kind="count", object="black cat", count=3)
AROUND = st.sampled_from(["", " ", "*", "**", "`", '"', "'", ".", "(", ")", "!", "\n", "\u200b"])
HEDGES = ["but", "or", "maybe", "perhaps", "partly", "mostly", "almost", "however", "unclear", "if"]


@given(st.integers(0, 20), st.booleans(), st.booleans(), AROUND, AROUND)
def test_numbers_are_read_in_digits_and_words(number: int, word: bool, upper: bool, before: str, after: str) -> None:
    said = WORDS[number] if word else str(number)
    assert read_count(before + (said.upper() if upper else said) + after, CATS) == number


@given(
    st.integers(0, 99_999),
    st.sampled_from(
        ["{}", "{}.", "{}.0", "There are {}", "there are {} black cats.", "{} cats", "Exactly {} cats", "I see {}"]
    ),
)
def test_a_number_may_stand_in_a_sentence_about_the_object(number: int, form: str) -> None:
    assert read_count(form.format(number), CATS) == number


@given(
    st.integers(0, 99), st.integers(0, 99), st.sampled_from(["{} or {}", "{}-{}", "{} {}", "{}/{}", "{}.{}1", "{},{}"])
)
def test_two_numbers_are_none(one: int, other: int, form: str) -> None:
    assert read_count(form.format(one, other), CATS) is None


UNCERTAIN = """~3|3+|-3|more than 3|at least three|3 dogs|3 cats and 2 dogs|about 3|twenty one|1,000|1.5|3%|
none of the 3|1000000|a cat|several|yes|no|³|three not four|"""


@pytest.mark.parametrize("said", UNCERTAIN.replace("\n", "").split("|"))
def test_what_says_no_certain_number_is_none(said: str) -> None:
    assert read_count(said, CATS) is None


@pytest.mark.parametrize(
    ("said", "number"),
    [("none", 0), ("No cats", 0), ("no black cats.", 0), ("3 (three)", 3), ("Three (3)", 3), ("٣", 3)],
)
def test_none_and_numbers_said_twice(said: str, number: int) -> None:
    assert read_count(said, CATS) == number


@given(
    st.sampled_from([("yes", "yes"), ("true", "yes"), ("no", "no"), ("false", "no")]),
    st.sampled_from([str.upper, str.lower, str.title]),
    AROUND,
    AROUND,
)
def test_yes_and_no_are_read_whatever_stands_around(said: tuple[str, str], case: object, one: str, other: str) -> None:
    word, meant = said
    assert callable(case)
    assert read_yes_no(one + case(word) + other) == meant


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Yes, there is", "yes"),
        ("yes there is a cat", "yes"),
        ("**Yes** - a red one", "yes"),
        ("No, it is not", "no"),
        ("no - it is blue", "no"),
        ("No. There are none", "no"),
    ],
)
def test_a_first_word_is_read(said: str, meant: str) -> None:
    assert read_yes_no(said) == meant


@given(
    st.sampled_from(["yes", "no", "true", "false"]),
    st.sampled_from(HEDGES),
    st.sampled_from(["{}, {}", "{} {} no", "{} - {} yes"]),
)
def test_doubt_is_unknown(word: str, hedge: str, form: str) -> None:
    assert read_yes_no(form.format(word, hedge)) == "unknown"


NEITHER = """yes and no|no, yes|yes, no|No doubt|no problem|Yes, there is no cat|yes, it isn't|not|not yes|I think yes|
3|yesterday|nothing|unknown|true or false|Yes - partly|"""


@pytest.mark.parametrize("said", NEITHER.replace("\n", "").split("|"))
def test_what_contradicts_itself_or_says_neither_is_unknown(said: str) -> None:
    assert read_yes_no(said) == "unknown"


@given(st.text(max_size=40))
def test_any_text_is_read_or_unknown(text: str) -> None:
    count = read_count(text, CATS)
    assert count is None or count >= 0
    assert read_yes_no(text) in ("yes", "no", "unknown")
