"""The number with which an answer ends, however it is written: with units, in LaTeX, with marks of thousands."""

from __future__ import annotations

import re

from loopwright.environments.text._plain import EMPHASIS, NUMBER, marked, plain, plain_powers, value

_NESTED = 3
_NONE = "^0/0"
"""What stands for a number that is a part of another one, such as a numerator."""
_LETTERS = r"A-Za-z\u00c0-\u024f\u0370-\u052f"

_LENGTH = (
    "(?:[kcdmn\u03bc]?m|in|inch|inches|ft|feet|foot|yd|yards?|mi|miles?|(?:kilo|centi|milli)?met(?:er|re)s?|"
    "units?|m?s|min|h)"
)
_OTHER = "(?:[kmMG]?(?:g|N|J|W|V|A|F|T|Pa|Hz|eV|mol|cal)|rad|K|C|L|l|\u03a9)"
_POWER = r"(?:\^ ?(?:-?[1-4]|\{ ?-?[1-4] ?\})|-?[1-4])"
_NEGATIVE = r"(?:\^ ?(?:-[1-4]|\{ ?-[1-4] ?\})|-[1-4])"
_UNIT_POWER = re.compile(
    rf"(?<=[\d.\}}$]) ?(?:(?:{_LENGTH}(?:\}}?{_POWER})?|{_OTHER}(?:\}}?{_NEGATIVE})?)\}}?"
    r"(?: ?[/*\u00b7\u22c5.] ?| )){0,4}"
    rf"(?:{_LENGTH}\}}?{_POWER}|{_OTHER}\}}?{_NEGATIVE})(?![\w^]|[{{(.]\w)"
)
"""A unit with a power behind a number, as in `42 cm^2`; `3 x^2` is no number."""
_UNIT_FRACTION = re.compile(
    rf"\\[dtc]?frac ?\{{ {{0,2}}((?:{_LENGTH}|{_OTHER}))\}}? ?\}} ?"
    rf"\{{ {{0,2}}((?:{_LENGTH}|{_OTHER})\}}?{_POWER}?)\}}? ?\}}"
)
_PART = re.compile(
    r"\\[dtc]?frac ?\{([^{}]*)\} ?\{([^{}]*)\}|\\sqrt ?(?:\[[^\]\n]{0,9}\])? ?\{([^{}]*)\}|\^ ?\{([^{}]*)\}"
)
"""A fraction, a root or a power in LaTeX: a number in it is a part of another one."""
_NO_POWER = re.compile(r"\^ ?(?:\\circ\b|\{ ?(?:\\circ|(?:st|nd|rd|th) ?\}?) ?\}| (?:st|nd|rd|th)\}\}?)", re.IGNORECASE)
"""Degrees and ordinals, which are written as powers in LaTeX."""
_EXPONENT = r"(?:\{ ?([-+]?\d{1,4}) ?\}|\(?([-+]?\d{1,4})\)?(?![\w.]))"
_FIRST = (
    r"(?<![\w.,)}\]^*/+\u00d7\u00b7\\-])(?<![\d)] )"
    r"(?<!log )(?<!ln )(?<!lg )(?<!exp )(?<!sin )(?<!cos )(?<!tan )(?<!sqrt )"
)
"""Where no factor or function stands before a power of ten."""

