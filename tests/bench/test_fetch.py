"""Getting data sets: from folders and archives of this machine, and from a server on it."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from loopwright.bench import SOURCES, fetch, find_suite
from loopwright.bench._sources import digest
from loopwright.errors import MissingContent, UserError
from loopwright.user_folders import data_folder

LINES = b"{}\n" * 164
HUMANEVAL = gzip.compress(LINES)


def _archive(**files: bytes) -> bytes:
    """A repository's archive: everything in one folder that is named after the commit."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"repo-1/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return data.getvalue()


BODIES = {
    "/HumanEval.jsonl.gz": HUMANEVAL,
    "/short/HumanEval.jsonl.gz": gzip.compress(b"{}\n"),
    "/broken/HumanEval.jsonl.gz": HUMANEVAL[:-4],
    "/page/HumanEval.jsonl.gz": b"<html>sign in</html>",
    "/other.tar.gz": _archive(**{"data/ctf/ic_other.json": b"[]", "src/x.py": b"", "data/ctf/../../../evil": b"[]"}),
    "/wrong.tar.gz": _archive(**{"data/nl2bash/nl2bash_fs_4.json": b"[]"}),
    "/half.tar.gz": _archive(**{"data/ctf/ic_other.json": os.urandom(20_000)})[:9_000],
}


class Home(BaseHTTPRequestHandler):
    """A data set's home."""

    def do_GET(self) -> None:
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/moved"))
            self.end_headers()
            return
        cut = self.path.startswith("/cut")
        body = BODIES.get(self.path.removeprefix("/cut"))
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write((body or b"")[: 20 if cut else None])

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def home() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Home) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def to(tmp_path: Path) -> Iterator[Path]:
    """Where data go; nothing else may be left beside it."""
    folder = tmp_path / "home" / "data"
    yield folder
    assert [path.name for path in folder.parent.glob("*")] in ([], ["data"])


def _files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", ["/HumanEval.jsonl.gz", "/moved/HumanEval.jsonl.gz"])
def test_a_file_comes_from_a_server(home: str, to: Path, path: str) -> None:
    assert (fetch("humaneval", source=home + path, to=to) / "HumanEval.jsonl").read_bytes() == LINES


def test_an_archive_gives_only_what_is_wanted(home: str, to: Path, tmp_path: Path) -> None:
    assert _files(fetch("intercode", source=f"{home}/other.tar.gz", to=to)) == ["data/ctf/ic_other.json"]
    (tmp_path / "copy.tar.gz").write_bytes(BODIES["/other.tar.gz"])
    assert _files(fetch("intercode", source=tmp_path / "copy.tar.gz", to=to)) == ["data/ctf/ic_other.json"]


@pytest.mark.parametrize(
    ("name", "path", "said"),
    [
        ("humaneval", "/cut/HumanEval.jsonl.gz", r"cannot be fetched: (ChunkedEncoding|Connection)Error"),
        ("humaneval", "/broken/HumanEval.jsonl.gz", "is cut or no such archive"),
        ("humaneval", "/page/HumanEval.jsonl.gz", "is cut or no such archive"),
        ("humaneval", "/short/HumanEval.jsonl.gz", "has 1 records, not 164"),
        ("humaneval", "/gone.gz", "cannot be fetched: 404"),
        ("intercode", "/wrong.tar.gz", r"nl2bash_fs_4\.json is not the file that is pinned: it has 2 bytes, not 4028"),
        ("intercode", "/half.tar.gz", "is cut or no such archive"),
    ],
)
def test_what_is_not_whole_is_refused_and_what_was_there_stays(
    home: str, to: Path, name: str, path: str, said: str
) -> None:
    to.mkdir(parents=True)
    (to / "before").write_text("x")
    with pytest.raises(UserError, match=said):
        fetch(name, source=home + path, to=to)
    assert _files(to) == ["before"]


def test_without_a_network_the_error_says_what_to_do(to: Path) -> None:
    with pytest.raises(UserError, match="cannot be fetched: ConnectionError") as caught:
        fetch("humaneval", source="http://127.0.0.1:1/HumanEval.jsonl.gz", to=to)
    assert "--from" in caught.value.remedy


def test_what_an_interrupted_call_left_is_thrown_away(home: str, to: Path) -> None:
    partial = to.with_name("data.partial")
    partial.mkdir(parents=True)
    (partial / "old").write_text("x")
    to.with_name("data.download").write_bytes(b"half")
    assert _files(fetch("humaneval", source=f"{home}/HumanEval.jsonl.gz", to=to)) == ["HumanEval.jsonl"]


def test_a_folder_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "copy"
    data.mkdir()
    (data / "spider_dbs.sql").write_text("CREATE DATABASE `d`;\nUSE `d`;\n")
    row = {"query": "All?", "gold": "SELECT a FROM t", "db": "d"}
    (data / "spider_dev_0000_0000.json").write_text(json.dumps([row]))
    monkeypatch.setenv("LOOPWRIGHT_DATA", str(tmp_path / "home"))
    folder = fetch("intercode", source=data)
    assert folder == data_folder("intercode") == tmp_path / "home" / "intercode"
    assert len(find_suite("intercode-sql").task(folder).data) == 1


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("nl2bash_fs_4.json", b"x" * 4028, "its checksum differs"),
        ("data/ctf/task_assets/4/flag", b"picoCTF{other}\n", "its checksum differs"),
        ("ic_mbpp.json", b"x" * 535_519, "it holds no records"),
        ("ic_mbpp.json", b"[]".ljust(535_519), "it has 0 records, not 974"),
        ("ic_mbpp.json", json.dumps([{}] * 974).encode().ljust(535_519), "one of its first 487 records differs"),
    ],
)
def test_a_file_that_is_not_the_pinned_one_is_refused(
    tmp_path: Path, to: Path, file: str, content: bytes, said: str
) -> None:
    path = tmp_path / "copy" / file
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"{path.name} is not the file that is pinned: {said}"):
        fetch("intercode", source=tmp_path / "copy", to=to)


