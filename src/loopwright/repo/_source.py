"""Reads the files of a repository at its base commit: from a folder, a git bundle or an archive."""

from __future__ import annotations

import os
import re
import stat
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from loopwright.archives import LARGEST, UNPACKING_ERRORS, BadArchive, entries, whole, zip_entries
from loopwright.errors import TaskError
from loopwright.files import open_regular, real_path
from loopwright.repo._fields import RepoFields
from loopwright.repo._git import blobs, git, reading, records
from loopwright.repo._tree import Entry, Kind, Tree, above, leading_out, path_problem

MOST = 100_000
"""Files that a repository may have."""
_KINDS: Mapping[str, Kind] = {"100644": "file", "100664": "file", "100755": "program", "120000": "link"}
_BUNDLE = b"# v"
_WHOLE = "Name a whole repository: a folder made by `git clone`, or a file made by `git bundle create FILE --all HEAD`."


def load_repository(fields: RepoFields) -> Tree:
    """The files at the base commit, of a repository that lies on this machine.

    Raises:
        TaskError: There is none, or it cannot be used; names the file and the remedy.
    """
    if fields.repository is None:
        raise TaskError(
            "environment.repository: the repository lies inside the image, where patches cannot be read from",
            remedy="Name a folder, a git bundle or an archive, or let the agent act: `strategy: react`.",
        )
    path = Path(fields.repository)
    try:
        if path.is_dir():
            if (path / ".git").exists():
                data = _data_folder(path)
                return _of_commit(data, _resolved(data, fields.commit or "HEAD", path), fields.leave_out)
            found = _of_folder(path)
        else:
            found = _of_file(path, fields)
    except UNPACKING_ERRORS as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise _unusable(path, str(why), "Name a folder, a git bundle, or a tar or zip archive.") from None
    if fields.commit is not None and not _is_bundle(path):
        raise TaskError(
            f"environment.commit: {path} has no commits", remedy="Leave `commit` out, or name a folder with .git."
        )
    return found if _is_bundle(path) else checked(found, path, fields.leave_out)


def _unusable(path: Path | str, why: str, remedy: str) -> TaskError:
    return TaskError(f"environment.repository: {path}: {why}", remedy=remedy)


def checked(tree: Tree, path: Path | str, leave_out: Iterable[str]) -> Tree:
    """The files without those that are left out.

    Raises:
        TaskError: What remains has files whose content is not there, or links that lead out.
    """
    left = tuple(leave_out)
    kept = {name: entry for name, entry in tree.items() if not _left_out(name, left)}
    out = {*leading_out(kept)}
    for name, entry in kept.items():
        problem = ""
        if entry.is_pointer:
            problem = "its content is kept by Git LFS and is not in the repository"
        elif name in out:
            problem = "it is a link that leads out of the repository"
        elif wrong := path_problem(name) or next((f"{top} is no folder" for top in above(name) if top in kept), ""):
            problem = wrong
        if problem:
            raise _unusable(path, f"{name}: {problem}", f"Leave it out if no test needs it: `leave_out: [{name}]`.")
    if len(kept) > MOST:
        raise _unusable(path, f"it has {len(kept)} files; at most {MOST} are taken", "Name folders in `leave_out`.")
    if not kept:
        raise _unusable(path, "it has no files", "Name the folder that holds the repository.")
    return kept


def _left_out(name: str, left: tuple[str, ...]) -> bool:
    return any(name == one.rstrip("/") or name.startswith(f"{one.rstrip('/')}/") for one in left)


def _data_folder(path: Path) -> Path:
    """The folder of the repository's data, which must lie in its own folder with all that git reads for it."""
    place = path / ".git"
    if place.is_file():
        with open_regular(place) as file:
            told = file.read(4096).decode("utf-8", "replace").strip()
        place = path / told.removeprefix("gitdir:").strip()
    data = real_path(place)
    if not data.is_relative_to(real_path(path)):
        raise _unusable(path, "its .git leads out of it, as that of a work tree or a submodule does", _WHOLE)
    for name in ("commondir", "objects/info/alternates", "objects/info/http-alternates"):
        if os.path.lexists(data / name):
            raise _unusable(path, f"{name} of its .git names another repository", _WHOLE)
    for top, folders, files in os.walk(data):
        if Path(top) == data and "hooks" in folders:  # never run, and often a link
            folders.remove("hooks")
        for name in (*folders, *files):
            one = Path(top, name)
            if one.is_symlink() and not real_path(one).is_relative_to(data):
                raise _unusable(path, f"{one.relative_to(data)} of its .git is a link that leads out of it", _WHOLE)
    return data


def _resolved(data: Path, name: str, path: Path) -> str:
    if name.startswith("-") or not re.fullmatch(r"[\w./@{}^~-]+", name):
        raise TaskError(f"environment.commit: {name!r} is no name of a commit", remedy="Write its hash.")
    try:
        return git(data, "rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}").decode().strip()
    except TaskError as error:
        if "rev-parse" not in str(error.args[0]):
            raise
        if name == "HEAD":
            raise _unusable(path, "the repository has no commit", "Commit its files first.") from None
        remedy = "Write the hash of a commit that the repository has; a shallow clone lacks older ones."
        raise TaskError(f"environment.commit: {path} has no commit {name!r}", remedy=remedy) from None


