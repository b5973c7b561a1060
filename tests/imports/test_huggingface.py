"""Data sets of Hugging Face, brought over and run."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import loopwright
from loopwright.errors import TaskError, UserError
from loopwright.imports import import_tasks
from loopwright.models import Scripted

pytestmark = pytest.mark.slow
ROWS = [{"question": "What is 2 + 4?", "answer": "6"}, {"question": "And 3 + 4?", "answer": "7"}]


@pytest.fixture
def library() -> Any:
    return pytest.importorskip("datasets")


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """An address that serves rows, and the paths that were asked for."""
    asked: list[str] = []

    class Rows(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"question,answer\nWhose?,secret\n")

        do_HEAD = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Rows) as listening:
        Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}/data.csv", asked
        listening.shutdown()


def records(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("kind", ["parquet", "csv", "json", "saved"])
def test_rows_become_questions_that_run(
    tmp_path: Path, library: Any, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    table, source = library.Dataset.from_list(ROWS), tmp_path / f"sums.{kind}"
    (table.save_to_disk if kind == "saved" else getattr(table, f"to_{kind}"))(str(source))
    library.enable_progress_bars()
    capfd.readouterr()
    assert import_tasks("huggingface", source, tmp_path / "out").instances == 2
    assert capfd.readouterr().err == ""
    model = Scripted(["It is 6.", "It is 8."])
    result = loopwright.run(tmp_path / "out" / "task.yaml", model=model, concurrency=1, out=tmp_path / "run")
    assert [episode.score for episode in result] == [1.0, 0.0]


def test_columns_and_splits_are_named(tmp_path: Path, library: Any) -> None:
    rows = [{"text": "Which?", "key": 1, "choices": ["pear", "stone"], "uid": "q"}]
    tables = {"train": library.Dataset.from_list(rows), "dev": library.Dataset.from_list(rows * 2)}
    library.DatasetDict(tables).save_to_disk(str(tmp_path / "set"))
    columns = {"goal": "text", "target": "key", "id": "uid", "split": "train"}
    import_tasks("huggingface", tmp_path / "set", tmp_path / "out", columns=columns)
    (record,) = records(tmp_path / "out")
    assert (record["id"], record["scoring"], record["hidden"]) == ("q", "choice", {"target": "B"})
    with pytest.raises(TaskError, match="no split 'test'"):
        import_tasks("huggingface", tmp_path / "set", tmp_path / "other")


def test_labels_are_words(tmp_path: Path, library: Any) -> None:
    features = library.Features({"input": library.Value("string"), "label": library.ClassLabel(names=["bad", "good"])})
    table = library.Dataset.from_dict({"input": ["Fine!"], "label": [1]}, features=features)
    table.save_to_disk(str(tmp_path / "set"))
    import_tasks("huggingface", tmp_path / "set", tmp_path / "out")
    assert records(tmp_path / "out")[0]["hidden"] == {"target": "good"}


def test_what_cannot_be_read_is_told(tmp_path: Path, library: Any) -> None:
    source = tmp_path / "a.jsonl"
    source.write_text(json.dumps({"x": 1, "y": "z"}) + "\n")
    with pytest.raises(TaskError, match="no column 'goal'") as told:
        import_tasks("huggingface", source, tmp_path / "out")
    assert "There are: x, y." in told.value.remedy
    (tmp_path / "bad.parquet").write_bytes(b"no")
    with pytest.raises(TaskError, match="cannot be read"):
        import_tasks("huggingface", tmp_path / "bad.parquet", tmp_path / "out")
    for rows in ("null", "null\n" + json.dumps(ROWS[0]), f"[null, {json.dumps(ROWS[0])}]", "", "7"):
        (tmp_path / "null.jsonl").write_text(rows)
        with pytest.raises(TaskError, match="does not begin with a row"):
            import_tasks("huggingface", tmp_path / "null.jsonl", tmp_path / "out")
    with pytest.raises(UserError, match="'golf' is no column"):
        import_tasks("huggingface", source, tmp_path / "out", columns={"golf": "x"})
    with pytest.raises(UserError, match="has no columns"):
        import_tasks("inspect", source, tmp_path / "out", columns={"goal": "x"})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("nested", [False, True])
def test_a_parquet_file_of_kilobytes_that_stands_for_gigabytes_is_refused(
    tmp_path: Path, library: Any, nested: bool
) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = 600_000
    numbers = arrow.array([0] * rows, arrow.int32())
    long = arrow.DictionaryArray.from_arrays(numbers, arrow.array(["x" * 1000]))
    short = arrow.DictionaryArray.from_arrays(numbers, arrow.array(["5"]))
    columns = {"question": short if nested else long, "answer": short}
    if nested:
        columns["choices"] = arrow.ListArray.from_arrays(arrow.array(range(rows + 1), arrow.int32()), long)
    source = tmp_path / "bomb.parquet"
    parquet.write_table(arrow.table(columns), source, compression="zstd")
    assert source.stat().st_size < 4_000_000
    with pytest.raises(TaskError, match=r"comes to \d\d\d,\d\d\d,\d\d\d bytes; at most"):
        import_tasks("huggingface", source, tmp_path / "out")


def test_every_kind_of_column_is_measured(tmp_path: Path, library: Any) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {
        "question": [row["question"] for row in ROWS],
        "answer": [row["answer"] for row in ROWS],
        "more": arrow.array([{"a": "k", "b": 1}, None]),
        "lists": [[["a"], []], []],
        "bytes": [b"1", None],
        "number": [1.5, None],
        "nothing": arrow.nulls(2),
        "truth": [True, False],
    }
    parquet.write_table(arrow.table(columns), tmp_path / "a.parquet")
    import_tasks("huggingface", tmp_path / "a.parquet", tmp_path / "out")
    assert len(records(tmp_path / "out")) == 2


@pytest.mark.parametrize("module", ["gzip", "bz2", "lzma"])
def test_text_that_is_compressed_is_not_unpacked(tmp_path: Path, library: Any, module: str) -> None:
    packed = importlib.import_module(module).compress(b"question,answer\n" + b"x" * 10_000_000 + b",5\n")
    (tmp_path / "a.csv").write_bytes(packed)
    with pytest.raises(TaskError, match="is no text: unpack it first"):
        import_tasks("huggingface", tmp_path / "a.csv", tmp_path / "out")


def test_a_table_of_very_many_columns_is_not_read(tmp_path: Path, library: Any) -> None:
    (tmp_path / "a.csv").write_text("question,answer" + ",x" * 40_000 + "\na,b\n")
    with pytest.raises(TaskError, match="first line of more than"):
        import_tasks("huggingface", tmp_path / "a.csv", tmp_path / "out")


@pytest.mark.parametrize("names", ["above", "absolute", "address", "link", "saved", "saved split"])
def test_a_folder_brings_its_own_files_alone(
    tmp_path: Path, library: Any, server: tuple[str, list[str]], names: str
) -> None:
    address, asked = server
    host, source = tmp_path / "host.csv", tmp_path / "set"
    host.write_text("question,answer\nWhose?,secret\n")
    library.Dataset.from_csv(str(host)).save_to_disk(str(tmp_path / "host"))
    (arrow,) = (tmp_path / "host").glob("*.arrow")
    source.mkdir()
    library.Dataset.from_list(ROWS).to_csv(str(source / "rows.csv"))
    if names == "link":
        (source / "more.csv").symlink_to(host)
    elif names == "saved":
        (source / "state.json").write_text(json.dumps({"_data_files": [{"filename": str(arrow)}]}))
        (source / "dataset_info.json").write_text("{}")
    elif names == "saved split":
        (source / "dataset_dict.json").write_text(json.dumps({"splits": ["../host"]}))
    else:
        path = {"above": "../host.csv", "absolute": host, "address": address}[names]
        told = f"---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: {path}\n---\n"
        (source / "README.md").write_text(told)
    import_tasks("huggingface", source, tmp_path / "out")
    assert [one["hidden"]["target"] for one in records(tmp_path / "out")] == ["6", "7"]
    assert not asked


def test_a_picture_that_a_row_names_is_not_opened(tmp_path: Path, library: Any, server: tuple[str, list[str]]) -> None:
    address, asked = server
    features = library.Features(
        {**dict.fromkeys(("input", "answer"), library.Value("string")), "choices": library.Image()}
    )
    rows = {"input": ["Which?"], "answer": ["x"], "choices": [{"path": address, "bytes": None}]}
    table = library.Dataset.from_dict(rows, features=features).data.table
    importlib.import_module("pyarrow.parquet").write_table(table, tmp_path / "a.parquet")
    with pytest.raises(TaskError, match="choices"):
        import_tasks("huggingface", tmp_path / "a.parquet", tmp_path / "out")
    assert not asked


@pytest.mark.parametrize(
    ("names", "split", "count"),
    [
        (("data/train-00000-of-00002.csv", "data/train-00001-of-00002.csv", "data/held-00000-of-00001.csv"), "held", 2),
        (("data/train-00000-of-00002.csv", "data/train-00001-of-00002.csv"), "", 4),
        (("train.csv", "dev.csv", "my_test.csv"), "validation", 2),
        (("train/a.csv", "test/[a]*.csv", "test/b::c.csv"), "", 4),
        (("a.csv", "b/c.csv", "notes.json", ".cache/d.csv"), "train", 4),
    ],
)
def test_files_of_a_folder_are_splits(
    tmp_path: Path, library: Any, names: tuple[str, ...], split: str, count: int
) -> None:
    for name in names:
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_text("question,answer\nWhat is 2 + 4?,6\nAnd 3 + 4?,7\n")
    columns = {"split": split} if split else {}
    made = import_tasks("huggingface", tmp_path / "set", tmp_path / "out", columns=columns)
    assert made.instances == count
