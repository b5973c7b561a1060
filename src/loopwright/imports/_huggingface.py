"""`huggingface`: data sets that the library `datasets` reads, as questions with known answers.

The library gets files only, copied one by one: what a folder says of its own data may name any file or address.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import copyfileobj
from string import ascii_uppercase
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from loopwright.errors import MissingExtra, TaskError, UserError
from loopwright.files import open_regular
from loopwright.imports._format import ImportResult
from loopwright.imports._inspect import Sample, sample_of, write_questions
from loopwright.imports._measure import refuse_packed, refuse_parquet_bomb

if TYPE_CHECKING:
    from datasets import Dataset

_USUAL: Mapping[str, Sequence[str]] = {
    "goal": ("goal", "question", "input", "prompt", "problem", "instruction"),
    "target": ("target", "answer", "output", "label", "solution"),
    "id": ("id",),
    "choices": ("choices",),
}
"""What a column is, to the names that it usually has."""
_KINDS = {".csv": "csv", ".json": "json", ".jsonl": "json", ".parquet": "parquet", ".arrow": "arrow"}
_NO_DATA = {"config.json", "dataset_dict.json", "dataset_info.json", "dataset_infos.json", "state.json"}
_ROWS, _BEGINNING = re.compile(rb"(\xef\xbb\xbf)?\s*(\[\s*)?\{"), 65536
_SHARD = re.compile(r"(\w+)-\d{5}-of-\d{5}")
_SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}
"""A word in the name of a file or its folder, to the split that it means."""


@dataclass(frozen=True, slots=True)
class HuggingFaceRows:
    """Reads a data set on this machine: extra `datasets`."""

    columns: Mapping[str, str]
    """What a column is, to its name; usual names are found where there is none."""
    split: str = ""
    """Which split; the only one, or `test`, where it is empty."""
    about = "A data set of Hugging Face on this machine: CSV, JSON lines, Parquet, Arrow, or a folder of them."

    def with_columns(self, columns: Mapping[str, str]) -> HuggingFaceRows:
        """The same for a table with these columns; `split` names the split.

        Raises:
            UserError: There is no such column to be named.
        """
        known = {*_USUAL, "split"}
        if unknown := sorted(columns.keys() - known):
            raise UserError(f"{unknown[0]!r} is no column of a question", remedy=f"Name: {', '.join(sorted(known))}.")
        named = {name: column for name, column in columns.items() if name != "split"}
        return replace(self, columns=named, split=columns.get("split", ""))

    def write(self, source: Path, output: Path) -> ImportResult:
        """Writes `task.yaml`, `samples.jsonl` and a page that says what was not carried over.

        Raises:
            MissingExtra: The extra is not installed.
            TaskError: The data set cannot be read, or lacks a column.
        """
        with TemporaryDirectory() as cache:
            table = _table(source, self.split, Path(cache))
            found = {name: self._column(name, table, source) for name in _USUAL}
            return write_questions(source, _samples(table, found, source), output)

    def _column(self, name: str, table: Dataset, source: Path) -> str | None:
        there = table.column_names
        wanted = [self.columns[name]] if name in self.columns else _USUAL[name]
        column = next((one for one in wanted if one in there), None)
        if column is None and (name in self.columns or name in ("goal", "target")):
            raise TaskError(
                f"there is no column {self.columns.get(name, name)!r}",
                path=str(source),
                remedy=f"Write --column {name}=NAME. There are: {', '.join(there)}.",
            )
        return column


HUGGINGFACE = HuggingFaceRows({})


def _table(source: Path, split: str, cache: Path) -> Dataset:
    try:
        from datasets import DatasetDict, config, disable_progress_bars, load_dataset
    except ImportError:
        raise MissingExtra(
            "data sets of Hugging Face need datasets", remedy="Run: pip install 'loopwright[datasets]'"
        ) from None
    disable_progress_bars()
    offline, config.HF_HUB_OFFLINE = config.HF_HUB_OFFLINE, True  # the library would tell a server what is loaded
    try:
        kind, files = _copied(source, cache / "files")
        found = load_dataset(kind, data_files=files, cache_dir=str(cache))
    except Exception as error:  # whatever the library raises of a file that somebody may have sent
        remedy = "Name a file or a folder of a data set on this machine."
        raise TaskError(f"the data set cannot be read: {error}", path=str(source), remedy=remedy) from None
    finally:
        config.HF_HUB_OFFLINE = offline
    assert isinstance(found, DatasetDict)
    name = split or (next(iter(found)) if len(found) == 1 else "test")
    if name not in found:
        remedy = f"Write --column split=NAME. There are: {', '.join(map(str, found))}."
        raise TaskError(f"there is no split {name!r}", path=str(source), remedy=remedy)
    return found[name]


def _copied(source: Path, target: Path) -> tuple[str, dict[str, list[str]]]:
    """Copies the files of the kind that most are of, under names of ours: a name can be a pattern or an address, too.

    Returns:
        The kind; the files of each split.

    Raises:
        OSError: A file cannot be read.
        ValueError: There is none.
    """
    whole = source.is_dir()
    found = sorted(_regular(source)) if whole else [source]
    kinds = Counter(_KINDS[path.suffix] for path in found if path.suffix in _KINDS)
    if not kinds:
        raise ValueError(f"{'no name' if whole else 'its name'} ends with {', '.join(_KINDS)}")
    ((kind, _),) = kinds.most_common(1)
    splits: dict[str, list[str]] = {}
    for number, path in enumerate(path for path in found if _KINDS.get(path.suffix) == kind):
        copy = target / f"{number}{path.suffix}"
        target.mkdir(exist_ok=True)
        with open_regular(path, source if whole else None) as file, copy.open("wb") as written:
            beginning = file.read(_BEGINNING)
            if kind in ("csv", "json"):
                refuse_packed(path.name, beginning)
            if kind == "csv" and len(beginning) == _BEGINNING and b"\n" not in beginning:
                raise ValueError(f"{path.name} has a first line of more than {_BEGINNING} bytes")
            if kind == "json" and not _ROWS.match(beginning):
                # PyArrow ends the whole process where a null stands in the place of the first row.
                raise ValueError(f"{path.name} does not begin with a row, which is a JSON object")
            file.seek(0)
            copyfileobj(file, written)
        if kind == "parquet":
            refuse_parquet_bomb(copy)
        splits.setdefault(_split(path.relative_to(source), kind) if whole else "train", []).append(str(copy))
    return kind, splits


def _regular(folder: Path) -> Iterator[Path]:
    """The files with data below a folder, those behind links left out."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(place, name)
            if name not in _NO_DATA and not name.startswith(("cache-", ".")) and not path.is_symlink():
                yield path


