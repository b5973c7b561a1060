"""JSON files: read as JSON, with the place of everything, and refused where no record could hold what they say."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopwright.errors import TaskError
from loopwright.project import load_document, load_json

_scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
_values = st.recursive(_scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


@settings(deadline=None)
@given(_values, st.booleans(), st.sampled_from([None, 1, "\t"]), st.integers(0, 3))
def test_what_a_program_wrote_is_read(
    tmp_path_factory: pytest.TempPathFactory, value: Any, ascii_only: bool, indent: Any, marked: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(value, ensure_ascii=ascii_only, indent=indent), "utf-8", newline="")
    assert load_json(path, marked=marked).data == value


@settings(deadline=None)
@given(st.text() | st.text('{}[]:,"\\u123dD 0eE+-.\n\ttrufalsn'))
def test_nothing_else_is_raised(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "broken.json"
    path.write_text(text, "utf-8", newline="")
    found: list[Any] = []
    with contextlib.suppress(TaskError):
        found.append(load_json(path).data)
    try:
        known = json.loads(text)
    except (ValueError, RecursionError):
        assert not found
    else:
        assert found in ([], [known])


def test_places_are_noted(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text('[\n  {"a": 1},\n  {"a": {"b": "\\ud83d\\ude00"}}\n]\n', "utf-8")
    document = load_document(path)
    assert document.data[1] == {"a": {"b": "😀"}}
    mark = document.marks[(1, "a", "b")]
    assert (mark.line, mark.column) == (3, 10)


@pytest.mark.parametrize(
    ("second", "problem"),
    [
        ('"\\ud83d"', "half a character, U+D83D"),
        ('{"\\udc00": 1}', "half a character, U+DC00"),
        ("1e999", "too large"),
        ("-1e999", "too large"),
        ("NaN", "not a JSON number"),
        ("1" * 5000, "digits"),
        ('{"a": 1, "a": 2}', "twice"),
        ("[" * 5000, "deep"),
        ("[" * 60 + "]" * 60, "deep"),
        ("1 2", "']' is missing"),
        ("{a: 1}", "double quotes"),
    ],
)
@pytest.mark.parametrize("marked", [1, 40])
def test_what_no_record_could_hold_is_refused(tmp_path: Path, second: str, problem: str, marked: int) -> None:
    path = tmp_path / "list.json"
    path.write_text(f"[1,\n{second}]", "utf-8")
    with pytest.raises(TaskError) as caught:
        load_json(path, marked=marked)
    assert caught.value.line == 2
    assert problem in str(caught.value)
