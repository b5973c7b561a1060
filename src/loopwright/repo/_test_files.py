"""Which files decide what tests do: they are those of the base commit or of the graders, whatever a candidate has."""

from __future__ import annotations

import posixpath
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from loopwright.errors import VerifierError
from loopwright.repo._apply_patch import apply_patch
from loopwright.repo._fields import TEST_FILES, RepoFields, RepoHidden, fields_of
from loopwright.repo._patch import read_patch
from loopwright.repo._source import load_repository
from loopwright.repo._tree import Entry, Tree, above
from loopwright.task import Instance

_LOADED = (".py", ".pyc", ".so", ".pyd")
_FOLDERS = frozenset({"test", "tests", "testing", "__tests__", "spec"})


@dataclass(frozen=True, slots=True)
class Suite:
    """What is run, and the files that decide what that means."""

    names: tuple[str, ...] = ()
    """Tests by name."""
    command: str = ""
    """A command that passes by ending with 0, or by its report."""
    must_fail: tuple[str, ...] = ()
    """Tests of a report that fail whatever the candidate does."""
    files: Tree | None = None
    """The graders' test files."""
    deleted: frozenset[str] = frozenset()
    """Test files that the graders take away."""
    solution: str = ""
    """The graders' diff: its classes may do what those of the base commit may."""


def graders_files(base: Tree, files: Mapping[str, str], patch: str) -> tuple[Tree, frozenset[str]]:
    """The test files that graders put in the place of the candidate's, and those that they take away.

    Raises:
        VerifierError: Their patch does not apply to the base commit.
    """
    try:
        after = apply_patch(base, read_patch(patch)) if patch else base
    except ValueError as error:
        raise VerifierError(
            f"environment.hidden.test_patch does not apply to the base commit: {error}",
            remedy="Make it against the base commit, or give whole files in `test_files`.",
        ) from None
    changed = {path: entry for path, entry in after.items() if base.get(path) != entry}
    return {**changed, **{path: Entry(text.encode()) for path, text in files.items()}}, frozenset(base.keys() - after)


@dataclass(frozen=True, slots=True)
class DecidingFiles:
    """Which paths decide what tests do."""

    told: frozenset[str]
    """The files that named tests lie in."""
    folders: frozenset[str]
    """Folders with tests."""
    patterns: tuple[str, ...]
    """Patterns that the task gives."""
    modules: frozenset[str]
    """Paths without their ending, of modules among these files and of the folders: Python loads nothing of the
    candidate's in their place."""

    @classmethod
    def of(cls, base: Tree, suite: Suite, fields: RepoFields) -> DecidingFiles:
        """Those of a suite."""
        told = frozenset() if fields.junit else frozenset(name.split("::")[0] for name in suite.names)
        # A report does not tell where its tests lie.
        near = {*(base if fields.junit else told), *(suite.files or {})}
        folders = frozenset(top for path in near for top in above(path) if posixpath.basename(top) in _FOLDERS)
        tops = {"", *(top for path in told for top in above(path))}
        projects = {posixpath.join(top, "pyproject.toml") for top in tops}
        return cls(told | projects, folders, fields.test_paths, _modules(base, {*told, *(suite.files or {})}, folders))

    def decides(self, path: str) -> bool:
        """Whether a file does."""
        settings = posixpath.basename(path) in TEST_FILES or path in self.told
        return (
            settings
            or stands_for_module(path, self.modules)
            or any(top in self.folders for top in above(path))
            or any(fnmatchcase(path, pattern) for pattern in self.patterns)
        )

    def put(self, base: Tree, suite: Suite) -> Tree:
        """Those of the base commit, under those of the graders."""
        own = {path: entry for path, entry in base.items() if self.decides(path) and path not in suite.deleted}
        return {**own, **(suite.files or {})}


def _modules(base: Tree, files: Iterable[str], folders: Iterable[str]) -> frozenset[str]:
    """Modules of tests, their `conftest`, and folders, without those for which the base commit has something else."""
    packages = {top for path in base for top in above(path)}
    tops = {"", *(top for path in files for top in above(path))}
    names = {path.removesuffix(".py") for path in files if path.endswith(".py")}
    names |= {posixpath.join(top, "conftest") for top in tops}
    return frozenset(names - packages) | {folder for folder in folders if f"{folder}.py" not in base}


def stands_for_module(path: str, modules: Container[str]) -> bool:
    """Whether Python could load a file in the place of one of some modules: a package of its name, or bytecode."""
    stem = posixpath.join(posixpath.dirname(path), posixpath.basename(path).split(".")[0])
    return (
        (path.endswith(_LOADED) and stem in modules)
        or "__pycache__" in path.split("/")
        or any(top in modules for top in above(path))
    )


def graded_tree(base: Tree, tree: Tree, suite: Suite, fields: RepoFields) -> Tree:
    """The candidate's files, with those that decide what tests do as they are at the base commit or for the graders."""
    deciding = DecidingFiles.of(base, suite, fields)
    kept = {path: entry for path, entry in tree.items() if not deciding.decides(path)}
    put = deciding.put(base, suite)
    over = {top for path in put for top in above(path)}
    # What the candidate has in the place of a folder of these files, or below one of them, gives way.
    return {p: e for p, e in kept.items() if p not in over and not any(top in put for top in above(p))} | dict(put)


def visible_suite(fields: RepoFields) -> Suite:
    """What agents may know."""
    return Suite(fields.tests, fields.test_command)


def hidden_suite(fields: RepoFields, hidden: RepoHidden, base: Tree) -> Suite:
    """The hidden tests; the visible ones where the hidden fields have none.

    Raises:
        VerifierError: The graders' patch does not apply.
    """
    files, deleted = graders_files(base, hidden.test_files, hidden.test_patch)
    names, command = hidden.names, hidden.test_command
    if not names and not command:
        names, command = fields.tests, fields.test_command
    if fields.junit:
        command = command or fields.test_command
    return Suite(names, command, hidden.must_fail, files, deleted, hidden.solution)


@dataclass(frozen=True, slots=True)
class GradedRepository:
    """All of an instance that another tool needs to grade it."""

    fields: RepoFields
    base: Tree
    suite: Suite
    deciding: DecidingFiles
    solution: Tree | None
    """The files of the solution; None where there is none."""

    @classmethod
    def of(cls, instance: Instance) -> GradedRepository:
        """Reads an instance with its hidden fields.

        Raises:
            TaskError: A field or the repository cannot be used.
            VerifierError: A patch of the graders does not apply.
        """
        fields, hidden = fields_of(instance)
        base = load_repository(fields)
        suite = hidden_suite(fields, hidden, base)
        try:
            solved = apply_patch(base, read_patch(hidden.solution)) if hidden.solution else None
        except ValueError as error:
            raise VerifierError(f"environment.hidden.solution does not apply to the base commit: {error}") from None
        return cls(fields, base, suite, DecidingFiles.of(base, suite, fields), solved)
