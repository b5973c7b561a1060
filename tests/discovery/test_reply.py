"""Files of a candidate in a model's reply."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from loopwright.discovery._reply import files_of
from loopwright.replies import EditFailed

BEFORE = {"solution.py": "import shapes\nSTEP = 1\n", "shapes.py": "SIDE = 2\nSTEP = 1\n"}


def edit(search: str, replace: str, name: str = "") -> str:
    return f"{name}\n<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"


@pytest.mark.parametrize(
    "name", ["shapes.py", "`shapes.py`", "**shapes.py**:", "### shapes.py", "File: shapes.py", "```python\nshapes.py"]
)
def test_an_edit_is_of_the_file_that_the_line_before_it_names(name: str) -> None:
    files, operation = files_of("Larger.\n\n" + edit("SIDE = 2\n", "SIDE = 3\n", name), BEFORE)
    assert operation == "edit"
    assert files == {**BEFORE, "shapes.py": "SIDE = 3\nSTEP = 1\n"}


def test_an_edit_without_a_name_is_of_the_program_or_of_the_file_of_the_edit_before() -> None:
    files, _ = files_of("Wider.\n" + edit("STEP = 1\n", "STEP = 2\n"), BEFORE)
    assert files == {**BEFORE, "solution.py": "import shapes\nSTEP = 2\n"}
    both = edit("SIDE = 2\n", "SIDE = 3\n", "shapes.py") + edit("STEP = 1\n", "STEP = 5\n")
    assert files_of(both, BEFORE)[0]["shapes.py"] == "SIDE = 3\nSTEP = 5\n"


def test_several_files_are_edited_made_and_written_in_one_reply() -> None:
    edits = edit("STEP = 1\n", "STEP = 2\n", "solution.py") + edit("", "ROOM = 1\n", "room.py")
    assert files_of(edits, BEFORE)[0] == {
        "solution.py": "import shapes\nSTEP = 2\n",
        "shapes.py": BEFORE["shapes.py"],
        "room.py": "ROOM = 1\n",
    }
    whole = "```python solution.py\nimport room\n```\n```python room.py\nROOM = 2\n```\n"
    files, operation = files_of(whole, BEFORE)
    assert operation == "write"
    assert files == {"solution.py": "import room\n", "room.py": "ROOM = 2\n", "shapes.py": BEFORE["shapes.py"]}


def test_a_helper_alone_may_be_written_again() -> None:
    files, _ = files_of("```python shapes.py\nSIDE = 9\n```\n", BEFORE)
    assert files == {**BEFORE, "shapes.py": "SIDE = 9\n"}


def test_data_in_a_reply_is_no_file_of_the_program() -> None:
    reply = "```python solution.py\nx = 1\n```\n```json construction.json\n[1]\n```\n"
    assert files_of(reply, {"solution.py": ""})[0] == {"solution.py": "x = 1\n"}


def tagged(name: str) -> str:
    return f'<file path="{name}">x = 1</file>\n<file path="solution.py">y = 1</file>\n'


@pytest.mark.parametrize("name", ["../escape.py", "a/../../b.py", "x" * 300 + ".py"])
def test_files_outside_of_the_folder_of_the_program_are_refused(name: str) -> None:
    with pytest.raises(EditFailed, match="no file in the folder"):
        files_of(tagged(name), BEFORE)


def test_a_path_from_the_root_is_one_in_the_folder_of_the_program() -> None:
    assert files_of(tagged("/etc/cron.py"), BEFORE)[0].keys() == {*BEFORE, "etc/cron.py"}


def test_too_many_files_are_refused() -> None:
    reply = "".join(f"```python part{number}.py\nx = {number}\n```\n" for number in range(40))
    with pytest.raises(EditFailed, match="and 20 are allowed"):
        files_of(reply, BEFORE)


@pytest.mark.parametrize(
    ("reply", "before", "kind", "words"),
    [
        (edit("STEP = 7 * far\n", "STEP = 2\n", "shapes.py"), BEFORE, "no match", "shapes.py: no lines"),
        (edit("STEP = 1\n", "STEP = 2\n", "other.py"), BEFORE, "no file", "the files are shapes.py, solution.py"),
        (edit("STEP = 1\n", "STEP = 1\n"), BEFORE, "no change", "leave the file"),
        (edit("x = 1\n", "x = 2\n"), {"solution.py": "x = 1\ny = 1\nx = 1\n"}, "ambiguous", "lines 1, 3"),
        ("```python\nimport shapes # the same\nSTEP  = 1\n```", BEFORE, "no change", "blanks and comments"),
    ],
)
def test_what_cannot_be_made_is_a_failure_of_its_kind(
    reply: str, before: Mapping[str, str], kind: str, words: str
) -> None:
    with pytest.raises(EditFailed, match=words) as caught:
        files_of(reply, before)
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("source", "search"),
    [("a = 1\r\nb = 2\r\n", "b = 2\n"), ("def f():\n\tb = 2\n", "    b = 2\n"), ("b  =   2\n", "b = 2\n")],
)
def test_line_ends_tabs_and_blanks_do_not_matter_and_line_ends_stay(source: str, search: str) -> None:
    files, _ = files_of(edit(search, search.replace("2", "3")), {"solution.py": source})
    assert "3" in files["solution.py"]
    assert files["solution.py"].count("\r\n") == source.count("\r\n")
