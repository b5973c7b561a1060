"""A repository in a sandbox: its files at the base commit, and what became of them."""

from __future__ import annotations

import asyncio
import io
import posixpath
import tarfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from loopwright.archives import LARGEST, UNPACKING_ERRORS
from loopwright.errors import TaskError
from loopwright.repo._diff import write_diff
from loopwright.repo._fields import RepoFields
from loopwright.repo._patch import LARGEST as LARGEST_FILE
from loopwright.repo._source import checked, load_repository, read_tar
from loopwright.repo._tree import CACHES, PATCH, Entry, Tree, above, leading_out
from loopwright.sandbox import Change, Sandbox, SandboxProvider, SandboxSpec
from loopwright.text import cut_middle
from loopwright.types import Candidate

COMMIT = (
    "command -v git >/dev/null || exit 0; export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null; "
    "git init -q --template= . && git symbolic-ref HEAD refs/heads/main && "
    "git config user.name agent && git config user.email agent@localhost && "
    "git add -Af . && git commit -q --allow-empty -m base"
)
"""Makes a repository of one commit where the sandbox has git: there is no history to look into."""
_GIT = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
"""The folder may belong to the machine's root, as a writable folder of its own does."""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SETUP = 1800.0
_SHOWN = 2000
_CHANGED = 128 * 1024 * 1024
"""Bytes of all changed files."""
_LINES = 2_000_000
"""Lines of all changed texts."""
_EPOCH = 1_700_000_000


class DoesNotFit(ValueError):
    """Files for which the sandbox has no room; the text says so."""


class Workspace:
    """The files of a repository in a sandbox of its own."""

    def __init__(self, sandbox: Sandbox, folder: str, base: Tree, start: Mapping[str, Change]) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self._base = base
        self._start = start

    @classmethod
    async def open(cls, provider: SandboxProvider, spec: SandboxSpec, fields: RepoFields, base: Tree) -> Workspace:
        """Opens a sandbox with the files of the base commit, and runs the set-up commands.

        Raises:
            TaskError: The files do not fit, or the set-up fails.
            SandboxError: There is no sandbox, or it was lost.
        """
        folder = fields.folder
        own = () if folder.startswith("/work/") else (folder,)
        sandbox = await provider.open(
            replace(spec, writable=(*spec.writable, *own), env={**_GIT, **_path(fields), **spec.env})
        )
        try:
            await _put_base(sandbox, folder, base)
            made = await sandbox.run(["/bin/sh", "-c", COMMIT], cwd=folder, timeout=_SETUP)
            if not made.ok:
                raise TaskError(f"git cannot make a commit in the sandbox: {made.stderr.text.strip()[-300:]}")
            if fields.setup:
                done = await sandbox.run(["/bin/sh", "-ec", fields.setup], cwd=folder, timeout=_SETUP)
                if not done.ok:
                    said = cut_middle(f"{done.stdout.text}\n{done.stderr.text}".strip(), _SHOWN)
                    raise TaskError(
                        f"environment.setup: a command fails with exit code {done.exit_code}: {said}",
                        remedy="Mend it, or end it with `|| true` where it may fail.",
                    )
            space = cls(sandbox, folder, base, {})
            space._start = await space._files()
        except BaseException:
            await sandbox.close()
            raise
        return space

    async def tree(self) -> Tree:
        """The files of the repository as they are now.

        Left out are new files in folders that tools fill, and links that are new or changed and lead out of the
        repository, such as those of a virtual environment: they lead to nothing that a grading has.

        Raises:
            SandboxLost: The sandbox is gone.
            ValueError: There are too many changed files, or too many bytes or lines in them.
        """
        now = await self._files()
        changed = [path for path, one in now.items() if _mark(one) != _mark(self._start.get(path))]
        gone = self._start.keys() - now
        tree = {name: entry for name, entry in self._base.items() if self._at(name) not in gone}
        for path, entry in (await self._contents(changed)).items():
            name = path[len(self.folder) + 1 :]
            if name in self._base or not _is_cache(name):
                tree[name] = entry
        for name in [*leading_out(tree)]:
            if tree[name] != self._base.get(name):
                del tree[name]
        return tree

    async def put(self, tree: Tree) -> None:
        """Makes the files of the base commit others; what the set-up made beside them stays.

        Raises:
            SandboxLost: The sandbox is gone.
            DoesNotFit: There is no room for them.
        """
        changed = [name for name in {*self._base, *tree} if self._base.get(name) != tree.get(name)]
        # A link goes before what seems to lie behind it.
        gone = "\0".join(self._at(name) for name in sorted(changed)).encode("utf-8", "surrogateescape")
        await self.sandbox.run(["xargs", "-0", "-r", "rm", "-rf", "--"], stdin=gone, cwd="/")
        put = {name: tree[name] for name in sorted(changed) if name in tree}
        try:
            # As of now, so that what the set-up made of the files at the base commit is older, and is made anew.
            await _put(self.sandbox, self.folder, put, time.time())
        except ValueError as error:
            raise DoesNotFit(f"the candidate's files do not fit the sandbox: {error}") from None

    def _at(self, name: str) -> str:
        return f"{self.folder}/{name}"

    async def _files(self) -> dict[str, Change]:
        found = {}
        for change in await self.sandbox.changes():
            name = change.path.removeprefix(f"{self.folder}/")
            inside = name != change.path and ".git" not in name.lower().split("/")
            if inside and change.kind != "deleted" and change.type in ("file", "link"):
                found[change.path] = change
        return found

    async def _contents(self, paths: Iterable[str]) -> dict[str, Entry]:
        archive = await self.sandbox.pack([*paths])
        found = {f"/{name}": entry for name, entry in (await asyncio.to_thread(read_tar, io.BytesIO(archive))).items()}
        _refuse_much(found)
        return found

    async def close(self) -> None:
        """Ends the sandbox; harmless when called twice."""
        await self.sandbox.close()


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where a program works on a repository on its own."""

    space: Workspace
    base: Tree
    found: Tree
    """What the program finds."""

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox with the files."""
        return self.space.sandbox

    @property
    def folder(self) -> str:
        """Where the files are."""
        return self.space.folder

    async def candidate(self) -> Candidate | None:
        """The diff of the files as they are now against the base commit; None if they are as the program found them.

        Raises:
            ValueError: There are too many changed files, or too many bytes or lines in them.
            SandboxLost: The sandbox is gone.
        """
        now = await self.space.tree()
        if now == self.found:
            return None
        return Candidate(files={PATCH: await asyncio.to_thread(write_diff, self.base, now)})

    async def close(self) -> None:
        """Ends the sandbox; harmless when called twice."""
        await self.space.close()


