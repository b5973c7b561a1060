"""Answers with known targets, and the rules that compare them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from loopwright.environments._scores import Score
from loopwright.environments.text._choice import chosen_letter
from loopwright.environments.text._numbers import is_number, last_numbers
from loopwright.environments.text._plain import CJK, EMPHASIS, NUMBER, PLAIN_NUMBER, marked, plain, value

_BOXED = re.compile(r"\${0,2}(?:\\[(\[])?\s?\\f?boxed? ?\{(.*)\}\s?(?:\\[)\]])?\${0,2}\.?", re.DOTALL)
_STARRED = re.compile(r"(?<![\w*])([*_])(?=\S)((?:(?!\1)[^\n]){1,200})(?<=\S)\1(?![\w*])")
_FONT = re.compile(r"\\(?:text|math)(?:rm|bf|it|sf|tt|normal)? ?\{([^{}]*)\}|(?<!\\)\\[()\[\]]")
"""Words in LaTeX, and what stands around its formulas."""
_HYPHEN = re.compile(r"(?<=[^\W\d_]{2})-(?=[^\W\d_]{2})")
_TOKEN = re.compile(
    rf"(?<![\w.)\]])[-+]?(?:{PLAIN_NUMBER})|(?:{PLAIN_NUMBER})|[{CJK}]|[^\W\d_{CJK}][^\W{CJK}]*(?:'(?!s\b)\w+)?|\S"
)
_DROPPED = frozenset(",;:?\"'\u2026\u3002\u3001\uff0c")
_ARTICLES = frozenset({"a", "an", "the"})
_BRACKETS = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class AnswerOutcome:
    """An answer in words, and the targets of which one is enough."""

    answer: str
    targets: tuple[str, ...]
    gold_failed: ClassVar[bool] = False

    async def exact(self) -> Score:
        """1 if the answer has the words, numbers and signs of a target and no others, in their order.

        Case, articles, blanks, commas, quotation marks and a full stop at the end do not count; numbers are compared by
        their value.
        """
        answer = words(self.answer)
        return _best(float(answer == words(target) != ()) for target in self.targets)


class IncludesRule:
    """1 if the words of a target stand in the answer, one after the other."""

    async def score(self, outcome: AnswerOutcome) -> Score:
        """Looks for each target."""
        answer = words(outcome.answer)
        return _best(float(_within(answer, words(target))) for target in outcome.targets)


class MatchRule:
    """1 if the answer, or its last box, ends with a target; a number must be the last number there."""

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
    """1 if the answer chooses the letter of a target: the last `ANSWER: B`, or an answer that begins with a letter.

    An answer that names several letters at once chooses none.
    """

    async def score(self, outcome: AnswerOutcome) -> Score:
        """Compares the letters."""
        chosen = chosen_letter(outcome.answer)
        score = _best(float(chosen == chosen_letter(target) != "") for target in outcome.targets)
        return Score(score.value, {"chosen": chosen})


def words(text: str) -> tuple[str, ...]:
    """What is compared of a text: its words without case and articles, its numbers by their value, its signs."""
    flat = plain(text)
    boxed = _BOXED.fullmatch(flat.strip())
    flat = _FONT.sub(r"\1", boxed[1] if boxed else flat)
    flat = _HYPHEN.sub(" ", _STARRED.sub(r"\2", EMPHASIS.sub("", flat))).strip().rstrip(".")
    if len(flat) > 1 and flat[-1] == "!" and flat[-2].isalpha():
        flat = flat.rstrip("!")
    if flat and _BRACKETS.get(flat[0]) == flat[-1]:
        flat = flat[1:-1]
    found = tuple(_token(part) for part in _TOKEN.findall(flat) if part not in _DROPPED)
    return tuple(word for word in found if word not in _ARTICLES) or found


def _token(part: str) -> str:
    return value(part) if part[-1].isdigit() and NUMBER.fullmatch(part) else part.casefold()


def _within(answer: Sequence[str], target: Sequence[str]) -> bool:
    return len(target) > 0 and "\x1f".join(["", *target, ""]) in "\x1f".join(["", *answer, ""])


def _ends(answer: str, target: str) -> bool:
    if is_number(target):
        return value(plain(target).strip()) in last_numbers(answer)
    wanted = words(target)
    return len(wanted) > 0 and words(marked(answer) or answer)[-len(wanted) :] == wanted


def _f1(answer: Sequence[str], target: Sequence[str]) -> float:
    common = (Counter(answer) & Counter(target)).total()
    return 2 * common / (len(answer) + len(target)) if common else 0.0


def _best(values: Iterable[float]) -> Score:
    return Score(max(values, default=0.0))
