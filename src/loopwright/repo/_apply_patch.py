"""Applies patches to the files of a repository: exactly, or looking for lines that a model miscounted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from loopwright.replies import EditFailed, TextEdit, apply_edits
from loopwright.repo._patch import FilePatch, Hunk, PatchFailed
from loopwright.repo._tree import Entry, Tree, above, leading_out, path_problem

_LOOKED_AT = 10_000_000
"""Lines of a file, times hunks, among which lines are looked for."""


def apply_patch(tree: Tree, patches: Sequence[FilePatch], *, strict: bool = False) -> Tree:
    """The files after patches, which are applied one after the other.

    Args:
        tree: The files before; they stay as they are.
        patches: What to change.
        strict: Whether lines must stand exactly where the patch says. Else they are looked for in the whole file:
            exactly, then but for blanks, then nearly.

    Raises:
        PatchFailed: A patch does not apply, or leads out of the repository.
    """
    now = _Files(tree)
    for patch in _in_order(patches):
        _apply(now, patch, strict=strict)
    for path in leading_out(now.tree):
        raise PatchFailed("outside", f"{path}: the link leads out of the repository")
    return now.tree


def _in_order(patches: Sequence[FilePatch]) -> list[FilePatch]:
    """The patches as written, except that a file goes first if an earlier patch needs its place.

    A file may take the place of a folder, and a folder that of a file. What an earlier patch names stays where it is.
    """
    first, rest = list[FilePatch](), list[FilePatch]()
    named, made, folders = set[str](), set[str](), set[str]()
    for patch in patches:
        names = {path for path in (patch.old, patch.new) if path is not None}
        gone = patch.old if patch.old != patch.new and not patch.copies else None
        in_the_way = gone is not None and (gone in folders or not made.isdisjoint(above(gone)))
        (first if in_the_way and named.isdisjoint(names) else rest).append(patch)
        named |= names
        if patch.new is not None and patch.new != patch.old:
            made.add(patch.new)
            folders.update(above(patch.new))
    return [*first, *rest]


class _Files:
    """Files while patches apply, with the number of files in each folder."""

    def __init__(self, tree: Tree) -> None:
        self.tree = dict(tree)
        self._folders = Counter[str]()
        for folder, number in Counter(path.rpartition("/")[0] for path in tree if "/" in path).items():
            self._count(f"{folder}/", number)

    def _count(self, path: str, number: int) -> None:
        for folder in above(path):
            self._folders[folder] += number

    def take(self, path: str) -> None:
        del self.tree[path]
        self._count(path, -1)

    def put(self, path: str, entry: Entry) -> None:
        """Adds a file where there is nothing."""
        if path in self.tree:
            raise PatchFailed("exists", f"{path}: there is such a file already")
        if taken := next((folder for folder in above(path) if folder in self.tree), None):
            raise PatchFailed("exists", f"{path}: {taken} is no folder")
        if self._folders[path] > 0:
            raise PatchFailed("exists", f"{path}: it is a folder")
        self.tree[path] = entry
        self._count(path, 1)


def _apply(files: _Files, patch: FilePatch, *, strict: bool) -> None:
    for path in (patch.old, patch.new):
        if path is not None and (problem := path_problem(path)):
            raise PatchFailed("outside", f"{path!r} cannot be changed: {problem}")
    before = Entry(b"")
    if patch.old is not None:
        if patch.old not in files.tree:
            raise PatchFailed("no file", f"{patch.old}: there is no such file")
        before = files.tree[patch.old]
        if not patch.copies:
            files.take(patch.old)
    data = _content(before, patch, strict=strict)
    if patch.new is None:
        if data:
            raise PatchFailed("no match", f"{patch.old}: it is deleted, but the patch does not have all of its lines")
        return
    files.put(patch.new, Entry(data, patch.kind or before.kind))


def _content(before: Entry, patch: FilePatch, *, strict: bool) -> bytes:
    if patch.content is not None:
        return patch.content
    if not patch.hunks:
        return b"" if patch.new is None else before.data
    text = before.text
    if text is None:
        raise PatchFailed("no match", f"{patch.path}: it is binary, and the patch has lines of text")
    found = _exact(text, patch.hunks)
    if found is None and strict:
        raise PatchFailed("no match", f"{patch.path}: its lines are not those of the patch")
    return (_loose(text, patch) if found is None else found).encode("utf-8", "surrogatepass")


def _exact(text: str, hunks: Sequence[Hunk]) -> str | None:
    """The text after hunks that stand where they say; None where one does not."""
    lines, made, at = _lines(text), list[str](), 0
    for hunk in hunks:
        start = hunk.at - 1 if hunk.old else hunk.at
        if start < at or lines[start : start + len(hunk.old)] != hunk.old:
            return None
        made += [*lines[at:start], *hunk.new]
        at = start + len(hunk.old)
    return "".join([*made, *lines[at:]])


def _loose(text: str, patch: FilePatch) -> str:
    """The text after hunks whose lines are looked for, the nearest first."""
    if len(patch.hunks) * text.count("\n") > _LOOKED_AT:
        raise PatchFailed("no match", f"{patch.path}: it has too many lines to look for those of the patch")
    windows = "\r\n" in text
    now, moved = text.replace("\r\n", "\n"), 0
    for hunk in patch.hunks:
        old, new = ([line.replace("\r\n", "\n") for line in side] for side in (hunk.old, hunk.new))
        lines = _lines(now)
        if not any(line.strip() for line in old):
            at = min(max(hunk.at + moved - (1 if old else 0), 0), len(lines))
            if lines[at : at + len(old)] != old:
                raise PatchFailed("no match", f"{patch.path}: a hunk has no lines to find; copy some from the file")
            now = "".join([*lines[:at], *new, *lines[at + len(old) :]])
        elif places := [at for at in range(len(lines) - len(old) + 1) if lines[at : at + len(old)] == old]:
            at = min(places, key=lambda place: abs(place - (hunk.at - 1 + moved)))
            now = "".join([*lines[:at], *new, *lines[at + len(old) :]])
        else:
            now = _edited(now, TextEdit("".join(old), "".join(new)), patch.path)
        moved += len(new) - len(old)
    return now.replace("\n", "\r\n") if windows else now


def _edited(text: str, edit: TextEdit, path: str) -> str:
    try:
        return apply_edits(text, [edit])
    except EditFailed as error:
        raise PatchFailed(error.kind, f"{path}: {error}") from None


def _lines(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+", text)
