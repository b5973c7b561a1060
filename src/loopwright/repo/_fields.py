"""The fields of an instance of the environment `repo`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator

from loopwright.environments import Fields, read_fields
from loopwright.errors import TaskError
from loopwright.repo._tree import path_problem
from loopwright.task import Instance

TEST_FILES = ("conftest.py", "pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini", "setup.cfg")
"""Files that decide what tests do, wherever they lie; `pyproject.toml` beside them."""


class RepoFields(Fields):
    """Public fields of an instance."""

    kind: Literal["repo"] = "repo"
    """What prompts go by."""
    actions: Mapping[str, str] = {}
    """What prompts call actions, as of any environment of actions."""
    repository: str | None = None
    """A folder, a git bundle, or an archive (tar or zip); None for `folder` of the sandbox's image."""
    commit: str | None = None
    """The base commit, of a folder with `.git` or a bundle: a hash, a branch or a tag. None for its HEAD."""
    leave_out: tuple[str, ...] = ()
    """Paths that are left out with all below them, such as submodules and files that Git LFS keeps."""
    folder: str = Field(default="/work/repo", pattern=r"^/[^/\s]+(/[^/\s]+)*$")
    """Where the files lie in the sandbox, and where commands start."""
    path: tuple[str, ...] = ()
    """Folders of the sandbox whose programs go before all others, such as the Python of a virtual environment."""
    setup: str = ""
    """Commands that run in every sandbox at the base commit, before anything else; they must succeed."""
    runner: Literal["pytest", "unittest"] = "pytest"
    """What runs tests by name. `unittest` takes test cases and plain functions, and needs nothing but Python."""
    python_path: tuple[str, ...] = ()
    """Folders of the repository, such as `src`, from which tests import, beside its top."""
    plugins: tuple[str, ...] = ()
    """Modules of plug-ins that pytest loads, such as `pytest_asyncio.plugin`; no others are."""
    tests: tuple[str, ...] = ()
    """Tests that agents may know and the loop goes by, such as `tests/test_sum.py::test_sum`."""
    test_command: str = ""
    """A shell command that passes by ending with 0, or by the report that it leaves (`junit`)."""
    junit: tuple[str, ...] = ()
    """Paths of the JUnit XML that test commands write, below the repository, such as `target/surefire-reports/*.xml`.
    Tests are named `CLASSNAME::NAME` then, as the report names them."""
    test_paths: tuple[str, ...] = ()
    """Patterns of files, such as `*_test.go` or `pom.xml`, that are put back to the base commit before tests run."""
    shown: tuple[str, ...] = ()
    """Patterns of files that are shown to whoever writes patches, such as `src/*.py`; none leaves the choice to it."""
    timeout: float = Field(default=60.0, gt=0, le=86_400)
    """Seconds for an action of an agent."""
    test_timeout: float = Field(default=300.0, gt=0, le=86_400)
    """Seconds for all tests by name, and for a test command."""

    @field_validator("junit")
    @classmethod
    def _are_paths(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            if problem := path_problem(pattern):
                raise ValueError(f"{pattern!r} is no path of a report: {problem}")
        return patterns


class RepoHidden(Fields):
    """Hidden fields of an instance."""

    fail_to_pass: tuple[str, ...] = ()
    """Tests that fail at the base commit and must pass."""
    pass_to_pass: tuple[str, ...] = ()
    """Tests that pass at the base commit and must still pass."""
    test_files: Mapping[str, str] = {}
    """Path to content: the graders' test files, which take the place of the candidate's."""
    test_patch: str = ""
    """The same as a diff against the base commit."""
    test_command: str = ""
    """A shell command that passes by ending with 0."""
    must_fail: tuple[str, ...] = ()
    """With `junit`: graders' tests that fail whatever the candidate does. Where one passes, nothing has passed."""
    solution: str = ""
    """A diff that is right, for `loopwright validate --solutions`."""

    @field_validator("test_files")
    @classmethod
    def _are_inside(cls, files: Mapping[str, str]) -> Mapping[str, str]:
        for path in files:
            if problem := path_problem(path):
                raise ValueError(f"{path!r} is no path of a test file: {problem}")
        return files

    @property
    def names(self) -> tuple[str, ...]:
        """All tests by name."""
        return (*self.fail_to_pass, *self.pass_to_pass)


def public_fields(public: Mapping[str, Any]) -> RepoFields:
    """Reads the public fields.

    Raises:
        TaskError: A field is unknown or cannot be used.
    """
    fields = read_fields(RepoFields, public, "environment")
    if fields.junit and not fields.test_command and fields.tests:
        raise TaskError(
            "environment.tests: nothing writes the report of these tests", remedy="Write the `test_command` that does."
        )
    if not fields.junit:
        _check_names(fields.tests, "environment.tests")
    return fields


def fields_of(instance: Instance) -> tuple[RepoFields, RepoHidden]:
    """Reads all fields.

    Raises:
        TaskError: A field is unknown or cannot be used, or there are no tests at all.
    """
    fields = public_fields(instance.public)
    hidden = read_fields(RepoHidden, instance.hidden, "environment.hidden")
    if not fields.junit:
        _check_names(hidden.names, "environment.hidden")
        if hidden.must_fail:
            raise TaskError("environment.hidden.must_fail goes by reports", remedy="Write `junit`, or leave it out.")
    elif hidden.names and not (hidden.test_command or fields.test_command):
        raise TaskError(
            "environment.hidden: nothing writes the report of these tests", remedy="Write the `test_command` that does."
        )
    if not (fields.tests or fields.test_command or hidden.names or hidden.test_command):
        raise TaskError(
            "environment: the task has no tests",
            remedy="Write `fail_to_pass` or `test_command` under `environment.hidden`, or `tests` under `environment`.",
        )
    return fields, hidden


def _check_names(names: tuple[str, ...], section: str) -> None:
    for name in names:
        path, mark, _ = name.partition("::")
        if not mark or not path.endswith(".py") or path_problem(path):
            raise TaskError(
                f"{section}: {name!r} is no name of a test",
                remedy="Write `tests/test_sum.py::test_sum` or `tests/test_sum.py::Case::test_sum`.",
            )
