"""Folders in the place of a value."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.errors import TaskError
from loopwright.project import Includes, bytes_of, load_yaml


def included(folder: Path, text: str = "tests: {file: tests/}\n") -> dict[str, str]:
    (folder / "task.yaml").write_text(text)
    document = load_yaml(folder / "task.yaml")
    found: dict[str, str] = Includes(document, folder).put_in(document.data, (), document.path)["tests"]
    return found


def test_a_folder_is_its_files(tmp_path: Path) -> None:
    (tmp_path / "tests" / "data").mkdir(parents=True)
    (tmp_path / "tests" / "a.sh").write_bytes(b"#!/bin/sh\r\n")
    (tmp_path / "tests" / "data" / "b.bin").write_bytes(b"\xff\x00")
    found = included(tmp_path)
    assert {name: bytes_of(text) for name, text in found.items()} == {
        "a.sh": b"#!/bin/sh\r\n",
        "data/b.bin": b"\xff\x00",
    }
    assert found["a.sh"] == "#!/bin/sh\r\n"


@given(st.binary(max_size=50))
def test_any_bytes_come_back(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("one")
    (folder / "tests").mkdir()
    (folder / "tests" / "x").write_bytes(data)
    assert bytes_of(included(folder)["x"]) == data


def test_what_cannot_be_included_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="there is no such folder") as missing:
        included(tmp_path)
    assert missing.value.line == 1
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "link").symlink_to("/etc/hostname")
    with pytest.raises(TaskError, match="link leaves the project"):
        included(tmp_path)
    with pytest.raises(TaskError, match="leaves the project"):
        included(tmp_path, "tests: {file: ../}\n")


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loopwright.project._includes.MAX_FILES", 2)
    (tmp_path / "tests").mkdir()
    for name in "abc":
        (tmp_path / "tests" / name).touch()
    with pytest.raises(TaskError, match="more than 2 files"):
        included(tmp_path)
