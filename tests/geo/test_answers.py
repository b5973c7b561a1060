"""What is read out of a model's words, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.geo import Scale, Unreadable

SCALE = Scale(0.0, 9.9)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("My answer is 4.5.", 4.5),
        ("My answer is: 4.5", 4.5),
        ("4.5", 4.5),
        ("**4.5**", 4.5),
        ("4", 4.0),
        ("4.", 4.0),
        ("[4.20]", 4.2),
        ("4,2", 4.2),
        ("0.00", 0.0),
        ("My answer is **[4.20]**.", 4.2),
        ("around four", 4.0),
        ("I would say four.", 4.0),
        ("On a scale from 0.0 to 9.9, my answer is 4.2.", 4.2),
        ("On a scale from 0 to 9.9 (on a scale from 0.0 to 9.9): 4.2", 4.2),
        ("4.2/9.9", 4.2),
        ("4.2 out of 9.9", 4.2),
        ("There are 3 cities within 100 km, so the rating is 4.2.", 4.2),
        ('{"rating": 4.2}', 4.2),
        ("Rating: 4.2", 4.2),
        ("My answer is 4.5. A score of 9 would be the highest.", 4.5),
        ("Neighbours are at 8, so my answer is 5.0. Neighbours have a value of 8.1.", 5.0),
        ("The city has 1,234,567 people; my answer is 4.5.", 4.5),
        ("My answer is 4.5. As I said, my answer is 4.5.", 4.5),
        ("My answer\n\n\n4.5", 4.5),
        ("One.", 1.0),
        ("I would say that the answer is one.", 1.0),
        ("Some 1e6 people live there, so my answer is 4.", 4.0),
        ("I'd say one.", 1.0),
        ("It is a one.", 1.0),
        ("It\u2019s one.", 1.0),
        ("I would rate it one.", 1.0),
        ("I'd rate this place as a one, given its roads.", 1.0),
        ("My answer is one because it is poor.", 1.0),
        ("The rating would be **one**", 1.0),
        ('{"rating": "one"}', 1.0),
        ("One, as it is poor.", 1.0),
        ("A poor place. One.", 1.0),
        ("around one", 1.0),
        ("I think one, but I'd go with one.", 1.0),
        ("The answer is one and that is low.", 1.0),
        ("One out of 9.9", 1.0),
        ("This one is a one.", 1.0),
        ("No one lives there, so I'd say one.", 1.0),
        ("No one would doubt that it is four.", 4.0),
        ("I'd say that this one is four.", 4.0),
        ("The answer is 4; 5e-1 of the town is a lake.", 4.0),
    ],
)
def test_answers(text: str, value: float) -> None:
    assert SCALE.read(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "12.0",
        "My answer is 45.00.",
        "-1",
        "I cannot say.",
        "",
        "2 or 7",
        "NaN",
        "1e99",
        "inf",
        "4-5",
        "My answer is 4-5.",
        "My answer is 4 to 5.",
        "The rating is 3. Neighbours have a value of 8.",
        "My answer is 1.2.3",
        "My answer is 1e5.",
        "The answer is 5e-1",
        "I cannot rate this one.",
        "No one knows the answer.",
        "It is one of the poorest places.",
        "It is one town by the sea.",
        "There is one lake.",
        "It is twenty-one.",
        "The value one would expect is not known.",
        "I would not say one.",
        "That one cannot be rated.",
        "Each one is poor, every one of them.",
        "The answer is one. There are two lakes.",
        "One lake; I would say two.",
        "one or two",
        "between one and two",
        "one of ten",
        "The answer is one half.",
        "The answer is one and a half.",
        "The answer is 5e-1; the town has 3 lakes.",
        "Rating: 5E\u22121, and 3 lakes",
        "The answer is 4 to 1e5; the town has 3 lakes.",
        "My answer is 2^3; the town has 3 lakes.",
        "My answer is 5 \u00d7 10^-1; the town has 3 lakes.",
    ],
)
def test_no_answers(text: str) -> None:
    with pytest.raises(Unreadable):
        SCALE.read(text)


def test_a_scale_may_go_below_zero() -> None:
    assert Scale(-5, 5).read("My answer is \u22123.5.") == -3.5


@given(st.integers(0, 99), st.sampled_from(["My answer is {}.", "{}", "[{}]", "**{}**", "Rating: {}", "{} out of 9.9"]))
def test_what_is_written_is_read(tenths: int, form: str) -> None:
    assert SCALE.read(form.format(f"{tenths / 10:.1f}")) == tenths / 10


@given(st.text(max_size=80))
def test_whatever_is_read_is_on_the_scale(text: str) -> None:
    try:
        value = SCALE.read(text)
    except Unreadable:
        return
    assert 0.0 <= value <= 9.9


@pytest.mark.parametrize("text", ["1,234", "My answer is 1,234.", "12,345", "1,234,567"])
def test_what_may_be_thousands_is_asked_again(text: str) -> None:
    with pytest.raises(Unreadable, match="thousands"):
        Scale(0, 10_000).read(text)


def test_a_long_reply_is_refused_unread() -> None:
    assert SCALE.read("My answer" + "\n" * 800 + "4.5") == 4.5
    with pytest.raises(Unreadable, match="4,008 characters"):
        SCALE.read("My answer" + "\n" * 3996 + "4.5")


@pytest.mark.parametrize(
    "quote", ['"My answer is 9.9."', "'my answer  is 9.9'", "`rating: 9.9`", "\u201cMy answer is 9.9\u201d"]
)
def test_what_a_text_about_a_place_says_is_no_answer(quote: str) -> None:
    shown = "A quiet valley. My answer is 9.9. Rating: 9.9, says its mayor."
    assert Scale().read(f"The text says {quote}, which I do not follow. My answer is 2.5.", shown) == 2.5
    with pytest.raises(Unreadable, match="no number"):
        Scale().read(f"The text says {quote}. I cannot tell.", shown)
    assert Scale().read(quote, shown) == 9.9, "it agrees"
    assert Scale().read(f"I agree with {quote}. My answer is 9.9.", shown) == 9.9
    assert Scale().read(f"I say {quote.replace('9.9', '3.1')}.", shown) == 3.1, "its own words in quotation marks"
