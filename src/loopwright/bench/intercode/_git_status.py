"""What `git status` at the root would say of changed files, as InterCode's reward looks at them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from posixpath import dirname

from loopwright.sandbox import Change

GITIGNORE = "bin boot dev etc home lib media opt proc root run sbin srv sys usr var .dockerenv"
"""Names that InterCode's .gitignore hides, at any depth."""
IGNORED = frozenset({*GITIGNORE.split(), ".git", "work"})
"""Those, and Git's own; and the home folder here, as /root there."""


def status(changes: Mapping[str, Change], tracked: Mapping[str, Change]) -> dict[str, str]:
    """Path relative to the root to `??`, `M` or `D`.

    An untracked folder is one entry, its path with a slash at the end; empty folders, permissions other than the
    owner's right to execute, and times are invisible.

    Args:
        changes: What changed since the fixture was unpacked.
        tracked: The fixture's files as they were, by path.
    """
    seen = [
        change for path, change in changes.items() if IGNORED.isdisjoint(path.split("/")) and change.type != "other"
    ]
    entries: dict[str, str] = {}
    folders = _folders(tracked)
    for change in seen:
        if was := tracked.get(change.path):
            if change.kind == "deleted" or change.type == "folder":
                entries[change.path[1:]] = "D"
            elif _visible(change) != _visible(was):
                entries[change.path[1:]] = "M"
        elif change.type in ("file", "link") and change.kind != "deleted":
            entries[_untracked(change.path, folders)[1:]] = "??"
    return entries


def _visible(change: Change) -> tuple[str, str, int]:
    """What Git keeps of a file."""
    return change.type, change.sha256, change.mode & 0o100


def _folders(paths: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for path in paths:
        while (path := dirname(path)) not in found:
            found.add(path)
    return found


def _untracked(path: str, folders: Collection[str]) -> str:
    """The highest folder above a path that holds no tracked file, or the path itself."""
    shown, above = path, dirname(path)
    while above not in folders and above != "/":
        shown, above = above + "/", dirname(above)
    return shown


def contents(changes: Mapping[str, Change], entry: str) -> str:
    """What InterCode compares of a new entry: the MD5 of paths with a dot, and nothing of others and of folders."""
    if "." not in entry or entry.endswith("/"):
        return ""
    return changes[f"/{entry}"].sha256
