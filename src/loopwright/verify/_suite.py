"""The fields of a Python task, and its tests."""

from __future__ import annotations

import ast
import difflib
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from loopwright.errors import TaskError, UnknownField
from loopwright.replies import parse_python
from loopwright.task import Instance
from loopwright.types import PlainNumbers
from loopwright.verify._asked import refused_names
from loopwright.verify._star import withheld_names

MAX_FILES = 100
MAX_FILE_BYTES = 256 * 1024
MAX_TOTAL_BYTES = 1024 * 1024

_Fields = TypeVar("_Fields", bound=BaseModel)


class _Public(PlainNumbers):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    entry: str = "solution.py"
    files: Mapping[str, str] = {}
    tests: str = ""
    timeout: float = Field(default=5.0, gt=0, le=600, strict=False)


class _Hidden(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    tests: str = ""
    solution: str | Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class PythonSuite:
    """Tests that are run one after the other."""

    source: str
    names: tuple[str, ...]
    """Names of the test functions, in order."""
    modules: tuple[str, ...]
    """Modules that the tests may import from the candidate: the entry first, then those of the starting files and of
    the gold solution. No others, so that a candidate cannot put itself in the place of a library."""
    timeout: float
    """Seconds for each test."""
    refused: tuple[str, ...] = ()
    """Special methods and attributes that an object of the candidate is not asked for; sorted."""
    withheld: tuple[str, ...] = ()
    """Names that `from solution import *` does not bring; sorted."""


@dataclass(frozen=True, slots=True)
class PythonTask:
    """What an instance asks of the `python` environment."""

    entry: str
    """The file that every candidate must have."""
    files: Mapping[str, str]
    """Starting files: relative path to text."""
    visible: PythonSuite | None
    hidden: PythonSuite | None
    bare: PythonSuite
    """No tests: the import alone."""
    solution: Mapping[str, str] | None
    """Gold files, to check the task with."""

    @classmethod
    def of(cls, instance: Instance) -> Self:
        """Reads an instance's fields.

        Raises:
            TaskError: A field is unknown, missing or cannot be used; the message names it.
        """
        public = _fields(_Public, instance.public, "")
        hidden = _fields(_Hidden, instance.hidden, "hidden.")
        stem = PurePosixPath(public.entry).stem
        if public.entry != f"{stem}.py" or not stem.isidentifier() or stem in _TAKEN:
            raise TaskError(
                f"environment.entry: {public.entry!r} cannot be imported by tests",
                remedy="Write the name of a Python file that is no module of the standard library, e.g. solution.py.",
            )
        problem = file_problem(public.files)
        if problem:
            raise TaskError(f"environment.files: {problem}", remedy="Write paths such as helpers.py or data/words.txt.")
        solution = {public.entry: hidden.solution} if isinstance(hidden.solution, str) else hidden.solution
        named = _modules([*public.files, *(solution or {})])
        modules = (stem, *(name for name in named if name != stem))
        shadowing = sorted({name.partition(".")[0] for name in modules} & _TAKEN)
        if shadowing:
            raise TaskError(
                f"environment.files: {shadowing[0]!r} is also the name of a module of Python or of the tests",
                remedy="Give the file another name.",
            )
        sources = [text for path, text in {**public.files, **(solution or {})}.items() if path.endswith(".py")]
        refused = refused_names(sources, (public.tests, hidden.tests), modules, gold=bool(solution), goal=instance.goal)
        empty = PythonSuite("", (), modules, public.timeout, tuple(sorted(refused)))
        return cls(
            entry=public.entry,
            files=public.files,
            visible=_suite(empty, public.tests, "environment.tests", sources, instance.goal),
            hidden=_suite(empty, hidden.tests, "environment.hidden.tests", sources, instance.goal),
            bare=empty,
            solution=solution,
        )

    def with_files(self, files: Mapping[str, str]) -> dict[str, str]:
        """A candidate's files over the starting files.

        Raises:
            ValueError: The candidate cannot be run; the text says why, in words for its author.
        """
        if not files:
            raise ValueError(f"The candidate has no files; it must have {self.entry}.")
        problem = file_problem(files)
        if problem:
            raise ValueError(f"The candidate's files cannot be used: {problem}.")
        merged = {**self.files, **files}
        if self.entry not in merged:
            raise ValueError(f"The candidate has no file {self.entry}; it has {', '.join(sorted(files))[:200]}.")
        return merged


def file_problem(files: Mapping[str, str]) -> str:
    """Why files cannot be written into a workspace; empty if they can."""
    if len(files) > MAX_FILES:
        return f"{len(files)} files are more than {MAX_FILES}"
    total = 0
    for path, text in files.items():
        shown = repr(path if len(path) <= 80 else f"{path[:80]}...")
        parts = path.split("/")
        if path.startswith("/"):
            return f"{shown} is an absolute path"
        if ".." in parts:
            return f"{shown} leaves the workspace"
        if not all(parts) or "." in parts or len(path) > 240 or not path.isprintable():
            return f"{shown} is not a plain relative path"
        try:
            size = len(text.encode())
        except UnicodeEncodeError:
            return f"{shown} holds characters that UTF-8 cannot encode"
        total += size
        if size > MAX_FILE_BYTES:
            return f"{shown} is larger than {MAX_FILE_BYTES // 1024} KiB"
    if total > MAX_TOTAL_BYTES:
        return f"the files are together larger than {MAX_TOTAL_BYTES // 1024} KiB"
    folders = {str(parent) for path in files for parent in PurePosixPath(path).parents}
    clash = sorted(folders & set(files))
    return f"{clash[0]!r} is both a file and a folder" if clash else ""


_TAKEN = frozenset(sys.stdlib_module_names) | {"checks", "tests"}


def _fields(model: type[_Fields], values: Mapping[str, Any], prefix: str) -> _Fields:
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    known = list(model.model_fields)
    if first["type"] == "extra_forbidden":
        close = difflib.get_close_matches(place, known, n=1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        message = f"environment.{prefix}{place}: the python environment has no such field"
        remedy = f"{hint}Its fields here are: {', '.join(known)}."
        raise UnknownField(message, field=place, hidden=bool(prefix), remedy=remedy)
    raise TaskError(f"environment.{prefix}{place}: {first['msg']}", remedy=_REMEDIES.get(place.partition(".")[0], ""))


_REMEDIES = {
    "entry": "Write a file name, e.g. entry: solution.py.",
    "files": "Write a mapping from path to text.",
    "tests": "Write Python source with functions named test_...",
    "timeout": "Write seconds per test, above 0 and at most 600.",
    "solution": "Write Python source, or a mapping from path to source.",
}


def _modules(paths: Iterable[str]) -> list[str]:
    """Names under which files can be imported, their packages included."""
    names: dict[str, None] = {}
    for path in paths:
        parts = PurePosixPath(path).with_suffix("").parts
        if not path.endswith(".py") or not all(part.isidentifier() for part in parts):
            continue
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        for count in range(1, len(parts) + 1):
            names[".".join(parts[:count])] = None
    return list(names)


def _suite(empty: PythonSuite, source: str, field: str, sources: Sequence[str], goal: str) -> PythonSuite | None:
    """Reads the names of the tests; None where there is no source.

    Raises:
        TaskError: It is not Python, has no tests, or a test cannot be called.
    """
    if not source.strip():
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = parse_python(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f" in line {error.lineno}" if isinstance(error, SyntaxError) else ""
        message = error.msg if isinstance(error, SyntaxError) else str(error) or "it is nested too deep"
        raise TaskError(f"{field}: not Python{line}: {message}", remedy=_REMEDIES["tests"]) from None
    tests = [node for node in tree.body if _is_test(node)]
    if not tests:
        raise TaskError(f"{field}: there is no test", remedy=_REMEDIES["tests"])
    names: list[str] = []
    for test in tests:
        assert isinstance(test, ast.FunctionDef | ast.AsyncFunctionDef)
        if isinstance(test, ast.AsyncFunctionDef):
            raise TaskError(f"{field}: {test.name} is async", remedy="Call asyncio.run inside a plain function.")
        if _needs_arguments(test.args):
            remedy = "Tests are plain functions without arguments; there are no fixtures."
            raise TaskError(f"{field}: {test.name} takes arguments", remedy=remedy)
        if test.name in names:
            raise TaskError(f"{field}: {test.name} is there twice", remedy="Give every test its own name.")
        names.append(test.name)
    withheld = withheld_names(tree, sources, empty.modules, goal)
    return replace(empty, source=source, names=tuple(names), withheld=tuple(sorted(withheld)))


def _is_test(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")


def _needs_arguments(arguments: ast.arguments) -> bool:
    positional = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return positional > 0 or any(default is None for default in arguments.kw_defaults)
