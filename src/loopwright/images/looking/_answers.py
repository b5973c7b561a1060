"""What a vision model's answer means, where that is certain."""

from __future__ import annotations

import re
from typing import Literal

from loopwright.images.checklist import CountAtom

_YES, _NO = frozenset({"yes", "true"}), frozenset({"no", "false"})
_DENIED = frozenset({"not", "none", "nothing", "neither", "nor", "without", "never", "t", "cannot"})
"""Words that turn a "yes" round; `t` is left of "isn't"."""
_HEDGED = frozenset(
    [
        "but",
        "or",
        "and",
        "maybe",
        "perhaps",
        "possibly",
        "probably",
        "likely",
        "almost",
        "mostly",
        "partly",
        "partially",
        "somewhat",
        "hardly",
        "only",
        "some",
        "half",
        "if",
        "except",
        "although",
        "though",
        "however",
        "unless",
        "unclear",
        "unsure",
        "uncertain",
        "unknown",
        "wait",
        "actually",
        "sort",
        "kind",
    ]
)
_NUMBERS = [
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
_FILLERS = frozenset({"is", "are", "there", "exactly", "i", "see", "count"})
_MOST_DIGITS = 5


def read_yes_no(text: str) -> Literal["yes", "no", "unknown"]:
    """Whether an answer says yes or no by its first word; one that also says the opposite, or doubts, is unknown."""
    words = _words(text)
    if not words or not words[0].isalpha():
        return "unknown"
    first, rest = words[0], set(words[1:])
    if first in _YES:
        return "unknown" if rest & (_NO | _DENIED | _HEDGED) else "yes"
    # "No doubt" and "no problem" say yes, so more than the word itself is set off from it.
    set_off = len(words) == 1 or re.match(r"\W*\w+\W*[,.;:!\n-]", text)
    return "no" if first in _NO and set_off and not rest & (_YES | _HEDGED) else "unknown"


def read_count(text: str, atom: CountAtom) -> int | None:
    """The number that an answer to "How many" says; None where it says none, several, or more than that.

    Args:
        text: The answer: a number in digits or, up to twenty, as a word, perhaps with the object and "there are".
        atom: The question.
    """
    text = re.sub(r"(?<![\d.,])(\d+)\.0{1,2}(?![\d.,]*\d)", r"\1", text)
    if re.search(r"\d\W\d|[^\w\s.,;:!()'\"`*]", _visible(text)):
        return None
    object_ = {*_words(atom.open_question), *_words(atom.object)}
    words = _words(text)
    if words[:1] == ["no"] and words[1:] and set(words[1:]) <= object_:
        return 0
    left = [word for word in words if _number(word) is not None or word not in object_ | _FILLERS]
    numbers = [_number(word) for word in left]
    twice = len(left) == 2 and numbers[0] == numbers[1] and left[0].isdecimal() != left[1].isdecimal()
    return numbers[0] if len(left) == 1 or twice else None


def _number(word: str) -> int | None:
    if word.isdecimal():
        return int(word) if len(word) <= _MOST_DIGITS else None
    return 0 if word == "none" else _NUMBERS.index(word) if word in _NUMBERS else None


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", _visible(text).lower())


def _visible(text: str) -> str:
    """Without signs that have no width, such as those that join letters."""
    return "".join(sign for sign in text if sign.isprintable() or sign.isspace())
