"""Changes of a repository in a model's reply: search and replace under the names of files, or a unified diff."""

from __future__ import annotations

import re
from typing import Literal

from loopwright.replies import EditFailed, TextEdit, apply_edits, code_blocks, read_edits
from loopwright.repo._apply_patch import apply_patch
from loopwright.repo._patch import PatchFailed, read_patch
from loopwright.repo._tree import Entry, Tree, path_problem

_PATH = re.compile(r"(?:file(?:name)?|path)?\s*:?\s*[`*\"']*(?P<path>[\w@+][\w./@+ -]*)[`*\"']*\s*:?", re.IGNORECASE)
_LONGEST = 300
"""Characters of a line that names a file."""


def changed_by(reply: str, tree: Tree) -> tuple[Tree, Literal["edit", "diff"]]:
    """The files after what a reply changes, and the form that it has.

    Raises:
        PatchFailed: The reply has no change, or one that does not apply.
    """
    if edits := read_edits(reply):
        now = dict(tree)
        path = ""
        for edit in edits:
            path = _file_of(edit, now) or path
            _edit(now, path, edit)
        return _changed(tree, now), "edit"
    patches = read_patch(_diff_in(reply))
    if not patches:
        raise PatchFailed("no patch", "the reply has no edit and no diff")
    return _changed(tree, apply_patch(tree, patches)), "diff"


def _changed(before: Tree, after: Tree) -> Tree:
    if before == after:
        raise PatchFailed("no change", "the reply leaves all files as they are")
    return after


def _file_of(edit: TextEdit, tree: Tree) -> str:
    """The file that the line before an edit names; nothing where that is no file of the repository or a new one."""
    line = edit.heading.strip("#*-` ")
    if len(line) > _LONGEST:
        return ""
    found = _PATH.fullmatch(line)
    path = found["path"].strip() if found else line
    return path.removeprefix("./") if path in tree or "." in path or "/" in path else ""


def _edit(tree: dict[str, Entry], path: str, edit: TextEdit) -> None:
    if not path:
        raise PatchFailed("no file", "no file is named in the line before an edit")
    if problem := path_problem(path):
        raise PatchFailed("outside", f"{path!r} cannot be changed: {problem}")
    if path not in tree:
        if edit.search.strip():
            raise PatchFailed("no file", f"{path}: there is no such file")
        tree[path] = Entry(edit.replace.encode("utf-8", "surrogatepass"))
        return
    before = tree[path]
    if before.kind == "link" or before.text is None:
        raise PatchFailed("no match", f"{path}: it has no lines to be edited")
    try:
        tree[path] = Entry(apply_edits(before.text, [edit]).encode("utf-8", "surrogatepass"), before.kind)
    except EditFailed as error:
        raise PatchFailed(error.kind, f"{path}: {error}") from None


def _diff_in(reply: str) -> str:
    """The reply's blocks that hold a diff; all of it where none does."""
    bodies = [
        block.body for block in code_blocks(reply) if block.language in ("diff", "patch") or "\n@@ " in block.body
    ]
    return "\n".join(bodies) if bodies else reply
