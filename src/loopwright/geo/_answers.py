"""What a model answers to "how much, on this scale": a number is read out of its words, or the reply is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 4000
"""Characters of a reply that is read, at most."""
_NUMBER = r"[-\u2212+]?(?:\d++(?:[.,]\d++)*+|[.,]\d++)"
_THOUSANDS = re.compile(r"[-\u2212+]?[1-9]\d{0,2}(?:,\d{3})+")
_BARE = re.compile(rf"[\s\"'*_`\[(<{{]*({_NUMBER})\s*[.]?[\s\"'*_`\])>}}]*")
_POWER = re.compile(rf"{_NUMBER}e[-\u2212+]?\d+", re.IGNORECASE)
_SCALE = re.compile(
    rf"(?:\bon\s+)?(?:\ba\s+|\bthe\s+)?\bscale\b[^.\n]{{0,20}}?\b(?:from\s+|of\s+)?{_NUMBER}\s*(?:to|-|\u2013|and)\s*{_NUMBER}"
    rf"|\b(?:from|between)\s+{_NUMBER}\s*(?:to|and|-|\u2013)\s*{_NUMBER}"
    rf"|(?:/|\bout\s+of)\s*{_NUMBER}",
    re.IGNORECASE,
)
_MARKED = tuple(
    re.compile(
        rf"\b(?:{words})\b[\"'*_]{{0,4}}(?:\s+(?:is|would\s+be|of))?\s*[:=]?\s*(?:about|around)?"
        rf"[\s\"'*_`\[(]*({_NUMBER}(?:\s*(?:-|\u2013|\u2212|\bto\b|\bor\b)\s*{_NUMBER})?)",
        re.IGNORECASE,
    )
    for words in ("answer", "rating|value|score|estimate")
)
"""What marks a number, with the second number of a range; the first rank goes before the second."""
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_WORD = re.compile(rf"\b({'|'.join(word for word in _WORDS if word != 'one')})\b", re.IGNORECASE)
_ONE = re.compile(
    r"(?:.*\b(?:answer|rating|value|score|estimate)\b[\"'*_]{0,4}(?:\s+(?:is|would\s+be|of))?\s*[:=]?)?[\W_]*\bone[\W_]*",
    re.IGNORECASE,
)
"""A reply that ends with "one" as its answer; "no one" and "one of the towns" say no number."""


class Unreadable(ValueError):
    """A reply holds no answer that can be used; the message says why, for the model."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The one scale of a task, at every stage."""

    low: float = 0.0
    high: float = 9.9

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"a scale goes up: {self}")

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}"

    def read(self, text: str) -> float:
        """The answer in a reply.

        A number that is marked as the answer goes before others, and the word "answer" before words such as "score".
        What repeats the scale is passed over. A decimal comma is read too.

        Raises:
            Unreadable: There is no number, more than one could be meant, or it is not on the scale; or the reply has
                more than 4,000 characters.
        """
        if len(text) > LONGEST:
            raise Unreadable(f"it has {len(text):,} characters; at most {LONGEST:,} are read")
        value = _number_in(re.sub(r"\s+", " ", text))
        if not self.low <= value <= self.high:
            raise Unreadable(f"{value:g} is not on the scale from {self}")
        return value


def _number_in(text: str) -> float:
    if bare := _BARE.fullmatch(text):
        return _as_float(bare[1])
    rest = _SCALE.sub(" ", _POWER.sub(" ", text))
    for pattern in _MARKED:
        if marked := {_as_float(one) for one in pattern.findall(rest)}:
            if len(marked) > 1:
                raise Unreadable("it marks several numbers")
            return marked.pop()
    numbers = {_as_float(one) for one in re.findall(rf"(?<![\w.,]){_NUMBER}(?!\w|[.,]\d)", rest)}
    if not numbers:
        words = [*_WORD.findall(rest), *(["one"] if _ONE.fullmatch(rest) else [])]
        numbers = {float(_WORDS.index(word.lower())) for word in words}
    if len(numbers) != 1:
        raise Unreadable("there is no number in it" if not numbers else "it holds several numbers, and none is marked")
    return numbers.pop()


def _as_float(text: str) -> float:
    if _THOUSANDS.fullmatch(text):
        raise Unreadable(f"{text} may be thousands or a decimal comma; write it without a comma")
    try:
        return float(text.replace(",", ".").replace("\u2212", "-"))
    except ValueError:
        raise Unreadable(f"{text} is not one number") from None
