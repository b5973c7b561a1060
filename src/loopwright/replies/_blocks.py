"""Code blocks of a Markdown text, as CommonMark reads them, and more kindly where models are careless.

CommonMark 0.31 says what a fence is, which containers it may stand in, and how much indentation is taken off. Beyond
it, where the lines of a block leave a choice:

- Of several fences that could close a block of Python, the first counts after which the code parses: the others stand
  in a string. Of those that could close a block of shell commands, the first after which no here-document and no
  quotation is open.
- Where no fence makes the code complete, the first one that CommonMark takes closes the block; else the first that is
  indented more; else a fence at the end of a line of code; else the end of the text.
- In a list, lines that are indented less than the list asks for keep their indentation relative to each other.
- A block of Python that no fence makes complete ends at the first line that begins like a fence and before which the
  code parses: a fence of the other kind, a shorter one, one with words after it, or the opening of the next block.
  Shell commands and SQL end at one that is followed by words or is of the other kind, too.
- A fence after words on its line opens a block that is closed and complete, and in which no other block opens.
- A block of Markdown or plain text in which a block opens is a wrapping: the blocks in it count, if they are asked for.
- Zero-width characters and no-break spaces are blanks around fences. Python that does not parse is read as
  `repaired_python` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

from loopwright.replies._python import INVISIBLE, is_python, repaired_python

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
_HERE_DOCUMENT = (
    r"(?<!<)<<(?P<dash>-?)[ \t]*"
    r"(?:\\?(?P<word>[A-Za-z_][\w-]*)|(?P<quote>['\"])(?P<quoted>[^'\"\n]+)(?P=quote))"
)
_SHELL_TOKEN = re.compile(
    r"\\.|\$'(?:\\.|[^'\\])*'|'[^']*'|(?P<open>')|(?P<double>\")|(?<![^\s;&|()])#[^\n]*|(?P<line>\n)|" + _HERE_DOCUMENT,
    re.DOTALL,
)
_IN_DOUBLE_QUOTES = re.compile(r"\\.|(?P<double>\")|(?P<line>\n)|" + _HERE_DOCUMENT, re.DOTALL)
_FENCE = re.compile(r"[ \t]*(?:`{3,}|~{3,})")
_FENCE_AT_END = re.compile(r"(?<!`)`{3,}+(?P<info>[^`\s]*+)[ \t]*+\Z")
_LIST_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+")
_AS_BLANKS = dict.fromkeys(map(ord, INVISIBLE), " ")
_LATE = 20
"""Fences after words that are looked at."""
_ENDED_BY_WORDS = frozenset({"python", "shell", "sql"})
_WRAPPINGS = frozenset({"", "markdown", "md", "text", "txt", "plaintext", "plain"})
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
    """Offset of the opening fence's line in the text; of the fence itself where words stand before it."""
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
        language: The language of blocks that name none, as `language_of` tells it. Where one is given that is neither
            Markdown nor text, blocks of those are wrappings.
    """
    text = text if "\n" in text else text.replace("\r", "\n")
    lines = [(found.start(), found[0].removesuffix("\n").removesuffix("\r")) for found in _LINE.finditer(text)]
    found, wrappings, number, tries, late = [], list[_Opening](), 0, count(), count()
    while number < len(lines):
        start, line = lines[number]
        number += 1
        if not _holds_fence(line):
            continue
        opening = _Opening.of(line, language)
        if wrappings and wrappings[-1].closes(line):
            wrappings.pop()
            continue
        if opening and opening.wraps(_from(lines, number), language):
            wrappings.append(opening)
            continue
        opening = opening or _Opening.after_words(line, language)
        if opening is None or (opening.said and next(late) >= _LATE):
            continue
        closing = _closing(opening, _from(lines, number), tries)
        if opening.said and not _is_meant(opening, closing):
            continue
        number += closing.lines
        end = lines[number][0] if number < len(lines) else len(text)
        found.append(CodeBlock(opening.info, closing.body, start + opening.said, end, closing.complete))
    return tuple(found)


def ends_in_block(text: str) -> bool:
    """Whether a text ends within a code block: a reply that its limit cut there holds half of its code."""
    last = next(reversed(code_blocks(text, language="python")), None)
    return bool(last and not last.complete and last.end == len(text) and not text.rstrip().endswith(("```", "~~~")))


def _from(lines: Sequence[tuple[int, str]], number: int) -> Iterator[str]:
    return (lines[at][1] for at in range(number, len(lines)))


@dataclass(frozen=True, slots=True)
class _Opening:
    fence: str
    info: str
    language: str
    quotes: int
    """How many block quotes it stands in."""
    columns: int
    """How far it is indented, by lists too, after the last block quote."""
    said: int = 0
    """How many characters of its line stand before it, if there are words among them."""

    @classmethod
    def of(cls, line: str, language: str) -> _Opening | None:
        found = _OPENING.fullmatch(_plain(line))
        if found is None:
            return None
        info = (found["info"] or found["words"] or "").strip()
        *quotes, last = found["lead"].split(">")
        last = last.removeprefix(" ") if quotes else last
        fence = found["ticks"] or found["tildes"]
        return cls(fence, info, language_of(info) if info else language, len(quotes), len(last.expandtabs(4)))

    @classmethod
    def after_words(cls, line: str, language: str) -> _Opening | None:
        """A fence with at most a language at the end of a line of words; without a language, they end with a colon."""
        found = _FENCE_AT_END.search(line)
        before = line[: found.start()] if found else ""
        if found is None or "```" in before or not (found["info"] or before.rstrip(" *_").endswith(":")):
            return None
        item = _LIST_ITEM.match(before)
        lead = item[0] if item else before[: len(before) - len(before.lstrip(" \t"))]
        opening = cls.of(lead + found[0], language)
        return opening and replace(opening, said=found.start())

    def wraps(self, following: Iterable[str], language: str) -> bool:
        """Whether it opens a text in which a block of the language that is asked for may stand, and not the block."""
        if language in _WRAPPINGS or self.info.lower() not in _WRAPPINGS:
            return False
        for line in following:
            opening = _Opening.of(line, "") or _Opening.after_words(line, "")
            if opening and opening.info:
                return True
            if opening or (not self.info and line.strip()):
                return False
        return False

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
        bare = _plain(line).strip(" \t")
        return len(bare) >= len(self.fence) and not bare.strip(self.fence[0])

    def completes(self, code: str) -> bool:
        """Whether code may end here."""
        match self.language:
            case "python":
                return is_python(code)
            case "shell":
                return not _is_open_shell(code)
            case _:
                return True


@dataclass(frozen=True, slots=True)
class _Closing:
    lines: int
    """Lines of the block after its opening fence, the closing one included."""
    body: str
    complete: bool


def _closing(opening: _Opening, following: Iterable[str], tries: Iterator[int]) -> _Closing:
    python = opening.language == "python"
    inner: list[str] = []
    strict = loose = None
    for line in following:
        bare = opening.inside(line)
        if bare is None:
            break
        if not _holds_fence(bare):
            inner.append(bare)
            continue
        closes = opening.closes(bare)
        near = closes and _columns(_without(bare, opening.columns)) <= 3
        if closes:
            strict, loose = (len(inner) if near and strict is None else strict), len(inner) if loose is None else loose
        begins = opening.language in _ENDED_BY_WORDS and _FENCE.match(_plain(bare))
        if near or (begins and (python or not (closes or _opens_next(line)))):
            if next(tries) >= _TRIES:
                break
            for body in _readings(inner, opening.columns):
                if opening.completes(body):
                    return _Closing(len(inner) + (closes or not _opens_next(line)), body, complete=True)
        inner.append(bare)
    for end in (strict, loose):
        if end is not None:
            return _Closing(end + 1, _first_complete(opening, inner[:end]), complete=False)
    for number, line in enumerate(inner):
        if line.rstrip(" \t").endswith(opening.fence):
            cut = line.rstrip(" \t").rstrip(opening.fence[0])
            return _Closing(number + 1, _first_complete(opening, [*inner[:number], cut]), complete=False)
    return _Closing(len(inner), _first_complete(opening, inner), complete=False)


def _opens_next(line: str) -> bool:
    """Whether a line that begins like a fence opens a block, and has no words after the fence of the one before."""
    opening = _Opening.of(line, "")
    return bool(opening and opening.info and (" " not in opening.info or opening.language == "python"))


def _is_meant(opening: _Opening, closing: _Closing) -> bool:
    """Whether a fence after words opened a block, and was not spoken of."""
    if not closing.body.strip() or not opening.completes(closing.body):
        return False
    python = opening.language == "python"
    opened = (_Opening.of(line, "") for line in closing.body.split("\n"))
    return (python and closing.complete) or (
        (python or closing.complete) and not any(one and one.info for one in opened)
    )


def _first_complete(opening: _Opening, inner: Sequence[str]) -> str:
    """The reading that is complete; of Python else the repaired one, with what stands after the fence's language."""
    readings = _readings(inner, opening.columns)
    if opening.language == "python":
        code = opening.info.partition(" ")[2]
        readings += [repaired_python(readings[0]), *([f"{code}\n{readings[0]}"] if code else ())]
    return next((body for body in readings if opening.completes(body)), readings[0])


