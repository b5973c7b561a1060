"""Writes the diff between two states of a repository, as `git apply` reads it."""

from __future__ import annotations

import base64
import difflib
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from loopwright.repo._tree import Entry, Tree, is_encodable
from loopwright.secrets import scrub_bytes

_CONTEXT = 3
_STEPS = 10_000_000
"""Comparisons of lines for one file; what is not matched by then is shown as replaced."""
_LINE = 52
"""Bytes in one line of a binary patch."""
_LENGTHS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ESCAPES = {"\a": "a", "\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f", "\r": "r", '"': '"', "\\": "\\"}
_UNESCAPED = {letter: character for character, letter in _ESCAPES.items()}
NO_NEWLINE = "\\ No newline at end of file"


def write_diff(before: Tree, after: Tree) -> str:
    """The diff that makes one state the other: nothing is lost, and nothing of either repository's settings is read."""
    paths = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
    return "".join(part for path in paths for part in _parts(path, before.get(path), after.get(path)))


def _parts(path: str, old: Entry | None, new: Entry | None) -> Iterator[str]:
    if old and new and (old.kind == "link") != (new.kind == "link"):
        yield from _part(path, old, None)
        yield from _part(path, None, new)
    else:
        yield from _part(path, old, new)


def _part(path: str, old: Entry | None, new: Entry | None) -> Iterator[str]:
    a, b = quoted(f"a/{path}"), quoted(f"b/{path}")
    yield f"diff --git {a} {b}\n"
    if old is None and new is not None:
        yield f"new file mode {new.mode}\n"
    elif old is not None and new is None:
        yield f"deleted file mode {old.mode}\n"
    elif old and new and old.mode != new.mode:
        yield f"old mode {old.mode}\nnew mode {new.mode}\n"
    was, now = old.data if old else b"", new.data if new else b""
    if was == now:
        return
    was_text, now_text = old.text if old else "", new.text if new else ""
    if was_text is None or now_text is None:
        if new is not None:  # a secret that is packed could not be masked where the diff is written down
            new = replace(new, data=scrub_bytes(now))
        yield f"index {old.blob if old else '0' * 40}..{new.blob if new else '0' * 40}\n"
        yield f"GIT binary patch\n{_literal(new.data if new else b'')}\n"
        return
    # A name with a blank ends with a tab, as elsewhere a time would follow.
    names = [name + ("\t" if " " in name else "") for name in (a if old else "/dev/null", b if new else "/dev/null")]
    yield f"--- {names[0]}\n+++ {names[1]}\n"
    yield from _hunks(_lines(was_text), _lines(now_text))


def _lines(text: str) -> list[str]:
    """The lines with their ends; only a line feed ends one."""
    lines = text.split("\n")
    return [*(f"{line}\n" for line in lines[:-1]), *([lines[-1]] if lines[-1] else [])]


def _hunks(old: list[str], new: list[str]) -> Iterator[str]:
    for group in _Matcher(old, new).get_grouped_opcodes(_CONTEXT):
        (_, a, _, c, _), (_, _, b, _, d) = group[0], group[-1]
        yield f"@@ -{_range(a, b)} +{_range(c, d)} @@\n"
        for tag, first, last, to_first, to_last in group:
            if tag == "equal":
                yield from (_line(" ", line) for line in old[first:last])
            else:
                yield from (_line("-", line) for line in old[first:last])
                yield from (_line("+", line) for line in new[to_first:to_last])


class _Matcher(difflib.SequenceMatcher[str]):
    """Takes common ends first, as the longest common lines have them, and stops matching where it takes too long."""

    def __init__(self, old: list[str], new: list[str]) -> None:
        large = len(old) * len(new) > 10**7
        super().__init__(None, old, new, autojunk=large)
        self._old, self._new, self._left = old, new, _STEPS
        most = len(new) // 100 + 1 if large else len(new)  # of a line that is looked for, as in difflib
        self._numbers = {line: number for line, number in Counter(new).items() if number <= most}

    def find_longest_match(
        self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None
    ) -> difflib.Match:
        old, new = self._old, self._new
        a_end, b_end = len(old) if ahi is None else ahi, len(new) if bhi is None else bhi
        longest = min(a_end - alo, b_end - blo)
        same = next((n for n in range(longest) if old[alo + n] != new[blo + n]), longest)
        if same:
            return difflib.Match(alo, blo, same)
        same = next((n for n in range(longest) if old[a_end - 1 - n] != new[b_end - 1 - n]), longest)
        if same:
            return difflib.Match(a_end - same, b_end - same, same)
        if self._left > 0:
            self._left -= sum(1 + self._numbers.get(line, 0) for line in old[alo:a_end])
        return super().find_longest_match(alo, a_end, blo, b_end) if self._left > 0 else difflib.Match(alo, blo, 0)


def _range(start: int, stop: int) -> str:
    length = stop - start
    return f"{start + 1 if length else start},{length}"


def _line(mark: str, line: str) -> str:
    return f"{mark}{line}" if line.endswith("\n") else f"{mark}{line}\n{NO_NEWLINE}\n"


def _literal(data: bytes) -> str:
    packed = zlib.compress(data)
    pieces = (packed[at : at + _LINE] for at in range(0, len(packed), _LINE))
    lines = (_LENGTHS[len(piece) - 1] + base64.b85encode(piece, pad=True).decode() + "\n" for piece in pieces)
    return f"literal {len(data)}\n{''.join(lines)}"


def quoted(path: str) -> str:
    """A path as git writes it: between quotes where it has unusual characters."""
    if path.isascii() and path.isprintable() and not set(path) & {'"', "\\"}:
        return path
    data = path.encode("utf-8", "surrogateescape")
    return '"' + "".join(_escaped(byte) for byte in data) + '"'


def _escaped(byte: int) -> str:
    character = chr(byte)
    if character in _ESCAPES:
        return f"\\{_ESCAPES[character]}"
    return character if 32 <= byte < 127 else f"\\{byte:03o}"


def unquoted(name: str) -> str:
    """A path as it is, of one that git may have quoted."""
    if not (len(name) > 1 and name[0] == name[-1] == '"'):
        return name
    if not is_encodable(name):
        return name
    data = bytearray()
    for plain, escape in re.findall(r"([^\\]+)|\\([0-7]{3}|.)", name[1:-1]):
        if plain:
            data += plain.encode("utf-8", "surrogateescape")
        elif len(escape) == 3:
            data.append(int(escape, 8) & 255)
        else:
            data += _UNESCAPED.get(escape, escape).encode("utf-8", "surrogateescape")
    return data.decode("utf-8", "surrogateescape")
