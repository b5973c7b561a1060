"""How the tests of the examples run tests of a task against a candidate."""

from __future__ import annotations

import sys
import traceback
import types
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

Grade = Callable[[str, str], dict[str, str]]
"""Source of `solution.py` and of tests to test name and evidence, which is empty where the test passes."""


class _Raises(AbstractContextManager[None]):
    def __init__(self, *expected: type[BaseException]) -> None:
        self.expected = expected

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> bool:
        assert kind is not None, "nothing was raised"
        return issubclass(kind, self.expected)


@pytest.fixture
def grade(monkeypatch: pytest.MonkeyPatch) -> Grade:
    """Runs tests in this process: all sources are the repository's own."""

    def run(solution: str, tests: str) -> dict[str, str]:
        module, checks = types.ModuleType("solution"), types.ModuleType("checks")
        vars(checks)["raises"] = _Raises
        monkeypatch.setitem(sys.modules, "solution", module)
        monkeypatch.setitem(sys.modules, "checks", checks)
        exec(compile(solution, "solution.py", "exec"), vars(module))
        names: dict[str, Callable[[], None]] = {}
        exec(compile(tests, "tests.py", "exec"), names)
        return {name: _evidence(test) for name, test in names.items() if name.startswith("test_")}

    return run


def _evidence(test: Callable[[], None]) -> str:
    try:
        test()
    except Exception:
        return traceback.format_exc(limit=-1)
    return ""
