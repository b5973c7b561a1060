"""`huggingface`: data sets that the library `datasets` reads, as questions with known answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from string import ascii_uppercase
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from loopwright.errors import MissingExtra, TaskError, UserError
from loopwright.imports._format import ImportResult
from loopwright.imports._inspect import Sample, sample_of, write_questions

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
            table = _table(source, self.split, cache)
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


def _table(source: Path, split: str, cache: str) -> Dataset:
    try:
        from datasets import Dataset, DatasetDict, config, load_dataset, load_from_disk
    except ImportError:
        raise MissingExtra(
            "data sets of Hugging Face need datasets", remedy="Run: pip install 'loopwright[datasets]'"
        ) from None
    offline, config.HF_HUB_OFFLINE = config.HF_HUB_OFFLINE, True  # the library would tell a server what is loaded
    saved = any((source / name).is_file() for name in ("dataset_dict.json", "state.json"))
    try:
        if saved:
            found = load_from_disk(str(source))
        elif source.is_dir():
            found = load_dataset(str(source), cache_dir=cache)
        elif source.suffix in _KINDS:
            found = load_dataset(_KINDS[source.suffix], data_files=str(source), cache_dir=cache)
        else:
            raise ValueError(f"its name ends with none of {', '.join(_KINDS)}")
    except Exception as error:  # whatever the library raises of a file that somebody may have sent
        remedy = "Name a file or a folder of a data set on this machine."
        raise TaskError(f"the data set cannot be read: {error}", path=str(source), remedy=remedy) from None
    finally:
        config.HF_HUB_OFFLINE = offline
    if isinstance(found, Dataset):
        return found
    assert isinstance(found, DatasetDict)
    name = split or (next(iter(found)) if len(found) == 1 else "test")
    if name not in found:
        remedy = f"Write --column split=NAME. There are: {', '.join(map(str, found))}."
        raise TaskError(f"there is no split {name!r}", path=str(source), remedy=remedy)
    return found[name]


def _samples(table: Dataset, columns: Mapping[str, str | None], source: Path) -> Iterator[tuple[int, Sample]]:
    labels = getattr(table.features[columns["target"] or ""], "int2str", None)
    for number, row in enumerate(table, start=1):
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
