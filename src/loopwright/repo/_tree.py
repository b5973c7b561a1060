"""The files of a repository at one moment."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from loopwright.types import Candidate, Verdict

PATCH = "changes.diff"
"""The file of a candidate that holds its diff against the base commit."""
CACHES = ("__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".tox", ".venv", "node_modules")
"""Folders that tools fill: what is new in them is nobody's change."""
_LONGEST = 4096
"""Characters of a path that a file system takes."""
_DEEPEST = 200
"""Folders that a link may lead through, as many links can lead through many."""
_LFS = b"version https://git-lfs.github.com/spec/"

Kind = Literal["file", "program", "link"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, a file that can be executed, or a link."""

    data: bytes
    """Content; the target of a link."""
    kind: Kind = "file"

    @property
    def mode(self) -> str:
        """As git writes it."""
        return {"file": "100644", "program": "100755", "link": "120000"}[self.kind]

    @property
    def text(self) -> str | None:
        """Its content as text; None for what diffs show as binary."""
        try:
            return None if b"\0" in self.data else self.data.decode()
        except UnicodeDecodeError:
            return None

    @property
    def blob(self) -> str:
        """Name of the content, as git makes it."""
        return hashlib.sha1(b"blob %d\0" % len(self.data) + self.data, usedforsecurity=False).hexdigest()

    @property
    def is_pointer(self) -> bool:
        """Whether the content is kept elsewhere, by Git LFS."""
        return self.kind != "link" and len(self.data) < 1024 and self.data.startswith(_LFS)


Tree = Mapping[str, Entry]
"""Files by their path from the top of the repository."""


def path_problem(path: str) -> str:
    """Why a path cannot be one of a repository; empty where it can."""
    if len(path) > _LONGEST:
        return "it is longer than a path can be"
    parts = path.split("/")
    if path.startswith("/"):
        return "it is absolute"
    if ".." in parts:
        return "it leads out of the repository"
    if any(part.lower() == ".git" for part in parts):
        return "it lies in .git"
    if "\0" in path or not path or "" in parts or "." in parts or not is_encodable(path):
        return "it is no path of a file"
    return ""


def is_encodable(path: str) -> bool:
    """Whether a path can be the name of a file: half of a surrogate pair cannot."""
    try:
        path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def leading_out(tree: Tree) -> Iterator[str]:
    """The links that point out of the repository or into `.git`, or go up behind another link.

    What lies above a link is where that one points to; so a name in front of `..` must be none.
    """
    links = {path: entry for path, entry in tree.items() if entry.kind == "link"}
    return (path for path, entry in links.items() if _leads_out(path, entry, links))


def _leads_out(path: str, link: Entry, links: Tree) -> bool:
    target = link.data.decode("utf-8", "surrogateescape")
    parts = target.split("/")
    if target.startswith("/") or len(target) > _LONGEST or len(parts) > _DEEPEST:
        return True
    at, behind = path.split("/")[:-1], False
    for part in parts:
        if part.lower() == ".git" or (part == ".." and (behind or not at)):
            return True
        if part == "..":
            at.pop()
        elif part not in ("", "."):
            at.append(part)
            behind = behind or "/".join(at) in links
    return False


def above(path: str) -> Iterable[str]:
    """The folders that a path lies in, the nearest first."""
    while path := path.rpartition("/")[0]:
        yield path


def patch_of(candidate: Candidate) -> str | None:
    """The diff that a candidate is; None where it is an action, or nothing."""
    return candidate.files.get(PATCH)


def patch_reference(verdict: Verdict) -> str | None:
    """Artifact reference of the diff that a verdict is about; None where it is about something else."""
    found = (check.data[PATCH] for check in verdict.checks if check.data and PATCH in check.data)
    return next((reference for reference in found if isinstance(reference, str)), None)
