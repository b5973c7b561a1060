"""The files of a candidate in a model's reply: edits of the files that there are, or whole files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Literal

from loopwright.agents import extract_files
from loopwright.discovery._problem import OUTPUTS, PARENTS, PROGRAM
from loopwright.discovery._programs import normal_form
from loopwright.replies import EditFailed, TextEdit, apply_edits, read_edits

_NAME = re.compile(r"(?:file(?:name)?\s*:?\s*)?[`*\"']*(?P<path>[\w.+-]+(?:/[\w.+-]+)*\.\w+)[`*\"']*", re.IGNORECASE)
_LONGEST = 200
"""Characters of a file's name."""
_MOST = 20
"""Files of a candidate."""


def files_of(
    reply: str, before: Mapping[str, str], *, cut: bool = False
) -> tuple[Mapping[str, str], Literal["edit", "write"]]:
    """The files of the candidate that a reply makes of another one.

    An edit is of the file that the line before it names, else of the file of the edit before, at first `solution.py`.
    One with nothing to find makes a file that there is not yet. Files that a reply does not name stay.

    Args:
        reply: The model's text, without its reasoning.
        before: The files of the candidate that it is made from.
        cut: Whether the token limit cut the reply.

    Returns:
        The files, and whether the reply edits or writes them.

    Raises:
        EditFailed: An edit cannot be made, the reply changes nothing, or a file cannot be one of a candidate.
        NoCandidate: The reply holds no program.
    """
    edits = read_edits(reply)
    found = dict(before)
    path = PROGRAM
    for edit in edits:
        path = _named(edit, found) or path
        found[path] = _edited(path, found, edit)
    if not edits:
        written = extract_files(reply, entry=PROGRAM, known=frozenset(before), cut=cut).files
        found |= {name: text for name, text in written.items() if name not in (*OUTPUTS, *PARENTS)}
    if PROGRAM not in found:
        raise EditFailed("no match", f"the reply names other files and not {PROGRAM}")
    for name in found:
        _check(name)
    if len(found) > _MOST:
        raise EditFailed("no file", f"the program has {len(found)} files, and {_MOST} are allowed")
    if {name: normal_form(text) for name, text in found.items()} == {n: normal_form(t) for n, t in before.items()}:
        raise EditFailed("no change", "but for blanks and comments the program is the one that was to be improved")
    return found, "edit" if edits else "write"


def _named(edit: TextEdit, files: Mapping[str, str]) -> str:
    """The file that the line before an edit names: one that there is, or one in Python that the edit makes."""
    line = edit.heading.strip("#*-`: ")
    found = _NAME.fullmatch(line) if len(line) <= _LONGEST else None
    path = found["path"].removeprefix("./") if found else ""
    if path not in files and not path.endswith(".py"):
        return ""
    if path not in files and edit.search.strip():
        raise EditFailed("no file", f"there is no file {path!r}: the files are {', '.join(sorted(files))}")
    return path


def _edited(path: str, files: Mapping[str, str], edit: TextEdit) -> str:
    if path not in files:
        return edit.replace
    try:
        return apply_edits(files[path], [edit])
    except EditFailed as error:
        if len(files) == 1:
            raise
        raise EditFailed(error.kind, f"{path}: {error}; name the file in the line before the edit") from None


def _check(path: str) -> None:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\0" in path or len(path) > _LONGEST:
        raise EditFailed("no file", f"{path[:_LONGEST]!r} is no file in the folder of the program")
