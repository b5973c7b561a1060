"""Edits of a file in a model's reply: search and replace, found exactly, but for blanks, or nearly.

An edit is written as three marks, each at the start of a line:

    <<<<<<< SEARCH
    lines as they stand in the file
    =======
    lines that take their place
    >>>>>>> REPLACE
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

_SEARCH = re.compile(r"[ \t]*<{5,9} ?SEARCH[ \t]*")
_MIDDLE = re.compile(r"[ \t]*={5,9}[ \t]*")
_REPLACE = re.compile(r"[ \t]*>{5,9} ?REPLACE[ \t]*")
_NEAR = 0.9
"""Least similarity of lines that count as meant."""
_APART = 0.05
"""How much less similar the second place must be."""
_MUCH = 50_000
"""Lines of an edit times lines of the file, beyond which nearly the same lines are not looked for."""
_MUCH_TEXT = 5_000_000
"""Characters of an edit times lines of the file, beyond which they are not looked for either."""
_COMPARED = 200_000_000
"""Characters of an edit times characters of places that are compared with it in full, at most."""
_SHOWN = 120
_PLACES = 5
"""Places of lines that are told."""


@dataclass(frozen=True, slots=True)
class TextEdit:
    """Lines to find, and lines that take their place."""

    search: str
    replace: str
    heading: str = field(default="", compare=False)
    """The last line with words before it that is no fence, which may name its file."""


class EditFailed(ValueError):
    """An edit that cannot be made; the text says why and what to write."""

    def __init__(self, kind: Literal["no match", "ambiguous", "no change", "no file"], message: str) -> None:
        super().__init__(message)
        self.kind = kind


def read_edits(reply: str) -> Sequence[TextEdit]:
    """The edits of a reply, in their order; none where it has none. One without its last mark is left out."""
    edits: list[TextEdit] = []
    search: list[str] | None = None
    replace: list[str] | None = None
    heading = ""
    for line in reply.replace("\r\n", "\n").split("\n"):
        if _SEARCH.fullmatch(line):
            search, replace = [], None
        elif search is None:
            heading = line.strip() if line.strip() and not line.lstrip().startswith("```") else heading
        elif replace is None:
            if _MIDDLE.fullmatch(line):
                replace = []
            else:
                search.append(line)
        elif _REPLACE.fullmatch(line):
            found, put = ("".join(f"{one}\n" for one in lines) for lines in (search, replace))
            edits.append(TextEdit(found, put, heading))
            search = replace = None
        else:
            replace.append(line)
    return edits


def apply_edits(text: str, edits: Sequence[TextEdit]) -> str:
    """Makes edits one after the other. Line ends stay those of the text.

    Raises:
        EditFailed: The lines to find are nowhere, or in several places, or the edits change nothing.
    """
    windows = "\r\n" in text
    now = text.replace("\r\n", "\n")
    for edit in edits:
        now = _apply(now, edit)
    if now == text.replace("\r\n", "\n"):
        raise EditFailed("no change", "the edits leave the file as it is")
    return now.replace("\n", "\r\n") if windows else now


def _apply(text: str, edit: TextEdit) -> str:
    if not edit.search.strip():
        raise EditFailed("no match", "an edit has no lines to find; copy some from the file")
    lines, wanted = text.split("\n"), edit.search.rstrip("\n").split("\n")
    size = len(wanted)
    exact = _places(lines, wanted)
    found = exact or _places(_plain(lines), _plain(wanted))
    if not found:
        found = _nearest(lines, wanted)
    if not found:
        raise EditFailed("no match", f"no lines of the file are like these: {_shown(edit)}")
    if len(found) > 1:
        places = ", ".join(str(at + 1) for at in found[:_PLACES])
        raise EditFailed(
            "ambiguous", f"the lines {_shown(edit)} stand in several places (lines {places}); add lines around"
        )
    at = found[0]
    replacement = edit.replace.removesuffix("\n").split("\n") if edit.replace else []
    if not exact:
        replacement = _fitted(replacement, wanted, lines[at : at + size])
    return "\n".join([*lines[:at], *replacement, *lines[at + size :]])


def _places(lines: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """The first places at which lines stand; more are not needed to say that there are several.

    As a search in one text this takes time in proportion to its length, whatever the lines are.
    """
    text, target = "\n".join(["", *lines, ""]), "\n".join(["", *wanted, ""])
    found: list[int] = []
    at, line, before = text.find(target), 0, 0
    while at >= 0 and len(found) <= _PLACES:
        line += text.count("\n", before, at)
        found.append(line)
        before, at = at, text.find(target, at + 1)
    return found


def _plain(lines: Sequence[str]) -> list[str]:
    return [" ".join(line.split()) for line in lines]


def _nearest(lines: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """The places whose lines are nearly those: one, or those that are as near; none for an edit of many lines."""
    plain, target = _plain(lines), "\n".join(_plain(wanted))
    if len(wanted) * len(lines) > _MUCH or len(target) * len(lines) > _MUCH_TEXT:
        return []
    letters, bits = Counter(target), _bits(target)
    near: list[tuple[float, int]] = []
    compared = 0
    for at in range(len(lines) - len(wanted) + 1):
        place = "\n".join(plain[at : at + len(wanted)])
        least = _NEAR * (len(place) + len(target)) / 2
        if min(len(place), len(target)) < least or (Counter(place) & letters).total() < least:
            continue
        compared += len(place) * len(target)
        if compared > _COMPARED:
            return []
        if (common := _common(place, bits, len(target))) >= least:
            near.append((2 * common / (len(place) + len(target)), at))
    best = max(near, default=(0.0, 0))[0]
    return [at for ratio, at in near if ratio > best - _APART]


def _bits(text: str) -> dict[str, int]:
    """For each character the places where it stands, as bits."""
    found: dict[str, int] = {}
    for at, letter in enumerate(text):
        found[letter] = found.get(letter, 0) | 1 << at
    return found


def _common(text: str, bits: Mapping[str, int], length: int) -> int:
    """The length of the longest common subsequence.

    64 characters at a time by the bits of numbers, after Hyyrö, "Bit-parallel LCS-length computation revisited" (2004),
    so that the time does not depend on what the texts are.
    """
    whole = (1 << length) - 1
    unmatched = whole
    for letter in text:
        found = unmatched & bits.get(letter, 0)
        unmatched = ((unmatched + found) | (unmatched - found)) & whole
    return length - unmatched.bit_count()


def _indent(lines: Sequence[str]) -> str:
    first = next((line for line in lines if line.strip()), "")
    return first[: len(first) - len(first.lstrip())]


def _fitted(replacement: Sequence[str], wanted: Sequence[str], found: Sequence[str]) -> list[str]:
    """The replacement as it fits the lines found: those that an edit repeats at its ends stay as they are there."""
    most = min(len(replacement), len(wanted), len(found)) - 1
    first = next((at for at in range(max(most, 0)) if replacement[at] != wanted[at]), max(most, 0))
    most -= first
    last = next((at for at in range(max(most, 0)) if replacement[-at - 1] != wanted[-at - 1]), max(most, 0))
    inner = slice(first, len(wanted) - last), slice(first, len(found) - last)
    changed = replacement[first : len(replacement) - last]
    moved = _indented(changed, _indent(wanted[inner[0]]), _indent(found[inner[1]]))
    return [*found[:first], *moved, *found[len(found) - last :]]


def _indented(lines: Sequence[str], before: str, after: str) -> list[str]:
    """The lines moved from one indentation to another, as far as they have the first."""
    if before == after:
        return list(lines)
    return [after + line[len(before) :] if line.strip() and line.startswith(before) else line for line in lines]


def _shown(edit: TextEdit) -> str:
    first = edit.search.strip().split("\n")[0]
    return repr(first if len(first) <= _SHOWN else first[:_SHOWN] + "...")