@lru_cache(maxsize=16)
def _of_commit(data: Path, commit: str, leave_out: tuple[str, ...]) -> Tree:
    """A commit never changes, so its files are kept for the other episodes."""
    with reading(data, "ls-tree", "-r", "-z", "--full-tree", commit) as output:
        listed = _listed(data, records(output), leave_out)
    contents = blobs(data, [one.blob for one in listed])
    tree = {one.path: Entry(content, one.kind) for one, content in zip(listed, contents, strict=True)}
    return checked(tree, data, ())


@dataclass(frozen=True, slots=True)
class _Listed:
    path: str
    kind: Kind
    blob: str


def _listed(data: Path, lines: Iterable[bytes], leave_out: tuple[str, ...]) -> list[_Listed]:
    """The files that `ls-tree` lists; counted while it does, as few objects can make many files."""
    found = []
    for line in lines:
        about, _, name = line.partition(b"\t")
        mode, _, blob = about.decode().split()
        path = name.decode("utf-8", "surrogateescape")
        if _left_out(path, leave_out):
            continue
        if mode == "160000":
            raise _unusable(
                data,
                f"{path}: it is a submodule, whose files are not in the repository",
                f"Leave it out if no test needs it: `leave_out: [{path}]`, or give an archive that has its files.",
            )
        found.append(_Listed(path, _KINDS[mode], blob))
        if len(found) > MOST:
            raise _unusable(data, f"it has more than {MOST} files", "Name folders in `leave_out`.")
    return found


def _of_folder(folder: Path) -> Tree:
    found: dict[str, Entry] = {}
    size = 0
    for place in sorted(folder.rglob("*")):
        name = place.relative_to(folder).as_posix()
        if "__pycache__" in name.split("/"):
            continue
        if place.is_symlink():
            found[name] = Entry(bytes(place.readlink()), "link")
        elif place.is_file():
            with open_regular(place) as file:
                data = file.read(LARGEST + 1)
            size += len(data)
            found[name] = Entry(data, "program" if place.stat().st_mode & stat.S_IXUSR else "file")
        if size > LARGEST or len(found) > MOST:
            raise BadArchive(f"it has more than {LARGEST} bytes, or {MOST} files")
    return found


def _is_bundle(path: Path) -> bool:
    if not path.is_file():
        return False
    with open_regular(path) as file:
        return file.read(16).startswith(_BUNDLE)


def _of_file(path: Path, fields: RepoFields) -> Tree:
    if _is_bundle(path):
        return _of_bundle(path, fields)
    with open_regular(path) as file:
        found = _of_zip(file) if zipfile.is_zipfile(file) else read_tar(file)
    return _without_top(found)


def _of_bundle(path: Path, fields: RepoFields) -> Tree:
    with tempfile.TemporaryDirectory(prefix="loopwright-") as folder:
        data = Path(folder)
        git(data, "init", "--quiet", "--bare", "--template=", str(data))
        for line in git(data, "bundle", "unbundle", str(path.absolute())).decode("utf-8", "replace").splitlines():
            commit, _, name = line.partition(" ")
            if name.startswith("refs/"):
                git(data, "update-ref", name, commit)
            elif name == "HEAD":
                (data / "HEAD").write_text(f"{commit}\n")
        commit = _resolved(data, fields.commit or "HEAD", path)
        return _of_commit.__wrapped__(data, commit, fields.leave_out)


def read_tar(file: BinaryIO) -> dict[str, Entry]:
    """The files and links of a tar archive, by their names in it.

    Raises:
        BadArchive: It unpacks to more than is taken.
        TarError: It is none. Damaged content raises any of `loopwright.archives.UNPACKING_ERRORS`.
    """
    found: dict[str, Entry] = {}
    size = 0
    for info, content in entries(file):
        name, target = info.name.removeprefix("./"), found.get(info.linkname.removeprefix("./"))
        if content is not None:
            found[name] = Entry(whole(content), "program" if info.mode & stat.S_IXUSR else "file")
        elif info.islnk() and target is not None:  # another name of a file before it
            found[name] = target
        elif info.issym():
            found[name] = Entry(info.linkname.encode("utf-8", "surrogateescape"), "link")
        size += len(found[name].data) if name in found else 0
        if size > LARGEST:
            raise BadArchive(f"it unpacks to more than {LARGEST} bytes")
    return found


def _of_zip(file: BinaryIO) -> Tree:
    found: dict[str, Entry] = {}
    for info, data in zip_entries(file):
        mode = info.external_attr >> 16
        kind: Kind = "link" if stat.S_ISLNK(mode) else "program" if mode & stat.S_IXUSR else "file"
        found[info.filename] = Entry(data, kind)
    return found


def _without_top(tree: Tree) -> Tree:
    """The files without the one folder that all of them lie in, and without git's data."""
    tops = {name.split("/")[0] for name in tree}
    if len(tops) == 1 and all("/" in name for name in tree):
        tree = {name.partition("/")[2]: entry for name, entry in tree.items()}
    return {name: entry for name, entry in tree.items() if name.split("/")[0] != ".git"}
