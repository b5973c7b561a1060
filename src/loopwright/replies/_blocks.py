"""Code blocks of a Markdown text, as CommonMark reads them, and more kindly where models are careless.

CommonMark 0.31 says what a fence is, which containers it may stand in, and how much indentation is taken off. Beyond
it, where the lines of a block leave a choice:

- Of several fences that could close a block of Python, the first counts after which the code parses: the others stand
  in a string. Of those that could close a block of shell commands, the first after which no here-document is open.
- Where no fence makes the code complete, the first one that CommonMark takes closes the block; else the first that is
  indented more; else a fence at the end of a line of code; else the end of the text.
- In a list, lines that are indented less than the list asks for keep their indentation relative to each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from loopwright.replies._python import is_python

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_OPENING = re.compile(
    r"(?P<lead>(?:[ \t]*(?:>|(?:[-*+]|\d{1,9}[.)])(?=[ \t])))*[ \t]*)"
    r"(?:(?P<ticks>`{3,})(?P<info>[^`]*)|(?P<tildes>~{3,})(?P<words>.*))"
)
_LANGUAGE = re.compile(r"[{.\s]*(?P<name>[a-z][a-z+#]*)-?[\d.]*", re.IGNORECASE)
_ALIASES = {
    "py": "python",
    "ipython": "python",
    "bash": "shell",
    "sh": "shell",
    "zsh": "shell",
    "sqlite": "sql",
    "mysql": "sql",
    "mariadb": "sql",
}
_HERE_DOCUMENT = re.compile(r"(?<!<)<<(?P<dash>-?)[ \t]*(?P<quote>['\"\\]?)(?P<word>[A-Za-z_]\w*)")
_TRIES = 200
"""Fences of a text before which code is looked at for whether it is complete: a flood of them must not cost minutes."""


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """A fenced block of a text."""

    info: str
    """What stands after the opening fence: the language and, perhaps, a file's name."""
    body: str
    """The lines between the fences. They end with a line feed each, whatever ended them in the text."""
    start: int
    """Offset of the opening fence's line in the text."""
    end: int
    """Offset after the closing fence's line."""
    complete: bool
    """Whether it is closed, and its code ends where it does, as far as its language tells."""

    @property
    def language(self) -> str:
        """As `language_of` tells it."""
        return language_of(self.info)


def language_of(info: str) -> str:
    """The language of a block, in lower case, without a version and under one name: `python` for `Py` and `python3.11`.

    Empty where the first word is no language's name.
    """
    first = re.split(r"[\s:,}]", info.strip().lstrip("{."), maxsplit=1)[0]
    found = _LANGUAGE.fullmatch(first)
    return _ALIASES.get(name := found["name"].lower(), name) if found else ""


def code_blocks(text: str, *, language: str = "") -> tuple[CodeBlock, ...]:
    """The fenced blocks of a text, in order.

    Args:
        text: Markdown.
        language: The language of blocks that name none, as `language_of` tells it.
    """
    text = text.replace("\ufeff", " ", 1) if text.startswith("\ufeff") else text  # a byte order mark is no content
    lines = [(found.start(), found[0].removesuffix("\n").removesuffix("\r")) for found in _LINE.finditer(text)]
    found, number, tries = [], 0, count()
    while number < len(lines):
        opening = _Opening.of(lines[number][1], language)
        if opening is None:
            number += 1
            continue
        closing = _closing(opening, (lines[at][1] for at in range(number + 1, len(lines))), tries)
        after = number + 1 + closing.lines
        end = lines[after][0] if after < len(lines) else len(text)
        found.append(CodeBlock(opening.info, closing.body, lines[number][0], end, closing.complete))
        number = after
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Opening:
    fence: str
    info: str
    language: str
    quotes: int
    """How many block quotes it stands in."""
    columns: int
    """How far it is indented, by lists too, after the last block quote."""

    @classmethod
    def of(cls, line: str, language: str) -> _Opening | None:
        found = _OPENING.fullmatch(line)
        if found is None:
            return None
        info = (found["info"] or found["words"] or "").strip()
        *quotes, last = found["lead"].split(">")
        last = last.removeprefix(" ") if quotes else last
        fence = found["ticks"] or found["tildes"]
        return cls(fence, info, language_of(info) if info else language, len(quotes), len(last.expandtabs(4)))

    def inside(self, line: str) -> str | None:
        """A line without its block quotes; None where those are over."""
        for _ in range(self.quotes):
            found = re.match(r"[ \t]*> ?", line)
            if found is None:
                return None
            line = line[found.end() :]
        return line

    def closes(self, line: str) -> bool:
        """Whether a line is a fence that could close it, however far that is indented."""
        bare = line.strip(" \t")
        return len(bare) >= len(self.fence) and not bare.strip(self.fence[0])

    def completes(self, code: str) -> bool:
        """Whether code may end here."""
        match self.language:
            case "python":
                return is_python(code)
            case "shell":
                return not _has_open_here_document(code)
            case _:
                return True


@dataclass(frozen=True, slots=True)
class _Closing:
    lines: int
    """Lines of the block after its opening fence, the closing one included."""
    body: str
    complete: bool


def _closing(opening: _Opening, following: Iterable[str], tries: Iterator[int]) -> _Closing:
    inner: list[str] = []
    strict = loose = None
    for line in following:
        bare = opening.inside(line)
        if bare is None:
            break
        if opening.closes(bare):
            near = _columns(_without(bare, opening.columns)) <= 3
            strict, loose = (len(inner) if near and strict is None else strict), len(inner) if loose is None else loose
            if near or opening.language == "python":
                if next(tries) >= _TRIES:
                    break
                for body in _readings(inner, opening.columns):
                    if opening.completes(body):
                        return _Closing(len(inner) + 1, body, complete=True)
        inner.append(bare)
    for end in (strict, loose):
        if end is not None:
            return _Closing(end + 1, _readings(inner[:end], opening.columns)[0], complete=False)
    for number, line in enumerate(inner):
        if line.rstrip(" \t").endswith(opening.fence):
            cut = line.rstrip(" \t").rstrip(opening.fence[0])
            return _Closing(number + 1, _readings([*inner[:number], cut], opening.columns)[0], complete=False)
    return _Closing(len(inner), _first_complete(opening, inner), complete=False)


def _first_complete(opening: _Opening, inner: Sequence[str]) -> str:
    readings = _readings(inner, opening.columns)
    return next((body for body in readings if opening.completes(body)), readings[0])


def _readings(lines: Sequence[str], columns: int) -> list[str]:
    """The body without its fence's indentation; where lines have less, what they share comes off, or what each has."""
    shared = min([columns, *(_columns(line) for line in lines if line.strip(" \t"))])
    widths = (columns,) if shared == columns else (shared, columns)
    return ["".join(f"{_without(line, width)}\n" for line in lines) for width in widths]


def _columns(line: str) -> int:
    return len(line[: len(line) - len(line.lstrip(" \t"))].expandtabs(4))


def _without(line: str, columns: int) -> str:
    """The line without its indentation, as far as that fills so many columns."""
    at = column = 0
    while column < columns and at < len(line) and line[at] in " \t":
        column += 1 if line[at] == " " else 4 - column % 4
        at += 1
    return " " * (column - columns) + line[at:]


def _has_open_here_document(code: str) -> bool:
    lines = code.split("\n")
    for number, line in enumerate(lines):
        for found in _HERE_DOCUMENT.finditer(line):
            ends = (after.lstrip("\t") if found["dash"] else after for after in lines[number + 1 :])
            if found["word"] not in ends:
                return True
    return False