def _readings(lines: Sequence[str], columns: int) -> list[str]:
    """The body without its fence's indentation; where lines have less, what they share comes off, or what each has."""
    shared = min([columns, *(_columns(line) for line in lines if line.strip(" \t"))])
    widths = (columns,) if shared == columns else (shared, columns)
    return ["".join(f"{_without(line, width)}\n" for line in lines) for width in widths]


def _holds_fence(line: str) -> bool:
    return "```" in line or "~~~" in line


def _plain(line: str) -> str:
    return line if line.isascii() else line.translate(_AS_BLANKS)


def _columns(line: str) -> int:
    return len(line[: len(line) - len(line.lstrip(" \t"))].expandtabs(4))


def _without(line: str, columns: int) -> str:
    """The line without its indentation, as far as that fills so many columns."""
    at = column = 0
    while column < columns and at < len(line) and line[at] in " \t":
        column += 1 if line[at] == " " else 4 - column % 4
        at += 1
    return " " * (column - columns) + line[at:]


def _is_open_shell(code: str) -> bool:
    """Whether a quotation or a here-document of shell commands is not closed."""
    at, double, ends = 0, False, list[str]()
    while token := (_IN_DOUBLE_QUOTES if double else _SHELL_TOKEN).search(code, at):
        at = token.end()
        match token.lastgroup:
            case "open":
                return True
            case "double":
                double = not double
            case "word" | "quoted":
                ends.append(("^\t*" if token["dash"] else "^") + re.escape(token[token.lastgroup]) + "$")
            case "line":
                for end in ends:
                    found = re.compile(end, re.MULTILINE).search(code, at)
                    if found is None:
                        return True
                    at = min(found.end() + 1, len(code))
                ends.clear()
    return double or bool(ends)