_REWRITTEN: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        # Marks of thousands, and blanks of LaTeX.
        (r"(?<=\d)(?:\\[,;:! ]|\{,\}|\\thinspace ?|~)(?=\d{3}(?!\d))", ""),
        (r"\{,\}", ","),
        (r"\\[,;:! ]|~|\\q?quad\b|\\thinspace\b", " "),
        (r"(?<=\d)['_](?=\d{3}(?!\d))", ""),
        (r"\\([$%#&_])", r"\1"),
        # Fonts and words in LaTeX: their closing bracket may stay.
        (r"\\(?:text|math|operator)?(?:rm|bf|it|sf|tt|normal|up|name)? ?\{ ?(?=[-+]?\d)", ""),
        (r"\\(?:text|math|operator|m|h)(?:rm|bf|it|sf|tt|normal|up|name|box)? ?\{", " "),
        (r" {2,}", " "),
        # Powers of ten.
        (r" ?\\(?:times|cdot|ast)(?![A-Za-z]) ?", "*"),
        (r" ?\\div(?![A-Za-z]) ?", "/"),
        (r"(?<=\d)\*\*(?=\d)", "^"),
        (rf"(?<=\d) ?[*xX\u00d7\u00b7\u22c5] ?10 ?\^ ?{_EXPONENT}", r"e\1\2"),
        (rf"{_FIRST}10\^{_EXPONENT}(?![*/^])", r"1e\1\2"),
        (r"(?<=\d) ?[xX\u00d7\u00b7\u22c5] ?(?=\d)", "*"),
        (r"(?<=\d) ?\u00f7 ?(?=\d)", "/"),
        # Signs, currencies, ranges.
        (r"(?<=[-+]) ?(?:US|A|C|NZ|HK)?[$\u20ac\u00a3\u00a5\u20b9\u20a9\u20bd](?=[\d.])", ""),
        (r"\b(?:USD|EUR|GBP|INR|CHF|CAD|AUD|JPY|CNY|RMB|Rs|RM)(?=\d)", " "),
        (r"(?<=[=:(\[{]) ?- (?=[\d.])", "-"),
        (r"(?<![\d)}\]] )\b(?:[Mm]inus|[Nn]egative) (?=[\d.])", "-"),
        (r"(?<=\d) ([-+*/]) (?=\d)", r"\1"),
        (r"(?<=\d)-(?=[A-Za-z]{2})", " "),
        # Where to look, behind a number, and sources of searching models.
        (
            r"(\d[^\d()\[\]\n]{0,30})[(\[](?i:see|cf|compare|refer to|as in|steps?|eqs?|equations?|figs?|figures?|"
            r"tables?|sections?|pages?|pp?|refs?|notes?|lines?)\b[^()\[\]\n]{0,80}[)\]]",
            r"\1",
        ),
        (r"(?<=[\w.,;:!?)\]%])\[\d{1,3}\]|\u3010[^\u3011\n]{0,80}\u3011", ""),
    )
)
_APART: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"\\(?:[dtc]?frac ?\d ?\d|sqrt ?\d+)", _NONE),
        (r"(\\[A-Za-z]{1,20})(?=[-+]?\d)", r"\1 "),
        # Digits that belong to a word or a name: B12, x_1, COVID-19; x-2 is a sum.
        (r"(?<=[\w)}])_\{?\d+\}?", ""),
        (rf"(?<=[{_LETTERS}])(?<!\d[eE])\d+", ""),
        (rf"(?<=[{_LETTERS}]{{2}})-\d+", ""),
        (rf"(?<=[{_LETTERS}])(?<!\d[eE])-(?=\d)", "^-"),
    )
)
_SPACED = re.compile(r"(?<![\w.,:/])[-+]?[1-9]\d{0,2}(?: \d{3}){0,6} $")
"""The first groups of `12 345 678`."""
_GROUP = re.compile(r"\d{3}(?:\.\d+)?")
_RUN = re.compile(r"(?:[-+\d.,/:^*%]|(?<=\d)[eE](?=[-+]?\d))+")
_EUROPEAN = re.compile(r"([-+]?)(?:([1-9]\d{0,2}(?:\.\d{3})+),(\d+)|([1-9]\d{0,2}(?:\.\d{3}){2,})|(\d+),(\d+))")
"""`1.234,5`, `1.234.567` and `0,5`: only what is no number in English."""
_SCALE = re.compile(r" ?(thousand|million|billion|trillion)\b", re.IGNORECASE)
_ZEROS = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12}


def is_number(text: str) -> bool:
    """Whether a text is a number and nothing else, as `match` compares it."""
    return bool(NUMBER.fullmatch(plain(text).strip()))


def last_numbers(text: str) -> frozenset[str]:
    r"""What the last number of a text may mean, by value; empty if there is none, or if it is part of a date or a sum.

    The last `<answer>` or `\\boxed{}` goes before what stands around it. "3 million" may mean 3, and "12 345" 345, too.
    """
    inside = marked(text)
    return _last(inside if any(map(str.isdecimal, inside)) else text)


def _last(text: str) -> frozenset[str]:
    flat = plain_powers(text)
    for pattern, words in _REWRITTEN:
        flat = pattern.sub(words, flat)
    flat = _UNIT_FRACTION.sub(r"\1/\2", flat)
    flat = EMPHASIS.sub("", _NO_POWER.sub(" ", _UNIT_POWER.sub("", flat)))
    for _ in range(_NESTED):
        flat = _PART.sub(_without_numbers, flat)
    for pattern, words in _APART:
        flat = pattern.sub(words, flat)
    last = None
    for run in _RUN.finditer(flat):
        last = run if any(map(str.isdecimal, run[0])) else last
    if last is None:
        return frozenset()
    before = flat[max(0, last.start() - 40) : last.start()]
    bare, part = _stripped(last[0], before)
    number = "" if part else _english(bare, listed=before.endswith(("(", "[", "{")))
    if not number:
        return frozenset()
    scale = _SCALE.match(flat, last.end())
    larger = {value(f"{number}e{_ZEROS[scale[1].lower()]}")} if scale and "e" not in number.lower() else set[str]()
    groups = _SPACED.search(before) if _GROUP.fullmatch(number) else None
    grouped = {value(groups[0].replace(" ", "") + number)} if groups else set[str]()
    return frozenset({value(number), *larger, *grouped})


def _stripped(run: str, before: str) -> tuple[str, bool]:
    """A run without the signs of its sentence, and whether it is the second part of a product or ratio."""
    bare = run.rstrip(".,:*%")
    number = bare.lstrip(".,:/*%")
    signs = bare[: len(bare) - len(number)]
    closed = before[-1:].isalnum() or before.endswith((")", "}", "]"))
    decimal = signs.endswith(".") and not signs.endswith("..") and not (signs == "." and before[-1:].isalnum())
    return "." * (decimal and number[:1].isdecimal()) + number, closed and signs.startswith(("/", "*"))


def _english(run: str, listed: bool) -> str:
    """A number as English writes it; empty if the run is none. In brackets a comma is one of a list."""
    if NUMBER.fullmatch(run):
        return run
    found = _EUROPEAN.fullmatch(run)
    if found is None or (found[5] and listed):
        return ""
    sign, grouped, part, whole, digits, decimals = found.groups()
    return sign + (whole or f"{grouped or digits}").replace(".", "") + (f".{part or decimals}" if not whole else "")


def _without_numbers(part: re.Match[str]) -> str:
    """What stands for a part in LaTeX, so that a number next to its digits, or with a power, is none alone."""
    return _NONE if part[0].startswith("^") or any(map(str.isdecimal, part[0])) else " "