def _split(path: Path, kind: str) -> str:
    """The split that a file belongs to, by its name or its folder's, as the library does it."""
    if kind == "arrow":  # as the library saves: each split has a folder
        return path.parent.name or "train"
    if shard := _SHARD.match(path.name):
        return shard[1]
    words = [word for part in reversed(path.parts) for word in re.split(r"[^a-z]+", part.lower())]
    return next((_SPLITS[word] for word in words if word in _SPLITS), "train")


def _rows(table: Dataset, columns: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """Rows as they are stored: the library would open the files and addresses that a picture or a sound names."""
    stored = table.select_columns(list(dict.fromkeys(columns))).with_format("arrow")
    for batch in stored.iter(batch_size=1000):
        yield from batch.to_pylist()


def _samples(table: Dataset, columns: Mapping[str, str | None], source: Path) -> Iterator[tuple[int, Sample]]:
    labels = getattr(table.features[columns["target"] or ""], "int2str", None)
    for number, row in enumerate(_rows(table, filter(None, columns.values())), start=1):
        values = {name: row[column] for name, column in columns.items() if column}
        choices = values.get("choices")
        told: dict[str, Any] = {"input": str(values["goal"]), "target": _target(values["target"], choices, labels)}
        if choices is not None:
            told["choices"] = choices
        if values.get("id") is not None:
            told["id"] = values["id"]
        yield number, sample_of(told, source, number)


def _target(value: Any, choices: Any, labels: Any) -> str | list[str]:
    """The answer as text: of choices their letter, of labels their name."""
    if isinstance(value, list):
        return [str(one) for one in value]
    if isinstance(value, int) and isinstance(choices, list):
        return ascii_uppercase[value] if 0 <= value < len(ascii_uppercase) else ""
    if isinstance(value, int) and labels is not None:
        return str(labels(value))
    return "" if value is None else str(value)