async def base_of(provider: SandboxProvider, spec: SandboxSpec, fields: RepoFields) -> Tree:
    """The files at the base commit: of a repository on this machine, or of the folder inside the image.

    Raises:
        TaskError: They cannot be read.
        SandboxError: There is no sandbox.
    """
    if fields.repository is not None:
        return await asyncio.to_thread(load_repository, fields)
    sandbox = await provider.open(spec)
    try:
        process = await sandbox.start(["tar", "-C", fields.folder, "--exclude=./.git", "-cf", "-", "."], cwd="/")
        parts, size = [], 0
        while part := await process.read():
            parts.append(part)
            size += len(part)
            if size > LARGEST:
                raise TaskError(f"environment.folder: {fields.folder} has more than {LARGEST} bytes")
        done = await process.wait()
        if not done.ok:
            raise TaskError(
                f"environment.folder: {fields.folder} cannot be read in the image: {done.stderr.text.strip()[:300]}",
                remedy="Name a folder of the image, which needs `tar`, or a `repository` on this machine.",
            )
    finally:
        await sandbox.close()
    try:
        found = read_tar(io.BytesIO(b"".join(parts)))
    except UNPACKING_ERRORS as error:
        raise TaskError(f"environment.folder: {fields.folder} cannot be read in the image: {error}") from None
    return checked(found, fields.folder, fields.leave_out)


def _refuse_much(changed: Tree) -> None:
    """Refuses changes of which no diff is made: it would take gigabytes, or hours.

    Raises:
        ValueError: There are too many bytes or lines.
    """
    for path, entry in changed.items():
        if len(entry.data) > LARGEST_FILE:
            raise ValueError(f"{path} has more than {LARGEST_FILE} bytes, which no patch holds")
    if (size := sum(len(entry.data) for entry in changed.values())) > _CHANGED:
        raise ValueError(f"the changed files have {size} bytes; a patch holds at most {_CHANGED}")
    if (lines := sum(entry.data.count(b"\n") for entry in changed.values() if entry.text is not None)) > _LINES:
        raise ValueError(f"the changed files have {lines} lines; a patch holds at most {_LINES}")


def _path(fields: RepoFields) -> Mapping[str, str]:
    return {"PATH": ":".join((*fields.path, _PATH))} if fields.path else {}


def _mark(change: Change | None) -> tuple[object, ...] | None:
    return (change.type, change.sha256, bool(change.mode & 0o100)) if change else None


def _is_cache(name: str) -> bool:
    return name.endswith((".pyc", ".pyo")) or any(
        part in CACHES or part.endswith(".egg-info") for part in name.split("/")
    )


async def _put(sandbox: Sandbox, folder: str, tree: Tree, mtime: float = _EPOCH) -> None:
    await sandbox.unpack(packed_tree(folder, tree, mtime))


async def _put_base(sandbox: Sandbox, folder: str, base: Tree) -> None:
    try:
        await _put(sandbox, folder, base)
    except ValueError as error:
        if "Permission denied" in str(error):
            raise TaskError(
                f"the sandbox's user may not write the repository: {error}", remedy="Write `sandbox: {user: root}`."
            ) from None
        raise TaskError(
            f"the repository does not fit the sandbox: {error}", remedy="Raise `sandbox.scratch_mb`."
        ) from None


def packed_tree(folder: str, tree: Tree, mtime: float = _EPOCH) -> bytes:
    """A tar archive of files below an absolute folder, with names from the root, that were changed at a time."""
    packed = io.BytesIO()
    top = folder.lstrip("/")
    folders = {top, *above(top), *(f"{top}/{one}" for name in tree for one in above(name))}
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(folders):
            info = _info(path, 0o755, mtime)
            info.type = tarfile.DIRTYPE
            tar.addfile(info)
        for name, entry in tree.items():
            info = _info(posixpath.join(top, name), 0o755 if entry.kind == "program" else 0o644, mtime)
            if entry.kind == "link":
                info.type, info.linkname = tarfile.SYMTYPE, entry.data.decode("utf-8", "surrogateescape")
                tar.addfile(info)
            else:
                info.size = len(entry.data)
                tar.addfile(info, io.BytesIO(entry.data))
    return packed.getvalue()


def _info(name: str, mode: int, mtime: float) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mode, info.mtime = mode, mtime
    return info
