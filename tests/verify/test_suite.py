from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.errors import TaskError
from loopwright.task import Instance
from loopwright.verify import PythonTask

TESTS = "def test_a(): pass\n\ndef helper(x): pass\n\ndef test_b(n=1): pass\n"


def task(public: Mapping[str, Any], hidden: Mapping[str, Any] | None = None) -> PythonTask:
    return PythonTask.of(Instance(id="x", goal="x", public=public, hidden=hidden or {}))


def test_fields() -> None:
    files = {"helpers.py": "", "data/words.txt": "", "pkg/deep/mod.py": "", "pkg/__init__.py": ""}
    found = task(
        {"entry": "main.py", "files": files, "tests": TESTS, "timeout": 2}, {"tests": TESTS, "solution": "x = 1"}
    )
    assert found.visible is not None
    assert found.visible.names == ("test_a", "test_b")
    assert found.visible.modules == ("main", "helpers", "pkg", "pkg.deep", "pkg.deep.mod")
    assert found.visible.timeout == 2.0
    assert found.solution == {"main.py": "x = 1"}
    asked = task({"tests": TESTS}, {"solution": {"solution.py": "", "parser.py": ""}})
    assert asked.visible is not None
    assert asked.visible.modules == ("solution", "parser")
    assert task({}).visible is None
    assert task({}).hidden is None


@pytest.mark.parametrize(
    ("public", "hidden", "words"),
    [
        ({"test": TESTS}, {}, ["environment.test", "Did you mean 'tests'?"]),
        ({}, {"solutions": ""}, ["environment.hidden.solutions", "Did you mean 'solution'?"]),
        ({"tests": 3}, {}, ["environment.tests", "functions named test_"]),
        ({"timeout": 0}, {}, ["environment.timeout", "seconds per test"]),
        ({"timeout": "soon"}, {}, ["environment.timeout"]),
        ({"files": ["a.py"]}, {}, ["environment.files", "mapping"]),
        ({"files": {"a.py": 3}}, {}, ["environment.files.a.py", "mapping"]),
        ({"files": {"../a.py": ""}}, {}, ["environment.files", "leaves the workspace"]),
        ({"files": {"json.py": ""}}, {}, ["environment.files", "'json'", "another name"]),
        ({"files": {"checks.py": ""}}, {}, ["environment.files", "'checks'"]),
        ({"entry": "json.py"}, {}, ["environment.entry", "'json.py'"]),
        ({"entry": "a/b.py"}, {}, ["environment.entry"]),
        ({"entry": "main.txt"}, {}, ["environment.entry"]),
        ({"tests": "def test_a(:\n"}, {}, ["environment.tests", "not Python in line 1"]),
        ({"tests": "x = '\0'"}, {}, ["environment.tests", "not Python"]),
        ({"tests": "x = 1"}, {}, ["environment.tests", "no test"]),
        (
            {},
            {"tests": "def test_a(): pass\ndef test_a(): pass"},
            ["environment.hidden.tests", "test_a is there twice"],
        ),
        ({"tests": "def test_a(tmp_path): pass"}, {}, ["test_a takes arguments", "no fixtures"]),
        ({"tests": "def test_a(*, x): pass"}, {}, ["test_a takes arguments"]),
        ({"tests": "async def test_a(): pass"}, {}, ["test_a is async", "asyncio.run"]),
    ],
)
def test_what_cannot_be_used_names_the_field_and_the_remedy(
    public: dict[str, Any], hidden: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(TaskError) as caught:
        task(public, hidden)
    for word in words:
        assert word in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "no files; it must have solution.py"),
        ({"main.py": ""}, "no file solution.py; it has main.py"),
        ({"/etc/passwd": "", "solution.py": ""}, "'/etc/passwd' is an absolute path"),
        ({"a/../../b.py": ""}, "leaves the workspace"),
        ({"./solution.py": ""}, "not a plain relative path"),
        ({"a//b.py": ""}, "not a plain relative path"),
        ({"": ""}, "not a plain relative path"),
        ({"a\nb.py": ""}, "not a plain relative path"),
        ({"x" * 300: ""}, "not a plain relative path"),
        ({"solution.py": "\ud800"}, "UTF-8"),
        ({"solution.py": "x" * 300_000}, "larger than 256 KiB"),
        ({f"{n}.txt": "x" * 250_000 for n in range(5)}, "together larger than 1024 KiB"),
        ({f"{n}.txt": "" for n in range(101)}, "101 files are more than 100"),
        ({"solution.py": "", "solution.py/x": ""}, "both a file and a folder"),
    ],
)
def test_candidates_that_cannot_be_run(files: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match="candidate") as caught:
        task({"tests": TESTS}).with_files(files)
    assert words in str(caught.value)


def test_a_candidate_is_laid_over_the_starting_files() -> None:
    found = task({"files": {"solution.py": "old", "helpers.py": "help"}})
    assert found.with_files({"solution.py": "new"}) == {"solution.py": "new", "helpers.py": "help"}
    assert found.with_files({"helpers.py": "new"}) == {"solution.py": "old", "helpers.py": "new"}


@given(st.dictionaries(st.text(max_size=12), st.text(st.characters(codec=None), max_size=5), max_size=4))
def test_files_are_merged_or_refused_with_a_reason(files: dict[str, str]) -> None:
    found = task({"files": {"solution.py": ""}})
    try:
        merged = found.with_files(files)
    except ValueError:
        return
    assert set(merged) == {"solution.py", *files}
    assert all(not path.startswith("/") and ".." not in path.split("/") for path in merged)
