"""Takes candidates out of replies: files from the code blocks of a Markdown text."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import PurePosixPath

from loopwright.agents._carried import carried_files, unescaped
from loopwright.candidate import Candidate
from loopwright.errors import NoCandidate
from loopwright.replies import (
    CodeBlock,
    code_blocks,
    defined_names,
    is_python,
    language_of,
    missing_names,
    program_of,
    repaired_python,
    without_words,
)

_LANGUAGES = {".py": ("Python", "python"), ".sql": ("SQL", "sql")}
_PATH = re.compile(r"^(?:#|//|--)?\s*(?:file(?:name)?:?\s*)?`?(?P<path>[\w./-]+\.\w+)`?\s*:?\s*$", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"\b(?:file(?:name)?|path|title)\s*[=:]\s*[\"']?(?P<path>[\w./-]+\.\w+)", re.IGNORECASE)
_HEADING = re.compile(r"[#*_`\s]*(?:file(?:name)?:?[*_`\s]*)?(?P<path>[\w./-]+\.\w+)[*_`:\s]*", re.IGNORECASE)
_TAG = re.compile(r"<(?P<tag>code|pre|python|answer|solution)\b[^>\n]{0,300}>|\[(?P<word>PYTHON|CODE)\]", re.IGNORECASE)
_FILE_TAG = re.compile(r"<file\s+(?:file)?(?:name|path)=[\"']?(?P<path>[\w./-]+\.\w+)[\"']?\s*>", re.IGNORECASE)
_NOTEBOOK = re.compile(r"^[ \t]*(?:%{1,2}|!)\w.*\n?", re.MULTILINE)
_INLINE = re.compile(r"(?<!`)`{3,}+(?:python\d?|py)?[ \t]++(?P<body>[^`\n]++)`{3,}", re.IGNORECASE)
_NUMBERED = re.compile(r"[ \t]*(?P<number>\d{1,5})(?:[ \t]?[:|.)\u2502]|\t| (?= |$))[ \t]?(?P<line>.*)")
_TYPED = str.maketrans({"\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'"})
_OTHER_FORM = re.compile(r"\s*(?:[{\[<]|\*\*\* )")
_STARTS = re.compile(r"^(?:from|import|def|class|async def)\b|^@\w", re.MULTILINE)
_SENTENCE = re.compile(r"^[A-Z][\w']*(?: .*)?[.:!?]$", re.MULTILINE)
_MOST = 20
"""Tags of a reply that are looked at: a flood of them must not cost minutes."""
_MUCH = 400_000
"""Characters that are looked at between tags."""


@dataclass(frozen=True, slots=True)
class _Block:
    language: str
    path: str
    body: str
    before: str = ""
    """What the reply says between the block before and this one, or the end of it."""


def extract_files(reply: str, *, entry: str, known: frozenset[str] = frozenset(), cut: bool = False) -> Candidate:
    """Reads the files that a reply proposes.

    A block names its file after the language (three backticks, `python util.py`) or in a first line such as
    `# file: util.py`. A line of nothing but a name before a block names its file if some block is named as the entry,
    or if the task knows that name. Of the blocks without a name that are in the entry's language those that
    `loopwright.replies.program_of` takes are the entry. A block that is named as the entry is corrected in the same
    way.

    A single file in the entry's language, tests aside, is the entry under any name that the task does not know. Where
    there is no file so far, blocks under another language's name that are Python count, and without a block a bare
    program, also between sentences or tags such as `<code>`; a tag `<file path="...">` names its file. A reply without
    a block of Python may carry the program in JSON, tags of tools or a patch.

    Args:
        reply: The model's text, without its reasoning.
        entry: The file the task wants, e.g. `solution.py`; its suffix decides the language.
        known: Other file names of the task, which a block may name without further marks.
        cut: Whether the token limit cut the reply: nothing but its blocks is read, as the rest may be half of it.

    Raises:
        NoCandidate: There is no block, only blocks of another language, or nothing in them; says which.
    """
    if not reply.strip():
        raise NoCandidate("the model answered nothing")
    suffix = PurePosixPath(entry).suffix
    title, language = _LANGUAGES.get(suffix, (suffix or "text", ""))
    blocks = _blocks(reply, language, known, entry) or list(_tagged(reply, known, entry))
    files = {block.path: block.body for block in blocks if block.path and block.body.strip()}
    fitting = [
        b
        for b in blocks
        if b.body.strip() and (b.path == entry or (not b.path and b.language in {"", language or b.language}))
    ]
    if fitting and (entry not in files or defined_names(files[entry])):
        files |= {entry: _program(fitting)}
    programs = [path for path in files if path.endswith(suffix) and not _is_test(path)] or list(files)
    if len(programs) == 1 and entry not in files:
        files = {_only(path, suffix, known, entry) if path in programs else path: files[path] for path in files}
    if not files and language == "python" and (blocks or not cut) and (program := _hidden(reply, blocks)):
        files = {entry: program}
    elif language == "python" and not cut and not (files.keys() - {entry} or any(map(_is_program, blocks))):
        files = dict(carried_files(reply, entry, lambda path: _clean(path, known, entry))) or files
    if files:
        return Candidate(files=files)
    raise NoCandidate(_why_nothing(blocks, title))


def _is_program(block: _Block) -> bool:
    """Whether a block is meant as Python, also as broken Python, and not as JSON, tags or a patch."""
    return block.language == "python" or not (block.language or _OTHER_FORM.match(block.body) or not block.body.strip())


def _program(blocks: Sequence[_Block]) -> str:
    """The program from the last block that is named as it; from an earlier one, if else a name of that is missing."""
    named = [at for at, block in enumerate(blocks) if block.path][-_MOST:] or [0]
    readings = (program_of([b.body for b in blocks[at:]], [b.before for b in blocks[at:]]) for at in reversed(named))
    last = next(readings)
    if len(named) == 1:
        return last
    return next((code for code in chain([last], readings) if not missing_names(code)), last)


def _is_test(path: str) -> bool:
    name = PurePosixPath(path)
    return name.name.startswith("test_") or name.stem.endswith("_test") or name.parts[0] in {"test", "tests"}


def _hidden(reply: str, blocks: Sequence[_Block]) -> str:
    """The program in blocks of another language's name, or without a block; empty where there is none."""
    shown = [repaired_python(block.body) for block in blocks] if blocks else _bare(reply)
    programs = (code for code in shown if defined_names(code))
    return without_words(program_of(list(programs if blocks else islice(programs, 1))))


