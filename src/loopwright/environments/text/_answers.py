"""Answers with known targets, and the rules that compare them."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from loopwright.environments._scores import Score

_NUMBER = re.compile(r"(?<![\d.])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?|[-+]?\.\d+")
_ARTICLES = frozenset({"a", "an", "the"})
_AROUND = string.punctuation + "\u2018\u2019\u201c\u201d\u2026$\u20ac\u00a3"
_MARKS = re.compile(r"[*_`$\"'\u2018\u2019\u201c\u201d]")
_BOXED = re.compile(r"\\boxed\s*\{(?:\\text\s*\{)?")
_CHOSEN = re.compile(
    r"\banswer(?P<link>\s*[:=]\s*(?:is\b)?|\s+is\b\s*:?)\s*(?:(?:option|choice)\s+)?"
    r"(?P<open>[(\[{]?)\s*(?P<letter>[a-z])(?!\w)[)\]}]*(?P<rest>[^\n]*)",
    re.IGNORECASE,
)
_ALONE = re.compile(r"[(\[]?([A-Za-z])(?:[)\].:]+(?:\s.*)?)?")
_WORDS = frozenset("AI")
"""Letters that are words as well."""


@dataclass(frozen=True, slots=True)
class AnswerOutcome:
    """An answer in words, and the targets of which one is enough."""

    answer: str
    targets: tuple[str, ...]
    gold_failed: ClassVar[bool] = False

    async def exact(self) -> Score:
        """1 where the answer has the words of a target and no others.

        Case, articles, blanks and punctuation around words do not count; numbers are compared by value.
        """
        return _best(float(_same(self.answer, target)) for target in self.targets)


class IncludesRule:
    """1 where the words of a target stand in the answer, one after the other."""

    async def score(self, outcome: AnswerOutcome) -> Score:
        """Looks for each target."""
        answer = words(outcome.answer)
        return _best(float(_within(answer, words(target))) for target in outcome.targets)


class MatchRule:
    """1 where the answer ends with a target; a number must be the last number of the answer."""

    async def score(self, outcome: AnswerOutcome) -> Score:
        """Compares the end of the answer."""
        return _best(float(_ends(outcome.answer, target)) for target in outcome.targets)


class F1Rule:
    """How far the words of the answer are those of a target: 2 P R / (P + R).

    P and R are the shares of the answer's and of the target's words that both have.
    """

    async def score(self, outcome: AnswerOutcome) -> Score:
        """Counts words in common."""
        answer = words(outcome.answer)
        return _best(_f1(answer, words(target)) for target in outcome.targets)


class ChoiceRule:
    """1 where the answer chooses the letter of a target: the last `ANSWER: B`, or a letter alone."""

    async def score(self, outcome: AnswerOutcome) -> Score:
        """Compares the letters."""
        chosen = chosen_letter(outcome.answer)
        score = _best(float(chosen == target.strip().upper()) for target in outcome.targets)
        return Score(score.value, {"chosen": chosen})


def words(text: str) -> tuple[str, ...]:
    """The words that are compared: without case, articles and punctuation around them, numbers by their value."""
    found = tuple(filter(None, (_word(part) for part in text.split())))
    return tuple(word for word in found if word not in _ARTICLES) or found


def is_number(text: str) -> bool:
    """Whether a text is a number and nothing else, as `match` compares it."""
    return bool(_NUMBER.fullmatch(text.strip()))


def numbers(text: str) -> tuple[float, ...]:
    """The numbers in a text, in their order."""
    return tuple(float(found.replace(",", "")) for found in _NUMBER.findall(text))


def chosen_letter(answer: str) -> str:
    """The capital letter that an answer chooses; empty where it chooses none."""
    plain = _MARKS.sub("", _BOXED.sub("answer: (", answer))
    chosen = [found["letter"] for found in _CHOSEN.finditer(plain) if _is_choice(found)]
    alone = _ALONE.fullmatch(plain.strip())
    return (chosen[-1] if chosen else alone[1] if alone else "").upper()


def _is_choice(found: re.Match[str]) -> bool:
    """Whether a letter after "answer" is one, and not a word of a sentence."""
    letter, rest = found["letter"], found["rest"]
    if found["open"] or not rest.strip(" .,;:!)]}"):
        return True
    goes_on = rest[:1] == " " and rest.strip()[:1].islower()
    return letter.isupper() and not (goes_on and (letter in _WORDS or ":" not in found["link"]))


def _word(part: str) -> str:
    bare = part.strip(_AROUND.replace("-", "").replace("+", "").replace(".", "")).rstrip(".")
    if _NUMBER.fullmatch(bare):
        return repr(float(bare.replace(",", "")))
    return part.strip(_AROUND).casefold()


def _same(answer: str, target: str) -> bool:
    wanted = words(target)
    return words(answer) == wanted if wanted else answer.strip() == target.strip()


def _within(answer: Sequence[str], target: Sequence[str]) -> bool:
    size = len(target)
    return size > 0 and any(answer[at : at + size] == target for at in range(len(answer) - size + 1))


def _ends(answer: str, target: str) -> bool:
    if is_number(target):
        return numbers(answer)[-1:] == numbers(target)
    wanted = words(target)
    return len(wanted) > 0 and words(answer)[-len(wanted) :] == wanted


def _f1(answer: Sequence[str], target: Sequence[str]) -> float:
    common = (Counter(answer) & Counter(target)).total()
    return 2 * common / (len(answer) + len(target)) if common else 0.0


def _best(values: Iterable[float]) -> Score:
    return Score(max(values, default=0.0))
