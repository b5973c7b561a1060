"""Texts without what differs between ways to write the same: signs, raised digits, boxes and tags around an answer."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
"""Chinese, Japanese and Korean signs, which stand without blanks."""
EMPHASIS = re.compile(
    r"^`{3,}\w*$|(?<!\d)\*\*|\*\*(?!\d)|(?<!\w)__|__(?!\w)|`|</?answer>|<\|(?:begin|end)_of_box\|>", re.MULTILINE
)
"""Not the signs of `2**3`, which is no 23, and of `a__b`."""

LONGEST = 100_000
"""Characters of an answer that are compared: of a longer one the last."""

_SIGNS = str.maketrans(
    {
        "\u2010": "-",
        "\u2011": "-",
        "\u2012": "-",
        "\u2013": "-",
        "\u2014": " ",
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2044": "/",
        "\u2212": "-",
        "\u066b": ".",
        "\u066c": ",",
    }
)
_RAISED_DIGITS = "\u00b2\u00b3\u00b9\u2070\u2074-\u2079"
_POWER = re.compile(f"(?<=\\d)(?=\u207b?[{_RAISED_DIGITS}])")
_RAISED = re.compile(f"(?<=[\\w)\\]}}])(?<![{_RAISED_DIGITS}])(?=\u207b?[{_RAISED_DIGITS}])")
_FRACTION = re.compile("(?<=[0-9])(?=[\u00bc-\u00be\u2150-\u215e])")
"""Where signs begin that stand for several: `2\u00b3` is no 23, and `1\u00bd` no 11/2."""
_THOUSANDS = re.compile(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}\b)")

_EXPONENT = r"(?:[eE][-+]?\d{1,4})?"
PLAIN_NUMBER = (
    rf"(?:[1-9]\d{{0,2}}(?:,\d{{3}})+|[1-9]\d?(?:,\d{{2}}){{1,12}},\d{{3}}|\d+)(?:\.\d+)?{_EXPONENT}|\.\d+{_EXPONENT}"
)
NUMBER = re.compile(rf"[-+]?(?:{PLAIN_NUMBER})")

_BOX = re.compile(r"\\f?boxed? ?\{")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_PLACE = re.compile(r"\s?(?:(?:your|the|final) ){0,3}(?:answer|result|number)\s?", re.IGNORECASE)
"""What a box holds that only says how to answer."""
_FACTOR = re.compile(r"\s?(?:\^(?! ?\{? ?\\circ)|/ ?[\d\\({]|\* ?\d|\\(?:times|cdot|div)\b)")
"""What makes a box a part of a product, ratio or power."""
_SAID = re.compile(
    r"(?:\banswer(?: is)?[*_]{0,2} ?[:=]|\bthe (?:(?:final|correct|right) )?answer is\b(?! not\b))[*_]{0,2}\s{0,3}"
    r"(?P<said>[^\n]{1,200}?)(?=\n|[.!?](?:\s|$)|,? (?:because|since|as|which|where|not)\b|$)",
    re.IGNORECASE,
)


def plain(text: str) -> str:
    """The last part of a text, its signs as ASCII has them where it has them."""
    apart = _FRACTION.sub(" ", _POWER.sub("^", text[-LONGEST:]))
    normal = unicodedata.normalize("NFKC", _THOUSANDS.sub("", apart.translate(_SIGNS)))
    return normal.translate(_SIGNS)


def plain_powers(text: str) -> str:
    """`plain`, with `^` before raised digits."""
    return plain(_RAISED.sub("^", text[-LONGEST:]))


def value(number: str) -> str:
    """A number so that equal values are equal texts, however many digits it has."""
    sign, digits, exponent = Decimal(number.replace(",", "")).as_tuple()
    bare = "".join(map(str, digits)).lstrip("0")
    kept = bare.rstrip("0")
    return f"{'-' * bool(sign and kept)}{kept or 0}e{int(exponent) + len(bare) - len(kept) if kept else 0}"


def marked(text: str) -> str:
    r"""What stands in the last `<answer>` or `\\boxed{}`, or behind "answer:" after it; empty if there is none.

    A box that is a part of a product, ratio or power is none.
    """
    start, end = text.rfind("<answer>"), text.rfind("</answer>")
    tagged = -1 < start < end
    inside = text[start + len("<answer>") : end] if tagged else text
    boxed, behind = _boxed(inside)
    if not tagged and not behind:
        return ""
    rest = text[end:] if tagged else text[behind:]
    kept = boxed or (inside if tagged else "")
    number = any(map(str.isdecimal, kept))
    said = [found["said"] for found in _SAID.finditer(rest) if not number or any(map(str.isdecimal, found["said"]))]
    return said[-1] if said else kept


def _boxed(text: str) -> tuple[str, int]:
    """What stands in the last box, and where that ends; 0 if there is none."""
    boxes = list(_BOX.finditer(text))
    depth, start = 1, boxes[-1].end() if boxes else len(text)
    for brace in _BRACE.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if not depth:
            inside, end = text[start : brace.start()], brace.end()
            return ("", 0) if _PLACE.fullmatch(inside) or _FACTOR.match(text, end) else (inside, end)
    return "", 0
