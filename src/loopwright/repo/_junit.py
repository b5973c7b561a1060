"""Reads JUnit XML: how each test ended, whatever the language. The tested code may have written the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

JUNIT_READER = Path(__file__)
"""This module, which needs nothing but Python."""
MOST_CASES = 100_000
"""Test cases that a report may have."""
_PASSED = frozenset({"", "run", "passed", "pass", "success", "succeeded", "ok", "completed", "executed"})
"""What `status` and `result` say of a test that passed, in the reports of all known runners."""
_FAILED = ("failure", "error", "skipped", "rerunFailure", "rerunError")
"""Elements of a test that did not pass."""
MOST_ELEMENTS = 1_000_000
"""Elements that it may have."""
LONGEST_TAG = 1024 * 1024
"""Bytes of a tag, or of a comment."""
_PIECE = 64 * 1024
"""Bytes that are read at a time, so that other threads have their turn."""
_EVIDENCE = 2000
_ID = 1000


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one test ended."""

    id: str
    """`CLASSNAME::NAME`; the name alone where the report names no class and no suite."""
    passed: bool
    why: str = ""
    """What the report says of a test that did not pass."""
    failed: bool = False
    """Whether it did not pass for another reason than that it was skipped."""


def read_report(data: bytes) -> list[CaseResult]:
    """The test cases of a report.

    A document type is refused, so that no entity is expanded and no file is fetched.

    Raises:
        ValueError: It is no report, is broken, or holds too much.
    """
    reading = _Reading()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.text
    told, since = 0, 0
    try:
        for at in range(0, len(data), _PIECE):
            parser.Parse(data[at : at + _PIECE], False)
            told, since = reading.told, since + _PIECE if reading.told == told else 0
            if since > LONGEST_TAG:
                raise ValueError(f"it has a tag of more than {LONGEST_TAG:,} bytes")
        parser.Parse(b"", True)
    except (expat.ExpatError, LookupError) as error:  # the latter of encodings that are none
        raise ValueError(f"it is no XML: {error}") from None
    return reading.found


def merged(cases: list[CaseResult]) -> Mapping[str, CaseResult]:
    """By id: of several tests of one id each must pass."""
    found: dict[str, CaseResult] = {}
    for case in cases:
        if case.id not in found or found[case.id].passed:
            found[case.id] = case
    return found


def _refuse(*_: object) -> None:
    raise ValueError("it has a document type, which no report needs")


class _Reading:
    """What was read so far."""

    def __init__(self) -> None:
        self.found: list[CaseResult] = []
        self.told = 0
        """Tags and pieces of text so far."""
        self._elements = 0
        self._suites: list[str] = []
        self._case: Mapping[str, str] | None = None
        self._depth = 0
        """Of elements inside of the test case."""
        self._failures: list[str] = []
        self._kinds: set[str] = set()

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self.told += 1
        self._elements += 1
        if self._elements > MOST_ELEMENTS:
            raise ValueError(f"it has more than {MOST_ELEMENTS:,} elements")
        name = name.rpartition(":")[2]
        if self._case is not None:
            self._depth += 1
            if self._depth == 1 and name in _FAILED:
                self._kinds.add(name)
                self._failures.append(attributes.get("message", "")[:_EVIDENCE])
        elif name == "testcase":
            self._case, self._depth, self._failures, self._kinds = attributes, 0, [], set()
        elif name in ("testsuite", "testsuites"):
            self._suites.append(attributes.get("name", ""))
        elif not self._suites:
            raise ValueError(f"it begins with {name[:40]!r}, where a report begins with `testsuites` or `testsuite`")

    def end(self, name: str) -> None:
        self.told += 1
        name = name.rpartition(":")[2]
        if self._case is None:
            if name in ("testsuite", "testsuites"):
                self._suites.pop()
        elif self._depth:
            self._depth -= 1
        else:
            self._add(self._case)
            self._case = None

    def text(self, text: str) -> None:
        self.told += 1
        if self._case is not None and self._depth == 1 and self._failures and len(self._failures[-1]) < _EVIDENCE:
            self._failures[-1] = f"{self._failures[-1]}\n{text}"[:_EVIDENCE]

    def _add(self, case: Mapping[str, str]) -> None:
        if len(self.found) == MOST_CASES:
            raise ValueError(f"it has more than {MOST_CASES:,} tests")
        where = case.get("classname") or (self._suites[-1] if self._suites else "")
        name = case.get("name", "")
        told = [case.get(key, "").lower() for key in ("status", "result")]
        odd = [word for word in told if word not in _PASSED]
        why = "\n".join(self._failures).strip() or (f"its status is {odd[0][:40]!r}" if odd else "")
        skipped = self._kinds <= {"skipped"} and (bool(self._kinds) or bool(odd))
        if self._kinds and not why:
            why = "it was skipped" if skipped else "it failed"
        id = (f"{where}::{name}" if where else name)[:_ID]
        failed = bool(self._kinds) and not skipped
        self.found.append(CaseResult(id, passed=not self._kinds and not odd, why=why, failed=failed))
