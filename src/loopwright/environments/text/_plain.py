"""Texts without what differs between ways to write the same: signs, raised digits, boxes and tags around an answer."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

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
    rf"(?:[1-9]\d{{0,2}}(?:,\d{{3}})+|[1-9]\d?(?:,\d{{2}})+,\d{{3}}|\d+)(?:\.\d+)?{_EXPONENT}|\.\d+{_EXPONENT}"
)
NUMBER = re.compile(rf"[-+]?(?:{PLAIN_NUMBER})")

_BOX = re.compile(r"\\f?boxed? ?\{")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)


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
    r"""What stands in the last `<answer>` or `\\boxed{}`; empty if there is none."""
    start, end = text.rfind("<answer>"), text.rfind("</answer>")
    inside = text[start + len("<answer>") : end] if -1 < start < end else text
    boxes = list(_BOX.finditer(inside))
    if not boxes:
        return "" if inside is text else inside
    depth, start = 1, boxes[-1].end()
    for brace in _BRACE.finditer(inside, start):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if not depth:
            return inside[start : brace.start()]
    return ""
