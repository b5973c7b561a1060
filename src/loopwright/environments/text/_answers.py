"""Answers with known targets, and the rules that compare them."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from loopwright.environments._scores import Score

LONGEST = 100_000
"""Characters of an answer that are compared: of a longer one the last."""

_SIGNS = str.maketrans(
    {
        "\u2212": "-",
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2014": " ",
        "\u2013": "-",
        "\u2044": "/",
    }
)
_RAISED_DIGITS = "\u00b2\u00b3\u00b9\u2070\u2074-\u2079"
_POWER = re.compile(f"(?<=\\d)(?=\u207b?[{_RAISED_DIGITS}])")
_RAISED = re.compile(f"(?<=[\\w)\\]}}])(?<![{_RAISED_DIGITS}])(?=\u207b?[{_RAISED_DIGITS}])")
_FRACTION = re.compile("(?<=[0-9])(?=[\u00bc-\u00be\u2150-\u215e])")
"""Where signs begin that stand for several: `2\u00b3` is no 23, and `1\u00bd` no 11/2."""
_PART = re.compile(
    r"\\[dtc]?frac ?\{([^{}]*)\} ?\{([^{}]*)\}|\\sqrt ?(?:\[[^\]\n]{0,9}\])? ?\{([^{}]*)\}|\^ ?\{([^{}]*)\}"
)
"""A fraction, a root or a power in LaTeX: a number in it is a part of another one."""
_NESTED = 3
_NO_POWER = re.compile(
    r"\^ ?(?:\\circ\b|\{ ?(?:\\circ|(?:\\(?:text|math)(?:rm)? ?\{)? ?(?:st|nd|rd|th) ?\}?) ?\})", re.IGNORECASE
)
"""Degrees and ordinals, which are written as powers in LaTeX."""
_LENGTH = "(?:[kcdmn]?m|in|inch|inches|ft|feet|foot|yd|mi|miles?|(?:kilo|centi|milli)?met(?:er|re)s?|m?s|min|h)"
_UNIT_POWER = re.compile(
    rf"(?<=\d) ?(?:(?:{_LENGTH}(?:\^-?[1-4])?|k?[gNJW]|mol|K)(?: ?[/*\u00b7\u22c5] ?| )){{0,3}}{_LENGTH}"
    r"\^(?:-?[1-4]|\{ ?-?[1-4] ?\})(?![\w^]|[{(.]\w)"
)
"""A unit with a power behind a number, as in `42 cm^2`; `3 x^2` is no number."""
_THOUSANDS = re.compile(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}\b)")
_EMPHASIS = re.compile(r"^`{3,}\w*$|\*\*|__|`|</?answer>|<\|(?:begin|end)_of_box\|>", re.MULTILINE)
_STARRED = re.compile(r"(?<![\w*])\*(?=\S)([^*\n]{1,200})(?<=\S)\*(?![\w*])")
_HYPHEN = re.compile(r"(?<=[^\W\d_]{2})-(?=[^\W\d_]{2})")
_PLAIN_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d{1,4})?|\.\d+(?:[eE][-+]?\d{1,4})?"
_NUMBER = re.compile(rf"[-+]?(?:{_PLAIN_NUMBER})")
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_TOKEN = re.compile(
    rf"(?<![\w.)\]])[-+]?(?:{_PLAIN_NUMBER})|(?:{_PLAIN_NUMBER})|[{_CJK}]|[^\W\d_{_CJK}][^\W{_CJK}]*(?:'(?!s\b)\w+)?|\S"
)
_RUN = re.compile(r"(?:[-+\d.,/:^*%]|(?<=\d)[eE](?=[-+]?\d))+")
_DROPPED = frozenset(",;:?\"'\u2026\u3002\u3001\uff0c")
_ARTICLES = frozenset({"a", "an", "the"})
_BRACKETS = {"(": ")", "[": "]", "{": "}"}

_MARKS = re.compile(r"[*_`$\"']|</?answer>\s?")
_BOXED = re.compile(r"\\boxed ?\{(?:\\(?:text|math)(?:bf|rm|it|sf|tt|normal)? ?\{)?(?:\((?=[A-Za-z]\)(?![-^*/+=(])))?")
_BLANKS = re.compile(r"[^\S\n]+")
_LINES = re.compile(r"[ \n]*\n[ \n]*")
# Blanks are single there, so that no two parts of the pattern can take the same ones.
_CHOSEN = re.compile(
    r"\banswer(?P<link> ?(?:is)? ?[:=-](?: is)?| is) ?\n?(?:(?:option|choice) )?"
    r"(?P<open>[(\[{]?)(?P<letter>[a-z])(?!\w)[)\]}]?(?=(?P<rest>[^\n]{0,40}))",
    re.IGNORECASE,
)
_ALONE = re.compile(r"[(\[]?([A-Za-z])(?:[)\].:]+(?: .*)?)?")
_LAST = re.compile(r"[(\[]?([A-Z])[)\].](?: .*)?")
_WORDS = frozenset("AI")
"""Letters that are words as well."""


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
    """1 if the answer ends with a target; a number must be the last number of the answer."""

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
    """1 if the answer chooses the letter of a target: the last `ANSWER: B`, or an answer that begins with a letter."""

    async def score(self, outcome: AnswerOutcome) -> Score:
        """Compares the letters."""
        chosen = chosen_letter(outcome.answer)
        score = _best(float(chosen == chosen_letter(target) != "") for target in outcome.targets)
        return Score(score.value, {"chosen": chosen})


def words(text: str) -> tuple[str, ...]:
    """What is compared of a text: its words without case and articles, its numbers by their value, its signs."""
    plain = _HYPHEN.sub(" ", _STARRED.sub(r"\1", _EMPHASIS.sub("", _plain(text)))).strip()
    plain = plain.rstrip(".")
    if len(plain) > 1 and plain[-1] == "!" and plain[-2].isalpha():
        plain = plain.rstrip("!")
    if plain and _BRACKETS.get(plain[0]) == plain[-1]:
        plain = plain[1:-1]
    found = tuple(_token(part) for part in _TOKEN.findall(plain) if part not in _DROPPED)
    return tuple(word for word in found if word not in _ARTICLES) or found


def is_number(text: str) -> bool:
    """Whether a text is a number and nothing else, as `match` compares it."""
    return bool(_NUMBER.fullmatch(_plain(text).strip()))


def last_number(text: str) -> str:
    """The last number of a text by its value; empty if there is none, or if it is part of a date, a ratio or a sum."""
    plain = _plain(_RAISED.sub("^", text[-LONGEST:]))
    plain = _NO_POWER.sub(" ", _UNIT_POWER.sub("", _EMPHASIS.sub("", plain)))
    for _ in range(_NESTED):
        plain = _PART.sub(_without_numbers, plain)
    runs = _RUN.findall(plain)
    run = next((run for run in reversed(runs) if any(map(str.isdecimal, run))), "")
    last = run.rstrip(".,:*%").lstrip(".,:/*%")
    return _value(last) if _NUMBER.fullmatch(last) else ""


def chosen_letter(answer: str) -> str:
    """The capital letter that an answer chooses; empty if it chooses none."""
    plain = _MARKS.sub(lambda mark: "answer: " if mark[0].startswith("<a") else "", _plain(answer))
    plain = _BOXED.sub("answer: (", _LINES.sub("\n", _BLANKS.sub(" ", plain))).strip()
    chosen = [found["letter"] for found in _CHOSEN.finditer(plain) if _is_choice(found)]
    if chosen:
        return chosen[-1].upper()
    alone = _ALONE.fullmatch(plain) or _LAST.fullmatch(plain.rpartition("\n")[2])
    return alone[1].upper() if alone else ""


def _is_choice(found: re.Match[str]) -> bool:
    """Whether a letter after "answer" is one, and not a word of a sentence."""
    letter, rest = found["letter"], found["rest"]
    if found["open"] or not rest.strip(" .,;:!)]}"):
        return True
    goes_on = rest[:1] == " " and rest.strip()[:1].islower()
    weak = letter in _WORDS or not set(found["link"]) & set(":=-")
    return letter.isupper() and not (goes_on and weak)


def _without_numbers(part: re.Match[str]) -> str:
    """What stands for a part in LaTeX, so that a number next to its digits, or with a power, is none alone."""
    return "^0/0" if part[0].startswith("^") or any(map(str.isdecimal, part[0])) else " "


def _plain(text: str) -> str:
    apart = _FRACTION.sub(" ", _POWER.sub("^", text[-LONGEST:]))
    normal = unicodedata.normalize("NFKC", _THOUSANDS.sub("", apart.translate(_SIGNS)))
    return normal.translate(_SIGNS)


def _token(part: str) -> str:
    return _value(part) if part[-1].isdigit() and _NUMBER.fullmatch(part) else part.casefold()


def _value(number: str) -> str:
    """A number so that equal values are equal texts, however many digits it has."""
    sign, digits, exponent = Decimal(number.replace(",", "")).as_tuple()
    bare = "".join(map(str, digits)).lstrip("0")
    kept = bare.rstrip("0")
    return f"{'-' * bool(sign and kept)}{kept or 0}e{int(exponent) + len(bare) - len(kept) if kept else 0}"


def _within(answer: Sequence[str], target: Sequence[str]) -> bool:
    return len(target) > 0 and "\x1f".join(["", *target, ""]) in "\x1f".join(["", *answer, ""])


def _ends(answer: str, target: str) -> bool:
    if is_number(target):
        return last_number(answer) == _value(_plain(target).strip())
    wanted = words(target)
    return len(wanted) > 0 and words(answer)[-len(wanted) :] == wanted


def _f1(answer: Sequence[str], target: Sequence[str]) -> float:
    common = (Counter(answer) & Counter(target)).total()
    return 2 * common / (len(answer) + len(target)) if common else 0.0


def _best(values: Iterable[float]) -> Score:
    return Score(max(values, default=0.0))