def _blocks(reply: str, language: str, known: frozenset[str], entry: str) -> list[_Block]:
    """The blocks with the files that they name."""
    found = code_blocks(reply, language=language)
    ends = [0, *(block.end for block in found)]
    named = [
        replace(
            _block(replace(block, body=_meant(block, language)), known, entry),
            before=reply[max(end, block.start - 300) : block.start],
        )
        for block, end in zip(found, ends, strict=False)
    ]
    blocks = [one if one.path else replace(one, path=_heading(one.before, known, entry)) for one in named]
    if any(block.path == entry for block in blocks):
        return blocks
    return [block if block.path in known else one for one, block in zip(named, blocks, strict=True)]


def _meant(block: CodeBlock, language: str) -> str:
    """Its body; if that is no Python, the first reading that is.

    With HTML's entities as what they stand for, without a notebook's commands, without numbers before its lines, with
    plain quotation marks, or without words at its end.
    """
    body = block.body
    if language != "python" or block.language not in {"", "python"} or is_python(body):
        return body
    readings = (html.unescape(body), _NOTEBOOK.sub("", body), *_bare_lines(body))
    return next((code for code in readings if code.strip() and is_python(code)), body)


def _bare_lines(body: str) -> Iterator[str]:
    lines = [_NUMBERED.fullmatch(line) for line in body.rstrip("\n").split("\n")]
    first = int(lines[0]["number"]) if lines[0] else 0
    if all(line and int(line["number"]) == number for number, line in enumerate(lines, first)):
        yield "".join(f"{line['line']}\n" for line in lines if line)
    yield body.translate(_TYPED)
    if (words := _SENTENCE.search(body)) and not _STARTS.search(body, words.end()):
        yield body[: words.start()]


