from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from loopwright.files import (
    home_path,
    open_descriptor,
    read_regular,
    real_path,
    refuse_many_values,
    write_whole,
)


def _make(kind: str, path: Path) -> None:
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "socket":
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(str(path))
        case "folder":
            path.mkdir()
        case "device":
            path.symlink_to("/dev/zero")


@pytest.mark.parametrize("kind", ["fifo", "socket", "folder", "device"])
def test_only_regular_files_are_opened(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("sent")
    _make(kind, path)
    for flags in (os.O_RDONLY, os.O_RDWR | os.O_CREAT):
        with pytest.raises(OSError, match=f"(?i)it is a {kind}"):
            open_descriptor(path, flags)


def test_more_than_the_bound_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "hole").touch()
    os.truncate(tmp_path / "hole", 1 << 40)
    with pytest.raises(OSError, match="1099511627776 bytes; at most 10 are read"):
        read_regular(tmp_path / "hole", 10)
    (tmp_path / "short").write_bytes(b"0123456789")
    assert read_regular(tmp_path / "short", 10) == b"0123456789"


@pytest.mark.parametrize("link", ["a", "a/b"])
def test_no_link_below_a_folder_that_was_sent_is_followed(tmp_path: Path, link: str) -> None:
    mine, sent = tmp_path / "mine", tmp_path / "sent"
    (mine / "b").mkdir(parents=True)
    sent.mkdir()
    if link == "a":
        (sent / "a").symlink_to(mine)
    else:
        (sent / "a").mkdir()
        (sent / "a" / "b").symlink_to(mine / "b")
    (mine / "b" / "x").write_text("mine")
    with pytest.raises(OSError, match="is a link"):
        read_regular(sent / "a" / "b" / "x", within=sent)
    with pytest.raises(OSError, match="is a link"):
        write_whole(sent / "a" / "b" / "y", b"theirs", within=sent)
    assert [path.name for path in (mine / "b").iterdir()] == ["x"]
    assert read_regular(sent / "a" / "b" / "x") == b"mine"


def test_a_link_in_the_place_of_a_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "page").symlink_to(tmp_path / "mine")
    write_whole(tmp_path / "page", b"page")
    assert ((tmp_path / "mine").read_text(), (tmp_path / "page").read_text()) == ("mine", "page")
    assert not (tmp_path / "page").is_symlink()


@pytest.mark.parametrize("name", ["loop", "a\0b"])
def test_a_path_that_leads_nowhere_is_an_error_when_it_is_opened(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    path = real_path(tmp_path / name)
    assert path.is_relative_to(tmp_path)
    for within in (None, tmp_path):
        with pytest.raises(OSError, match=r"(?i)NUL|symbolic links|is a link"):
            read_regular(path, within=within)


def test_a_home_of_nobody_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert home_path("~/a") == Path("/home/somebody/a")
    assert home_path("~no-such-user/a") == Path("~no-such-user/a")


@pytest.mark.parametrize("text", ["[" + "[]," * 400_000 + "0]", "[" + "0," * 600_001 + "0]", "{" * 1_100_000])
def test_json_of_very_many_values_is_refused_before_it_is_parsed(text: str) -> None:
    for form in (text, text.encode()):
        with pytest.raises(ValueError, match="more than"):
            refuse_many_values(form, containers=400_000, values=600_000)


@pytest.mark.parametrize("inside", ["words, and words; ", "[1],", '{\\"a\\":[', "\\\\[{", "ü,[", "\ud800["])
@pytest.mark.parametrize("end", ['"}', "", "\\"])
def test_signs_inside_of_texts_are_no_values(inside: str, end: str) -> None:
    for form in (text := '{"a":"' + inside * 500_000 + end, text.encode("utf-8", "surrogatepass")):
        refuse_many_values(form, containers=1, values=0)


@pytest.mark.parametrize(("text", "count"), [('"[",', 400_000), ('"a\\"",[', 200_000), ('[],"\\\\",', 200_000)])
def test_signs_between_texts_are_counted_exactly(text: str, count: int) -> None:
    values, containers = text.count(",") * count, (text.count("[") - text.count('"["')) * count
    refuse_many_values(text * count, containers, values)
    with pytest.raises(ValueError, match="more than"):
        refuse_many_values(text * count, containers, values - 1)
    if containers:
        with pytest.raises(ValueError, match="more than"):
            refuse_many_values(text * count, containers - 1, values)


def test_hostile_texts_are_counted_in_time_in_proportion_to_their_length() -> None:
    # Where it is not so, the first two take hours.
    for text in ('"' + '\\"[' * 3_000_000, '"[\\' * 3_000_000, '"["' * 2_000_000 + '"'):
        refuse_many_values(text, containers=0, values=0)
