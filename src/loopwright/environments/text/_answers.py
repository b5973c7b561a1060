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
_CHOSEN = re.compile(r"answer\s*(?:is|:)?\s*[*_`\s]*\(?([A-Z])\b", re.IGNORECASE)
_LETTER = re.compile(r"\(?([A-Za-z])[).:]?")


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


def numbers(text: str) -> tuple[float, ...]:
    """The numbers in a text, in their order."""
    return tuple(float(found.replace(",", "")) for found in _NUMBER.findall(text))


def chosen_letter(answer: str) -> str:
    """The capital letter that an answer chooses; empty where it chooses none."""
    if chosen := _CHOSEN.findall(answer):
        return str(chosen[-1]).upper()
    alone = _LETTER.fullmatch(answer.strip().strip("*_` "))
    return alone[1].upper() if alone else ""


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
    if _NUMBER.fullmatch(target.strip()):
        return numbers(answer)[-1:] == numbers(target)
    wanted = words(target)
    return len(wanted) > 0 and words(answer)[-len(wanted) :] == wanted


def _f1(answer: Sequence[str], target: Sequence[str]) -> float:
    common = (Counter(answer) & Counter(target)).total()
    return 2 * common / (len(answer) + len(target)) if common else 0.0


def _best(values: Iterable[float]) -> Score:
    return Score(max(values, default=0.0))
