"""Data sets of Hugging Face, brought over and run."""

from __future__ import annotations

import json
from pathlib import Path
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


def records(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("kind", ["parquet", "csv", "json", "saved"])
def test_rows_become_questions_that_run(tmp_path: Path, library: Any, kind: str) -> None:
    table, source = library.Dataset.from_list(ROWS), tmp_path / f"sums.{kind}"
    (table.save_to_disk if kind == "saved" else getattr(table, f"to_{kind}"))(str(source))
    assert import_tasks("huggingface", source, tmp_path / "out").instances == 2
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
    with pytest.raises(UserError, match="'golf' is no column"):
        import_tasks("huggingface", source, tmp_path / "out", columns={"golf": "x"})
    with pytest.raises(UserError, match="has no columns"):
        import_tasks("inspect", source, tmp_path / "out", columns={"goal": "x"})
    assert not (tmp_path / "out").exists()