def test_a_file_of_another_folder_has_no_pin(tmp_path: Path, to: Path) -> None:
    (tmp_path / "copy" / "data/ctf/task_assets/14").mkdir(parents=True)
    (tmp_path / "copy" / "data/ctf/task_assets/14/flag").write_text("x")
    assert _files(fetch("intercode", source=tmp_path / "copy", to=to)) == ["data/ctf/task_assets/14/flag"]


@pytest.mark.parametrize("name", ["intercode", "nothing"])
def test_what_is_not_there_is_told(tmp_path: Path, to: Path, name: str) -> None:
    with pytest.raises(MissingContent):
        fetch(name, source=tmp_path / "nowhere", to=to)


def test_the_pins_are_those_of_the_published_files() -> None:
    """Files and records that lie beside the tests are what `fetch` would accept."""
    folder = Path(os.environ.get("LOOPWRIGHT_TEST_DATA", "")) / "intercode"
    if not os.environ.get("LOOPWRIGHT_TEST_DATA") or not folder.is_dir():
        pytest.skip("LOOPWRIGHT_TEST_DATA names no folder with intercode/ in it")
    pins = SOURCES["intercode"].pins
    whole = {"nl2bash_fs_1.json", "nl2bash_fs_4.json", "ic_spider_dbs.sql"}
    for name in whole:
        assert pins[name].problem(folder / name.removeprefix("ic_")) == ""
    assets = [name for name in pins if name.startswith("task_assets/")]
    assert len(assets) == 10
    for name in assets:
        assert pins[name].problem(folder / name.replace("task_assets", "ctf/assets")) == ""
    for name, part in (("ic_spider_dev.json", "spider_dev_0000_0516"), ("ic_mbpp.json", "mbpp_0000_0486")):
        rows = json.loads((folder / f"{part}.json").read_text(encoding="utf-8"))
        assert pins[name].first == (len(rows), digest(rows))


def test_a_folder_without_the_data_is_refused(tmp_path: Path, to: Path) -> None:
    (tmp_path / "copy" / "data").mkdir(parents=True)
    (tmp_path / "copy" / "README.md").write_text("data lie elsewhere")
    (tmp_path / "copy" / "data" / "HumanEval.jsonl.gz").write_bytes(b"packed")
    with pytest.raises(UserError, match=r"none of the data set's files is there: HumanEval\.jsonl"):
        fetch("humaneval", source=tmp_path / "copy", to=to)
    assert not to.exists()


def _tar(*members: tarfile.TarInfo, content: bytes = b"") -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        for member in members:
            member.size = len(content) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(content))
    return data.getvalue()


def _member(name: str, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(f"repo-1/data/ctf/{name}")
    info.type, info.linkname = kind, "/etc/passwd" if kind == tarfile.SYMTYPE else ""
    return info


def _sparse(size: int) -> bytes:
    """An archive of one file that is nothing but a hole."""
    info = tarfile.TarInfo("repo-1/data/ctf/hole")
    info.pax_headers = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.map": f"{size},0",
                        "GNU.sparse.size": str(size), "GNU.sparse.realsize": str(size)}  # fmt: skip
    return gzip.compress(info.tobuf(tarfile.PAX_FORMAT) + bytes(1024))


ZEROS = bytes(40 * 1024 * 1024)


@pytest.mark.parametrize(
    ("name", "archive", "said"),
    [
        ("humaneval", lambda: gzip.compress(ZEROS), "more than 200 times its size"),
        ("intercode", lambda: _tar(_member("zeros"), content=ZEROS), "more than 200 times its size"),
        ("intercode", lambda: _sparse(1 << 40), "more than 536870912 bytes"),
        ("intercode", lambda: _tar(_member("n" * 300)), "too long for a file"),
        ("intercode", lambda: _tar(_member("a"), _member("a/b")), "is cut or no such archive"),
        ("intercode", lambda: _tar(_member("link", tarfile.SYMTYPE)), "neither a file nor a folder"),
        ("intercode", lambda: _tar(_member("pipe", tarfile.FIFOTYPE)), "neither a file nor a folder"),
        ("intercode", lambda: _tar(_member("disk", tarfile.BLKTYPE)), "neither a file nor a folder"),
        ("intercode", lambda: _tar(*(_member("same") for _ in range(50_001))), "more than 50000 entries"),
    ],
    ids=["file", "archive", "holes", "name", "file as folder", "link", "pipe", "device", "entries"],
)
def test_an_archive_that_unpacks_to_too_much_or_to_no_files_leaves_nothing(
    tmp_path: Path, to: Path, name: str, archive: Callable[[], bytes], said: str
) -> None:
    sent = tmp_path / ("sent.jsonl.gz" if name == "humaneval" else "sent.tar.gz")
    sent.write_bytes(archive())
    with pytest.raises(UserError, match=said):
        fetch(name, source=sent, to=to)


@pytest.mark.parametrize("kind", ["link", "fifo", "device"])
def test_a_folder_with_more_than_files_is_refused(tmp_path: Path, to: Path, kind: str) -> None:
    place = tmp_path / "copy" / "data" / "ctf" / "x"
    place.parent.mkdir(parents=True)
    os.mkfifo(place) if kind == "fifo" else place.symlink_to("/dev/zero" if kind == "device" else __file__)
    with pytest.raises(UserError, match=f"{place} is not taken: .*(is a link|is a FIFO)"):
        fetch("intercode", source=tmp_path / "copy", to=to)