def _block(block: CodeBlock, known: frozenset[str], entry: str) -> _Block:
    word, _, name = block.info.partition(" ")
    first, _, rest = block.body.partition("\n")
    after = word.partition(":")[2]
    # A language with its version, such as python3.11, has the form of a file's name.
    bare = None if language_of(word) else _PATH.match(word)
    if named := _PATH.match(name.strip()) or _PATH.match(after) or bare or _ATTRIBUTE.search(block.info):
        return _Block(block.language, _clean(named["path"], known, entry), block.body)
    in_body = _PATH.match(first.strip()) if first.lstrip().startswith(("#", "//", "--")) else None
    if in_body:
        path = _clean(in_body["path"], known, entry)
        if path in {*known, entry} or "file" in first.lower() or path.endswith(PurePosixPath(entry).suffix):
            return _Block(block.language, path, rest)
    return _Block(block.language, "", block.body)


def _heading(before: str, known: frozenset[str], entry: str) -> str:
    """The file that the last line before a block names, if it holds nothing else."""
    named = _HEADING.fullmatch(before.rstrip().rpartition("\n")[2])
    return _clean(named["path"], known, entry) if named else ""


def _tagged(reply: str, known: frozenset[str], entry: str) -> Iterator[_Block]:
    """The files between tags such as `<file path="solution.py">`."""
    for tag in islice(_FILE_TAG.finditer(reply), _MOST):
        body, closing, _ = reply[tag.end() :].partition("</file>")
        if closing:
            yield _Block("", _clean(tag["path"], known, entry), body.strip("\n") + "\n")


def _only(path: str, suffix: str, known: frozenset[str], entry: str) -> str:
    """The file that a reply's only one is: the entry, whatever it is called, unless the task knows its name."""
    return entry if path.endswith(suffix) and path not in known else path


def _bare(reply: str) -> Iterator[str]:
    """The programs that a reply without a block may be."""
    yield reply
    yield repaired_python(reply)
    if starts := _STARTS.search(reply):
        yield _SENTENCE.split(reply[starts.start() :], maxsplit=1)[0].rstrip() + "\n"
    left = _MUCH
    for tag in islice(_TAG.finditer(reply), _MOST):
        closing = re.escape(f"</{tag['tag']}>" if tag["tag"] else f"[/{tag['word']}]")
        closed = re.compile(closing, re.IGNORECASE).search(reply, tag.end())
        body = reply[tag.end() : closed.start() if closed else len(reply)].strip("\n") + "\n"
        left -= len(body)
        if left < 0:
            break
        yield repaired_python(unescaped(body))
        yield repaired_python(html.unescape(body))
    for found in _INLINE.finditer(reply):
        yield found["body"].strip() + "\n"


def _clean(path: str, known: frozenset[str], entry: str) -> str:
    """A path in the candidate's folder; one from a root is the file of the task that it ends with, if there is one."""
    inside = path.removeprefix("./").lstrip("/")
    ends = (name for name in (entry, *sorted(known)) if path.startswith("/") and f"/{inside}".endswith(f"/{name}"))
    return next(ends, inside)


def _why_nothing(blocks: Sequence[_Block], title: str) -> str:
    if not blocks:
        return f"the reply has no code block; {title} in a fenced block was asked for"
    if all(not block.body.strip() for block in blocks):
        return "the reply's code block is empty"
    languages = sorted({block.language for block in blocks if block.language})
    return f"the reply's code is {', '.join(languages)}, not {title}"
