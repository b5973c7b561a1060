"""Runs a test command on a candidate's files, and reads its exit code, or the JUnit XML that it leaves."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from loopwright.repo._fields import RepoFields
from loopwright.repo._junit import CaseResult, merged, read_report
from loopwright.repo._workspace import Workspace
from loopwright.sandbox import Completed
from loopwright.text import cut_middle
from loopwright.types import Check

COMMAND = "test_command"
"""Name of the check by a command's exit code."""
REST = "(the other tests)"
"""Name of the check that stands for the tests beyond those that have checks of their own."""
_EVIDENCE = 2000
_FILES, _BYTES = 2000, 64 * 1024 * 1024
"""Of the reports of one command together."""
_CHECKS = 1000
"""Tests of one command that have checks of their own, where none are named."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a report must tell."""

    names: tuple[str, ...] = ()
    """Tests that must pass; none for all that the report has."""
    must_fail: tuple[str, ...] = ()
    """Tests that fail whatever the candidate does: where one passes, nothing has passed."""


async def checks_of_command(
    space: Workspace, fields: RepoFields, command: str, junit: Sequence[str], expected: Expected
) -> list[Check]:
    """The checks of a command, in a workspace with the candidate's files.

    Args:
        space: The workspace; nothing of the candidate ran in it.
        fields: Where commands start, and how long they may take.
        command: The command.
        junit: Patterns of the reports that it writes, below the repository; none to go by its exit code.
        expected: What the reports must tell.

    Raises:
        SandboxError: The sandbox was lost.
    """
    try:
        stale = [path for pattern in junit for path in await _matches(space, pattern)]
    except ValueError as error:  # the candidate brings them
        return _none_passed(expected.names, str(error))
    if stale:
        gone = "\0".join(stale).encode("utf-8", "surrogateescape")
        await space.sandbox.run(["xargs", "-0", "-r", "rm", "-rf", "--"], stdin=gone, cwd="/")
    done = await space.sandbox.run(["/bin/sh", "-c", command], cwd=fields.folder, timeout=fields.test_timeout)
    said = cut_middle(f"{done.stdout.text}\n{done.stderr.text}".strip(), _EVIDENCE)
    end = f"it took more than {fields.test_timeout:g} s" if done.timed_out else f"it ended with {done.exit_code}"
    if not junit:
        return [Check(name=COMMAND, score=1.0) if done.ok else _failed(COMMAND, f"{end}\n{said}")]
    if done.timed_out:
        return _none_passed(expected.names, f"{end}\n{said}")
    try:
        cases = await _reported(space, junit)
    except ValueError as error:
        return _none_passed(expected.names, f"{error}; {end}\n{said}")
    return _judged(cases, done, expected)


def _judged(cases: Mapping[str, CaseResult], done: Completed, expected: Expected) -> list[Check]:
    if cheated := [name for name in expected.must_fail if name not in cases or cases[name].passed]:
        is_there = cheated[0] in cases
        why = "passes with this candidate" if is_there else "is not in the report"
        return _none_passed(expected.names, f"a test that must fail {why}")
    failing = any(case.failed for case in cases.values())
    if not done.ok and not failing:
        why = f"the report tells of no failure, and the command ended with {done.exit_code}"
        return _none_passed(expected.names, why)
    if expected.names:
        missing = "the report has no such test"
        named = dict.fromkeys(expected.names)
        return [_check(cases.get(name) or CaseResult(name, passed=False, why=missing)) for name in named]
    rest = [case for case in cases.values() if case.id not in expected.must_fail]
    return list(_all(rest)) or _none_passed((), "the report tells of no other test than those that must fail")


def _all(cases: Sequence[CaseResult]) -> Iterator[Check]:
    """A check for each test; where there are very many, those that pass are one check."""
    ordered = cases if len(cases) <= _CHECKS else sorted(cases, key=lambda case: case.passed)
    yield from map(_check, ordered[:_CHECKS])
    if rest := ordered[_CHECKS:]:
        score = sum(case.passed for case in rest) / len(rest)
        yield Check(name=REST, score=score, evidence="" if score == 1 else "some of them failed", weight=len(rest))


def _check(case: CaseResult) -> Check:
    return Check(name=case.id, score=1.0) if case.passed else _failed(case.id, case.why)


def _failed(name: str, why: str) -> Check:
    return Check(name=name, score=0.0, evidence=why.strip()[:_EVIDENCE])


def _none_passed(names: Sequence[str], why: str) -> list[Check]:
    return [_failed(name, why) for name in names or (COMMAND,)]


async def _reported(space: Workspace, patterns: Sequence[str]) -> Mapping[str, CaseResult]:
    """What the reports tell, by test.

    Raises:
        ValueError: There is none, one cannot be read, or they tell of no test.
    """
    cases: list[CaseResult] = []
    left = _BYTES
    paths = sorted({path for pattern in patterns for path in await _matches(space, pattern)})
    if not paths:
        raise ValueError(f"the command left no report at {', '.join(patterns)}")
    for path in paths:
        name = path.removeprefix(f"{space.folder}/")
        try:
            data = await space.sandbox.read(path, limit=left)
            left -= len(data)
            cases += await asyncio.to_thread(read_report, data)
        except (OSError, ValueError) as error:
            raise ValueError(f"the report {name} cannot be read: {error}") from None
    if not cases:
        raise ValueError("the report tells of no test")
    return merged(cases)


async def _matches(space: Workspace, pattern: str) -> list[str]:
    """The files that a pattern names, as absolute paths.

    Raises:
        ValueError: There are too many.
    """
    places = [space.folder]
    for part in pattern.split("/"):
        found: list[str] = []
        for place in places:
            try:
                names = await space.sandbox.list(place)
            except (OSError, ValueError):
                continue
            found += [posixpath.join(place, name) for name in sorted(names) if fnmatchcase(name, part)]
        if len(found) > _FILES:
            raise ValueError(f"more than {_FILES:,} files match {pattern}")
        places = found
    return places
