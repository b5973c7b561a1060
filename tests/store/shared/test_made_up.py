"""What somebody wrote into the database by hand is refused, and reaches nothing outside of the run's folder."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
from pathlib import Path
from typing import Any

import psycopg
import pytest

from loopwright.errors import LoopwrightError, MissingContent, StoreError, StoreUnavailable, UserError
from loopwright.store import read_run
from loopwright.store._codec import encode
from loopwright.store.shared import SharedStore
from loopwright.store.shared._lines import columns_of
from loopwright.store.shared._place import ArtifactPlace
from tests.store.shared.server import PostgresServer
from tests.store.shared.test_store import content, execute, recorded

_STATEMENTS = [
    "UPDATE loopwright.events SET line = 'nonsense' WHERE seq = 2",
    "UPDATE loopwright.events SET line = line || line WHERE seq = 2",
    "UPDATE loopwright.events SET line = substring(line FOR 30) WHERE seq = 2",
    "UPDATE loopwright.events SET line = '' WHERE seq = 4",
    "UPDATE loopwright.events SET line = (SELECT line FROM loopwright.events WHERE seq = 1) WHERE seq = 2",
    "DELETE FROM loopwright.events WHERE seq = 2",
    "DELETE FROM loopwright.events",
    "UPDATE loopwright.events SET seq = 100 WHERE seq = 2",
    "UPDATE loopwright.events SET line = decode(repeat('41', 67108865), 'hex') WHERE seq = 2",
    "UPDATE loopwright.runs SET lines = 9223372036854775807",
    "UPDATE loopwright.artifacts SET data = 'xx' WHERE size = 2",
    "UPDATE loopwright.artifacts SET data = NULL WHERE size = 2",
    "UPDATE loopwright.artifacts SET size = 1 WHERE size = 2",
    "UPDATE loopwright.artifacts SET size = 9223372036854775807 WHERE size = 2",
    "UPDATE loopwright.artifacts SET size = -1 WHERE size = 2",
    "UPDATE loopwright.artifacts SET data = NULL WHERE size = 2;"
    " INSERT INTO loopwright.settings VALUES ('place', 'file:///etc')",
    "UPDATE loopwright.artifacts SET data = NULL WHERE size = 2;"
    " INSERT INTO loopwright.settings VALUES ('place', 'http://169.254.169.254/latest')",
    "UPDATE loopwright.artifacts SET data = NULL WHERE size = 2;"
    " INSERT INTO loopwright.settings VALUES ('place', 'simplecache::file:///etc')",
    "INSERT INTO loopwright.settings VALUES ('place', 'file:///tmp/../etc')",
    "UPDATE loopwright.manifests SET data = 'nonsense'",
    "UPDATE loopwright.manifests SET data = '[]'",
    """UPDATE loopwright.manifests SET data = convert_to(replace(convert_from(data, 'UTF8'), 'r1', '../r1'), 'UTF8')""",
    "UPDATE loopwright.manifests SET data = decode(repeat('5b', 100000), 'hex')",
    "DELETE FROM loopwright.manifests",
    "UPDATE loopwright.settings SET value = 'NaN' WHERE name = 'version'",
    "DELETE FROM loopwright.settings",
]


@pytest.mark.parametrize("statement", _STATEMENTS)
def test_a_row_that_was_made_up_is_refused(url: str, tmp_path: Path, statement: str) -> None:
    recorded(url, tmp_path / "one")
    before = content(tmp_path / "one")
    with psycopg.connect(url) as connection:
        connection.execute(statement.encode())
    target = tmp_path / "machine" / "r1"
    with pytest.raises((StoreError, UserError)) as caught:
        SharedStore(url).pull("r1", target)
    assert caught.value.remedy or "at most" in str(caught.value)
    assert not (target / "run.json").exists()
    assert {path.name for path in (tmp_path / "machine").glob("*")} <= {"r1"}
    assert content(tmp_path / "one") == before


_VIEW = """
CREATE TABLE public.seen (who text);
ALTER TABLE loopwright.{0} RENAME TO moved;
CREATE FUNCTION public.tell() RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO public.seen VALUES (session_user); RETURN true; END $$;
CREATE VIEW loopwright.{0} AS SELECT * FROM loopwright.moved WHERE public.tell();
"""


@pytest.mark.parametrize("table", ["settings", "runs", "manifests", "events", "artifacts"])
def test_a_view_in_the_place_of_a_table_executes_nothing_as_its_reader(url: str, tmp_path: Path, table: str) -> None:
    recorded(url, tmp_path / "one")
    with psycopg.connect(url) as connection:
        connection.execute(_VIEW.format(table).encode())
    store = SharedStore(url)
    for look in (store.runs, store.ids, store.init, lambda: store.pull("r1", tmp_path / "r1")):
        with pytest.raises(StoreError, match=f"loopwright.{table} of the database is a view or has rules"):
            look()
    assert execute(url, "SELECT * FROM public.seen") == []


@pytest.mark.parametrize("id", ["\x1b[2J", "x" * 5000, "../../up", ""])
def test_a_database_with_an_odd_id_is_refused(url: str, tmp_path: Path, id: str) -> None:
    recorded(url, tmp_path / "one")
    execute(url, "UPDATE loopwright.settings SET value = %s WHERE name = 'id'", id)
    with pytest.raises(StoreError, match="does not say its id"):
        SharedStore(url).pull("r1", tmp_path / "two")


@pytest.mark.parametrize(
    "name", ["../../up", "/etc/run", ".", "..", ".ssh", "", "a/../../b", "a\nb", "a\x1b[2J", "x" * 400]
)
def test_a_name_that_leads_elsewhere_is_no_run(url: str, tmp_path: Path, name: str) -> None:
    recorded(url, tmp_path / "one")
    execute(url, "UPDATE loopwright.runs SET id = %s", name)
    assert SharedStore(url).runs() == []
    assert SharedStore(url).ids() == {}
    with pytest.raises(MissingContent):
        SharedStore(url).pull(name, tmp_path / "two")


def test_values_beside_the_lines_are_shown_and_not_obeyed(url: str, tmp_path: Path) -> None:
    recorded(url, tmp_path / "one")
    execute(url, "UPDATE loopwright.events SET type = 'run_finished', episode = 'e' WHERE seq = 1")
    execute(url, "UPDATE loopwright.runs SET created = %s, host = %s", "\x1b[2J" * 1000, "\x1b[2J" * 1000)
    [run] = SharedStore(url).runs()
    assert "\x1b" not in f"{run}"
    assert (run.planned, run.finished) == (0, "")


def test_a_link_in_a_working_copy_is_not_followed(url: str, tmp_path: Path) -> None:
    recorded(url, tmp_path / "one")
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("artifacts", "events.jsonl"):
        target = tmp_path / f"linked-{name}"
        target.mkdir()
        (target / name).symlink_to(outside if name == "artifacts" else outside / "file")
        with pytest.raises(StoreError):
            SharedStore(url).pull("r1", target)
    assert list(outside.iterdir()) == []


def pulled_and_read(url: str, folder: Path) -> None:
    SharedStore(url).pull("r1", folder)
    for _ in read_run(folder).events:
        pass


@pytest.mark.slow
def test_rows_of_random_bytes_end_in_a_message(server: PostgresServer, tmp_path: Path) -> None:
    url = server.new_database()
    recorded(url, tmp_path / "one")
    chance = random.Random(5)
    [sound, *_] = execute(url, "SELECT line FROM loopwright.events WHERE seq = 2")[0]
    for number in range(150):
        line = bytearray(sound)
        for _ in range(chance.randrange(1, 4)):
            place = chance.randrange(len(line))
            line[place : place + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
        if line == sound:
            continue
        if chance.random() < 0.3:
            # The checksum is right: whoever makes up a line knows how it is made.
            line = bytearray(encode({"v": 2, "seq": 2, "x": line.decode("latin-1")}, "r1"))
        execute(url, "UPDATE loopwright.events SET line = %s WHERE seq = 2", bytes(line))
        folder = tmp_path / str(number)
        with pytest.raises(LoopwrightError):
            pulled_and_read(url, folder)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"v": 2, "seq": 0, "time": "2026-01-01T00:00:00+00:00", "data": {"type": "x"}}, ("x", None)),
        ({"v": 2, "seq": 0, "episode": 'a"\\ü', "time": "x", "data": {"type": "x"}}, ("x", 'a"\\ü')),
        ({"v": 2, "seq": 0, "time": "t", "episode": 'a"\\ü', "data": {"type": "x"}}, ("x", 'a"\\ü')),
        ({"v": 2, "seq": 0, "time": "t", "episode": "\ud800\0", "data": {"type": "x"}}, ("x", "\\ud800\\0")),
        ({"v": 2, "seq": 0, "time": 3, "episode": 4, "data": {"type": 5}}, (None, None)),
        ({"v": 2, "seq": 0, "data": []}, (None, None)),
        ([], (None, None)),
    ],
)
def test_what_stands_beside_a_line_comes_from_it(body: Any, expected: tuple[str | None, str | None]) -> None:
    found = columns_of(json.dumps(body, separators=(",", ":")).encode() + b"\n")
    assert (found.type, found.episode) == expected


def test_an_artifact_in_a_place_with_other_bytes_is_refused(url: str, tmp_path: Path) -> None:
    SharedStore(url).init(str(tmp_path / "place"), 1)
    recorded(url, tmp_path / "one")
    ref = hashlib.sha256(b"\xff\xff").hexdigest()
    (tmp_path / "place" / ref[:2] / ref[2:]).write_bytes(b"\xff\xfe")
    with pytest.raises(StoreError, match="others than were stored"):
        SharedStore(url).pull("r1", tmp_path / "two")


_COLUMNS = [
    ("runs", "created", "jsonb", "'{}'"),
    ("runs", "created", "text", "NULL"),
    ("runs", "created", "text", "repeat('x', 10000000)"),
    ("runs", "lines", "text", "'many'"),
    ("runs", "lines", "double precision", "'NaN'"),
    ("runs", "lines", "bigint", "-5"),
    ("runs", "lines", "bigint", "NULL"),
    ("runs", "artifacts", "text", "NULL"),
    ("runs", "epoch", "jsonb", "'[]'"),
    ("runs", "host", "jsonb", "'{}'"),
    ("runs", "process", "text", "'none'"),
    ("settings", "value", "text", "NULL"),
    ("manifests", "data", "text", "'nonsense'"),
    ("manifests", "data", "text", "NULL"),
    ("events", "line", "text", "encode(line, 'escape')"),
    ("events", "line", "bytea", "NULL"),
    ("artifacts", "size", "text", "'large'"),
    ("artifacts", "size", "bigint", "NULL"),
    ("artifacts", "number", "text", "'first'"),
    ("artifacts", "data", "text", "'nonsense'"),
]


@pytest.mark.parametrize(("table", "column", "kind", "value"), _COLUMNS)
def test_a_column_of_another_kind_ends_in_a_message(
    url: str, tmp_path: Path, table: str, column: str, kind: str, value: str
) -> None:
    recorded(url, tmp_path / "one")
    before = content(tmp_path / "one")
    with psycopg.connect(url) as connection:
        for change in ("DROP NOT NULL", "DROP DEFAULT", f"TYPE {kind} USING ({value})::{kind}"):
            connection.execute(f"ALTER TABLE loopwright.{table} ALTER {column} {change}".encode())
    store = SharedStore(url)
    for look in (store.runs, store.ids, lambda: store.pull("r1", tmp_path / "r1"), lambda: _resumed(store, tmp_path)):
        with contextlib.suppress(LoopwrightError):
            look()
    if (tmp_path / "r1" / "run.json").exists():
        copied = content(tmp_path / "r1")
        # Lines may be missing at the end; no byte is another one.
        assert before["events.jsonl"].startswith(copied.pop("events.jsonl"))
        assert copied.items() <= before.items()
    assert content(tmp_path / "one") == before


def _resumed(store: SharedStore, folder: Path) -> None:
    store.join(folder / "one", "r1").close()


def test_a_database_that_may_hold_what_is_no_text_is_refused(server: PostgresServer) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE octets ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    store = SharedStore(server.url("octets"))
    for look in (store.runs, store.ids, store.init):
        with pytest.raises(StoreError, match="encoded in SQL_ASCII"):
            look()


@pytest.mark.parametrize("planted", ["link to a file", "link to a folder", "FIFO"])
def test_a_place_into_which_others_write_leads_nowhere_else(url: str, tmp_path: Path, planted: str) -> None:
    """Whoever knows what a candidate writes could else have a driver write it over any file of its user."""
    outside, place = tmp_path / "outside", tmp_path / "place"
    SharedStore(url).init(str(place), 1)
    outside.mkdir()
    (outside / "file").write_text("precious")
    ref = hashlib.sha256(b"\xff\xff").hexdigest()
    if planted == "link to a folder":
        (place / ref[:2]).symlink_to(outside)
    else:
        (place / ref[:2]).mkdir()
    if planted == "link to a file":
        (place / ref[:2] / ref[2:]).symlink_to(outside / "file")
    if planted == "FIFO":
        os.mkfifo(place / ref[:2] / ref[2:])
    with psycopg.connect(url) as connection:
        [store] = connection.execute("SELECT value FROM loopwright.settings WHERE name = 'id'").fetchone() or ("",)
    kept = ArtifactPlace(str(place), store)
    with pytest.raises(StoreError) as unread:
        kept.get(ref, 2)
    with pytest.raises(StoreError) as unwritten:
        kept.put(ref, b"\xff\xff")
    assert not isinstance(unread.value, StoreUnavailable), "to wait does not help"
    assert not isinstance(unwritten.value, StoreUnavailable), "to wait does not help"
    assert (outside / "file").read_text() == "precious"
    assert [path.name for path in outside.iterdir()] == ["file"]


@pytest.mark.parametrize(
    "place",
    [
        "relative",
        "http://host/x",
        "memory://x",
        "s3://key:secret@bucket/x",
        "file://host/x",
        "file:rel",
        "file:",
        "/a/../b",
        "/",
        "file:////",
        "s3://",
        "s3:/bucket",
        "",
    ],
)
def test_places_that_are_none(url: str, place: str) -> None:
    if place:
        with pytest.raises(UserError):
            SharedStore(url).init(place)
    else:
        assert SharedStore(url).init(place).place == ""


@pytest.mark.parametrize("form", ["{}", "file:{}", "file://{}", "FILE:{}", "{}/"])
def test_a_folder_is_the_place_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.chdir(tmp_path)
    ArtifactPlace(form.format(tmp_path / "a b%20c"), "one").mark()
    assert [path.name for path in tmp_path.iterdir()] == ["a b%20c"]
    assert [path.name for path in (tmp_path / "a b%20c").iterdir()] == ["loopwright-artifacts.json"]


def test_a_signed_address_is_not_told(tmp_path: Path) -> None:
    error = OSError("403 for https://b.example/k?X-Amz-Signature=abc123&sig=x and url('https://c.example/?sig=def456')")
    told = str(ArtifactPlace(str(tmp_path), "one")._failed("read", error))
    assert ("b.example/k?..." in told, "abc123" in told, "def456" in told) == (True, False, False)
