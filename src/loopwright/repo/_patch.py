"""Reads diffs as models, git and `diff` write them."""

from __future__ import annotations

import base64
import re
import zlib
from dataclasses import dataclass, field
from typing import Literal

from loopwright.repo._diff import NO_NEWLINE, unquoted
from loopwright.repo._tree import Kind

LARGEST = 16 * 1024 * 1024
"""Bytes of a file that a binary patch may bring."""
_DIGITS = 12
"""Of a number of lines or bytes."""
_GIT = re.compile(r"diff --git (?P<names>.+)")
_HUNK = re.compile(r"@@ -(?P<old>\d+)(?:,(?P<olds>\d+))? \+\d+(?:,(?P<news>\d+))? @@.*")
_MODES: dict[str, Kind] = {"100644": "file", "100664": "file", "100755": "program", "120000": "link"}
_LENGTHS = {letter: at + 1 for at, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")}

FailureKind = Literal["no patch", "damaged", "outside", "no file", "exists", "no match", "ambiguous", "no change"]


class PatchFailed(ValueError):
    """A patch that does not apply; the text names the file and says why."""

    def __init__(self, kind: FailureKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(slots=True)
class Hunk:
    """Lines of a file and the lines that take their place, with their ends."""

    at: int
    """Line of the file, from 1, at which the old lines are said to begin."""
    old: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)


@dataclass(slots=True)
class FilePatch:
    """What a diff does to one file."""

    old: str | None = None
    """Path before; None for a new file."""
    new: str | None = None
    """Path after; None for a file that is deleted."""
    kind: Kind | None = None
    """What the file is afterwards; None for what it was."""
    copies: bool = False
    """Whether the file at the old path stays."""
    hunks: list[Hunk] = field(default_factory=list)
    content: bytes | None = None
    """The whole new content, of a binary patch."""

    @property
    def path(self) -> str:
        """The path to name it by."""
        return self.new or self.old or ""


def read_patch(text: str) -> list[FilePatch]:
    """Reads a unified diff, of git or without its headings; words around it are passed over.

    Raises:
        PatchFailed: It is cut, has a form that is not known, or holds a submodule.
    """
    return _Reader(text.split("\n")).patches()


class _Reader:
    def __init__(self, lines: list[str]) -> None:
        if lines and not lines[-1]:
            lines.pop()
        self._lines = lines
        self._at = 0
        self._found: list[FilePatch] = []

    def patches(self) -> list[FilePatch]:
        while self._at < len(self._lines):
            line = self._line
            if match := _GIT.fullmatch(line):
                self._at += 1
                self._heading(match["names"])
            elif line.startswith("--- ") and self._next.startswith("+++ "):
                self._names(FilePatch(), known=False)
            elif _HUNK.fullmatch(line) and self._found:
                self._hunk(self._found[-1])
            else:
                self._at += 1
        return self._found

    @property
    def _line(self) -> str:
        return self._lines[self._at].removesuffix("\r")

    @property
    def _next(self) -> str:
        return self._lines[self._at + 1] if self._at + 1 < len(self._lines) else ""

    def _heading(self, names: str) -> None:
        """The lines between `diff --git` and the hunks."""
        old, new = _two_names(names)
        patch = FilePatch(old, new)
        self._found.append(patch)
        while self._at < len(self._lines):
            line = self._line
            word, _, rest = line.partition(" mode ")
            if word in ("new file", "new"):
                patch.kind = _kind(rest, patch.path)
                patch.old = None if word == "new file" else patch.old
            elif word in ("deleted file", "old"):
                _kind(rest, patch.path)
                patch.new = None if word == "deleted file" else patch.new
            elif line.startswith(("rename from ", "copy from ")):
                patch.old, patch.copies = unquoted(line.partition(" from ")[2]), line.startswith("copy")
            elif line.startswith(("rename to ", "copy to ")):
                patch.new = unquoted(line.partition(" to ")[2])
            elif line.startswith(("similarity index ", "dissimilarity index ")) or _is_index(line):
                pass
            elif line == "GIT binary patch":
                self._at += 1
                patch.content = self._literal(patch.path)
                return
            elif line.startswith("Binary files "):
                raise PatchFailed("damaged", f"{patch.path}: the patch says that it differs, and not how: --binary")
            elif line.startswith("--- ") and self._next.startswith("+++ "):
                self._names(patch, known=True)
                return
            else:
                return
            self._at += 1

    def _names(self, patch: FilePatch, *, known: bool) -> None:
        old, new = (_name(self._lines[self._at + row][4:].removesuffix("\r")) for row in (0, 1))
        self._at += 2
        if not known:
            self._found.append(patch)
            patch.old, patch.new = old, new
            return
        patch.old = old if patch.old is not None else None
        patch.new = new if patch.new is not None else None

    def _hunk(self, patch: FilePatch) -> None:
        match = _HUNK.fullmatch(self._line)
        assert match is not None
        self._at += 1
        at, olds, news = (_number(match[side] or "1", patch.path) for side in ("old", "olds", "news"))
        hunk = Hunk(at)
        while self._at < len(self._lines):
            line, mark = self._lines[self._at], self._lines[self._at][:1]
            left = olds - len(hunk.old), news - len(hunk.new)
            if line.removesuffix("\r") == NO_NEWLINE:
                _cut_newline(hunk, self._lines[self._at - 1][:1])
            elif mark not in (" ", "-", "+", "", "\r") or (left != (1, 1) and self._begins_next()):
                break  # lengths are not gone by: models count badly
            elif max(left) <= 0 and (mark in ("", "\r") or self._is_signature()):
                break
            elif mark in ("", "\r"):  # an empty line whose blank was lost
                hunk.old.append(f"{line}\n")
                hunk.new.append(f"{line}\n")
            else:
                if mark != "+":
                    hunk.old.append(f"{line[1:]}\n")
                if mark != "-":
                    hunk.new.append(f"{line[1:]}\n")
            self._at += 1
        if not hunk.old and not hunk.new:
            raise PatchFailed("damaged", f"{patch.path}: a hunk has no lines")
        patch.hunks.append(hunk)

    def _begins_next(self) -> bool:
        """Whether what looks like a deleted line is the heading of the next file."""
        following = self._lines[self._at + 2] if self._at + 2 < len(self._lines) else ""
        return self._line.startswith("--- ") and self._next.startswith("+++ ") and following.startswith("@@ ")

    def _is_signature(self) -> bool:
        """Whether `git format-patch` ends here: `-- ` and the version of git."""
        return self._line == "-- " and not self._next.startswith((" ", "+", "-", "\\"))

    def _literal(self, path: str) -> bytes:
        word, _, told = self._line.partition(" ") if self._at < len(self._lines) else ("", "", "")
        if word != "literal":
            raise PatchFailed("damaged", f"{path}: the binary patch is not whole: no `literal`")
        size = _number(told, path)
        if size > LARGEST:
            raise PatchFailed("damaged", f"{path}: the binary patch has more than {LARGEST} bytes")
        self._at += 1
        packed = b""
        try:
            while self._at < len(self._lines) and (line := self._line):
                packed += base64.b85decode(line[1:])[: _LENGTHS[line[0]]]
                self._at += 1
            unpacking = zlib.decompressobj()
            data = unpacking.decompress(packed, LARGEST)
        except (ValueError, KeyError, zlib.error):
            raise PatchFailed("damaged", f"{path}: the binary patch is damaged") from None
        if len(data) != size or unpacking.unconsumed_tail:
            raise PatchFailed("damaged", f"{path}: the binary patch is cut")
        return data


def _number(told: str, path: str) -> int:
    if not (told.isascii() and told.isdecimal() and len(told) <= _DIGITS):
        raise PatchFailed("damaged", f"{path}: {told[:40]!r} is no number of lines or bytes")
    return int(told)


def _cut_newline(hunk: Hunk, mark: str) -> None:
    sides = {" ": (hunk.old, hunk.new), "-": (hunk.old,), "+": (hunk.new,)}.get(mark, ())
    for side in sides:
        if side:
            side[-1] = side[-1].removesuffix("\n")


def _is_index(line: str) -> bool:
    return re.fullmatch(r"index [0-9a-f]+\.\.[0-9a-f]+(?: \d+)?", line) is not None


def _kind(mode: str, path: str) -> Kind:
    if mode == "160000":
        raise PatchFailed("outside", f"{path}: it is a submodule, which a patch cannot change")
    if mode not in _MODES:
        raise PatchFailed("damaged", f"{path}: there is no mode {mode!r}")
    return _MODES[mode]


def _two_names(names: str) -> tuple[str, str]:
    """The names of a line `diff --git`; both are the same but where further lines say otherwise."""
    if names.startswith('"'):
        first, _, second = names[1:].partition('" ')
        return _stripped(unquoted(f'"{first}"')), _stripped(unquoted(second))
    half = len(names) // 2
    if names[half : half + 1] == " " and _stripped(names[:half]) == _stripped(names[half + 1 :]):
        return _stripped(names[:half]), _stripped(names[half + 1 :])
    first, _, second = names.partition(" b/")
    return _stripped(first), _stripped(unquoted(second))


def _name(told: str) -> str | None:
    """The path after `--- ` or `+++ `; None for `/dev/null`."""
    name = unquoted(told if told.startswith('"') else told.split("\t")[0])
    return None if name == "/dev/null" else _stripped(name)


def _stripped(name: str) -> str:
    return name[2:] if name.startswith(("a/", "b/")) else name
