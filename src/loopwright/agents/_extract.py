"""Takes candidates out of replies: files from the code blocks of a Markdown text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from loopwright.candidate import Candidate
from loopwright.errors import NoCandidate
from loopwright.replies import CodeBlock, code_blocks, defined_names, language_of

_LANGUAGES = {".py": ("Python", "python"), ".sql": ("SQL", "sql")}
_PATH = re.compile(r"^(?:#|//|--)?\s*(?:file(?:name)?:?\s*)?`?(?P<path>[\w./-]+\.\w+)`?\s*:?\s*$", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"\b(?:file(?:name)?|path|title)\s*[=:]\s*[\"']?(?P<path>[\w./-]+\.\w+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Block:
    language: str
    path: str
    body: str


def extract_files(reply: str, *, entry: str, known: frozenset[str] = frozenset()) -> Candidate:
    """Reads the files that a reply proposes.

    A block names its file after the language (three backticks, `python util.py`) or in a first line such as
    `# file: util.py`. Of the blocks without a name that are in the entry's language one is the entry: the first that
    defines a function or a class, or a later one that defines all the same names again, as a correction does; the
    first of all where none defines anything. A block that is named as the entry is corrected in the same way.

    Args:
        reply: The model's text, without its reasoning.
        entry: The file the task wants, e.g. `solution.py`; its suffix decides the language.
        known: Other file names of the task, which a block may name without further marks.

    Raises:
        NoCandidate: There is no block, only blocks of another language, or nothing in them; says which.
    """
    if not reply.strip():
        raise NoCandidate("the model answered nothing")
    suffix = PurePosixPath(entry).suffix
    title, language = _LANGUAGES.get(suffix, (suffix or "text", ""))
    blocks = [_block(block, suffix, known | {entry}) for block in code_blocks(reply, language=language)]
    files = {block.path: block.body for block in blocks if block.path and block.body.strip()}
    fitting = [
        b
        for b in blocks
        if b.body.strip() and (b.path == entry or (not b.path and b.language in {"", language or b.language}))
    ]
    named = max((at for at, block in enumerate(fitting) if block.path), default=0)
    if entry not in files or defined_names(files[entry]):
        meant = [block.body for block in fitting[named:]]
        files |= {entry: _meant(meant)} if meant else {}
    if files:
        return Candidate(files=files)
    if not blocks and suffix == ".py" and defined_names(reply):
        return Candidate(files={entry: reply})
    raise NoCandidate(_why_nothing(blocks, title))


def _block(block: CodeBlock, suffix: str, known: frozenset[str]) -> _Block:
    word, _, name = block.info.partition(" ")
    first, _, rest = block.body.partition("\n")
    after = word.partition(":")[2]
    # A language with its version, such as python3.11, has the form of a file's name.
    bare = None if language_of(word) else _PATH.match(word)
    if named := _PATH.match(name.strip()) or _PATH.match(after) or bare or _ATTRIBUTE.search(block.info):
        return _Block(block.language, _clean(named["path"]), block.body)
    in_body = _PATH.match(first.strip()) if first.lstrip().startswith(("#", "//", "--")) else None
    if in_body and (in_body["path"] in known or "file" in first.lower() or in_body["path"].endswith(suffix)):
        return _Block(block.language, _clean(in_body["path"]), rest)
    return _Block(block.language, "", block.body)


def _meant(bodies: Sequence[str]) -> str:
    """The block that is the program, of several."""
    chosen, names = bodies[0], frozenset[str]()
    for body in bodies:
        defined = defined_names(body)
        if defined and names <= defined:
            chosen, names = body, names or defined
    return chosen


def _clean(path: str) -> str:
    return path.removeprefix("./")


def _why_nothing(blocks: list[_Block], title: str) -> str:
    if not blocks:
        return f"the reply has no code block; {title} in a fenced block was asked for"
    if all(not block.body.strip() for block in blocks):
        return "the reply's code block is empty"
    languages = sorted({block.language for block in blocks if block.language})
    return f"the reply's code is {', '.join(languages)}, not {title}"
