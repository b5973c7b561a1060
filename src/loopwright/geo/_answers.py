"""What a model answers to "how much, on this scale": a number is read out of its words, or the reply is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 4000
"""Characters of a reply that is read, at most."""
_NUMBER = r"[-\u2212+]?(?:\d++(?:[.,]\d++)*+|[.,]\d++)"
_THOUSANDS = re.compile(r"[-\u2212+]?[1-9]\d{0,2}(?:,\d{3})+")
_BARE = re.compile(rf"[\s\"'*_`\[(<{{]*({_NUMBER})\s*[.]?[\s\"'*_`\])>}}]*")
_POWER = r"(?:e[-\u2212+]?\d+|\s*\^|\s*[x\u00d7*\u00b7]\s*10\b|[\u00b9\u00b2\u00b3\u2070\u2074-\u2079\u207b])"
_SCALE = re.compile(
    rf"(?:\bon\s+)?(?:\ba\s+|\bthe\s+)?\bscale\b[^.\n]{{0,20}}?\b(?:from\s+|of\s+)?{_NUMBER}\s*(?:to|-|\u2013|and)\s*{_NUMBER}"
    rf"|\b(?:from|between)\s+{_NUMBER}\s*(?:to|and|-|\u2013)\s*{_NUMBER}"
    rf"|(?:/|\bout\s+of)\s*{_NUMBER}",
    re.IGNORECASE,
)
_QUOTED = re.compile(
    r"\"([^\"\n]+)\"|\u201c([^\u201d\n]+)\u201d|\u00ab([^\u00bb\n]+)\u00bb|(?<!\w)'([^\n]+?)'(?!\w)|`([^`\n]+)`"
)
"""Text between quotation marks."""
_MARKED = tuple(
    re.compile(
        rf"\b(?:{words})\b[\"'*_]{{0,4}}(?:\s+(?:is|would\s+be|of))?\s*[:=]?\s*(?:about|around)?"
        rf"[\s\"'*_`\[(]*({_NUMBER}{_POWER}?(?:\s*(?:-|\u2013|\u2212|\bto\b|\bor\b)\s*{_NUMBER}{_POWER}?)?)",
        re.IGNORECASE,
    )
    for words in ("answer", "rating|value|score|estimate")
)
"""What marks a number, with the second number of a range or a power; the first rank goes before the second."""
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_WORD = re.compile(rf"\b({'|'.join(_WORDS)})\b", re.IGNORECASE)
_PRONOUN = re.compile(
    rf"\b(?:no|this|that|each|which|every) one\b|\bone of (?!(?:{'|'.join(_WORDS)})\b)", re.IGNORECASE
)
_BEFORE = r"(?:(?:about|around|roughly|an?|as|at|with) ){0,3}[\"'*_`\[(]{0,4}"
_MARK = r"\b(?:answer|rating|value|score|estimate)\b[\"'*_]{0,4}"
_PLACE = "it|this (?:place|area|site|region|town|city|village|image)"
_NOT = r"(?<!not )(?<!n['\u2019]t )"
_ONE_MARKED = re.compile(
    rf"{_MARK}(?: (?:is|would be) ?[:=]?| ?[:=]) ?{_BEFORE}one\b(?!-\w| (?:of|that|which|who|whose|where|and a|point"
    r"|half|third|quarter|fourth|fifth|tenth|hundred|thousand|million)\b)",
    re.IGNORECASE,
)
_ONE_ALONE = re.compile(
    rf"(?:{_MARK}(?: of| -)?|{_NOT}\b(?:say|guess|think|go with|rated)|"
    rf"{_NOT}\b(?:rat|giv|scor|call)(?:e|es|ed|ing)? (?:{_PLACE})|\b(?:it|this|that)(?: is|['\u2019]s| would be)"
    rf"|\bis an?|(?:^|[.!?:;] )[\W_]{{0,8}})"
    rf" ?(?<!\w){_BEFORE}one\b[\"'*_`)\]]{{0,4}} ?"
    r"(?:$|[.,;:!?\u2014)]|(?:-|because|since|as|given|due|based|but|so)\s)",
    re.IGNORECASE,
)
"""Where "one" is a rating: marked as the answer, or said without a noun behind it. Elsewhere it is often a pronoun."""


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

    def read(self, text: str, shown: str = "") -> float:
        """The answer in a reply.

        A number that is marked as the answer goes before others, and the word "answer" before words such as "score".
        What repeats the scale is passed over, and so is what a reply quotes. A decimal comma is read too.

        Args:
            text: The reply.
            shown: What the model was shown: words from there between quotation marks are no answer, unless they are
                all of the reply.

        Raises:
            Unreadable: There is no number, more than one could be meant, or it is not on the scale; or the reply has
                more than 4,000 characters.
        """
        if len(text) > LONGEST:
            raise Unreadable(f"it has {len(text):,} characters; at most {LONGEST:,} are read")
        value = _number_in(re.sub(r"\s+", " ", _unquoted(text.strip(), shown)))
        if not self.low <= value <= self.high:
            raise Unreadable(f"{value:g} is not on the scale from {self}")
        return value


def _unquoted(text: str, shown: str) -> str:
    """A reply without what it quotes of what the model was shown."""
    known = " ".join(shown.split()).casefold()

    def left(quoted: re.Match[str]) -> str:
        words = next(filter(None, quoted.groups())).split()
        repeats = len(words) > 1 and " ".join(words).casefold().rstrip(".,;:!") in known
        return " it " if repeats and quoted[0] != text else quoted[0]

    return _QUOTED.sub(left, text)


def _number_in(text: str) -> float:
    if bare := _BARE.fullmatch(text):
        return _as_float(bare[1])
    rest = _SCALE.sub(" ", text)
    for pattern in _MARKED:
        if marked := {_as_float(one) for one in pattern.findall(rest)}:
            if len(marked) > 1:
                raise Unreadable("it marks several numbers")
            return marked.pop()
    numbers = {_as_float(one) for one in re.findall(rf"(?<![\w.,]){_NUMBER}(?!\w|[.,]\d)", rest)}
    if not numbers:
        numbers = _words_in(re.sub(r"\s+", " ", _PRONOUN.sub("it ", rest)))
    if len(numbers) != 1:
        raise Unreadable("there is no number in it" if not numbers else "it holds several numbers, and none is marked")
    return numbers.pop()


def _words_in(text: str) -> set[float]:
    """The numbers that are written as words; "one" next to others counts always, and alone if it is a rating."""
    numbers = {float(_WORDS.index(word.lower())) for word in _WORD.findall(text)}
    return numbers if numbers != {1.0} or _ONE_MARKED.search(text) or _ONE_ALONE.search(text) else set()


def _as_float(text: str) -> float:
    if _THOUSANDS.fullmatch(text):
        raise Unreadable(f"{text} may be thousands or a decimal comma; write it without a comma")
    if re.search(_POWER, text, re.IGNORECASE):
        raise Unreadable(f"{text} is a power; write the number without an exponent")
    try:
        return float(text.replace(",", ".").replace("\u2212", "-"))
    except ValueError:
        raise Unreadable(f"{text} is not one number") from None
