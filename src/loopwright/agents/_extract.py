"""Takes candidates out of replies: files from the code blocks of a Markdown text."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from loopwright.candidate import Candidate
from loopwright.errors import NoCandidate

_LANGUAGES = {".py": ("Python", {"python", "py", "python3"}), ".sql": ("SQL", {"sql", "sqlite", "mysql"})}

# An opening fence may be indented in a list; a reply cut by the token limit has no closing one.
_BLOCK = re.compile(
    r"^[ \t]*(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[^\n`]*)\n(?P<body>.*?)(?:^[ \t]*(?P=fence)`*[ \t]*$|\Z)",
    re.MULTILINE | re.DOTALL,
)
_PATH = re.compile(r"^(?:#|//|--)?\s*(?:file(?:name)?:?\s*)?`?(?P<path>[\w./-]+\.\w+)`?\s*:?\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Block:
    language: str
    path: str
    body: str


def extract_files(reply: str, *, entry: str, known: frozenset[str] = frozenset()) -> Candidate:
    """Reads the files that a reply proposes.

    A block names its file after the language (three backticks, `python util.py`) or in a first line such as
    `# file: util.py`. Blocks without a name: the first one in the entry's language is the entry.

    Args:
        reply: The model's whole text.
        entry: The file the task wants, e.g. `solution.py`; its suffix decides the language.
        known: Other file names of the task, which a block may name without further marks.

    Raises:
        NoCandidate: There is no block, only blocks of another language, or nothing in them; says which.
    """
    if not reply.strip():
        raise NoCandidate("the model answered nothing")
    suffix = PurePosixPath(entry).suffix
    title, tags = _LANGUAGES.get(suffix, (suffix or "text", set()))
    blocks = [_block(match, suffix, known | {entry}) for match in _BLOCK.finditer(reply)]
    files = {block.path: block.body for block in blocks if block.path and block.body.strip()}
    fitting = [
        b for b in blocks if not b.path and b.body.strip() and (not b.language or not tags or b.language in tags)
    ]
    if fitting and entry not in files:
        files[entry] = fitting[0].body
    if files:
        return Candidate(files=files)
    if not blocks and suffix == ".py" and _is_python_program(reply):
        return Candidate(files={entry: reply})
    raise NoCandidate(_why_nothing(blocks, title))


def _block(match: re.Match[str], suffix: str, known: frozenset[str]) -> _Block:
    language, _, name = match["info"].strip().partition(" ")
    body = match["body"]
    first, _, rest = body.partition("\n")
    named = _PATH.match(name.strip()) or _PATH.match(language)
    if named:
        return _Block(language.lower(), _clean(named["path"]), body)
    in_body = _PATH.match(first.strip()) if first.lstrip().startswith(("#", "//", "--")) else None
    if in_body and (in_body["path"] in known or "file" in first.lower() or in_body["path"].endswith(suffix)):
        return _Block(language.lower(), _clean(in_body["path"]), rest)
    return _Block(language.lower(), "", body)


def _clean(path: str) -> str:
    return path.removeprefix("./")


def _is_python_program(text: str) -> bool:
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for node in module.body)


def _why_nothing(blocks: list[_Block], title: str) -> str:
    if not blocks:
        return f"the reply has no code block; {title} in a fenced block was asked for"
    if all(not block.body.strip() for block in blocks):
        return "the reply's code block is empty"
    languages = sorted({block.language for block in blocks if block.language})
    return f"the reply's code is {', '.join(languages)}, not {title}"
