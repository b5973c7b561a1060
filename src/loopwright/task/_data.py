"""Data sets in files of their own: CSV, JSON lines, JSON and YAML."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError

from loopwright.errors import TaskError
from loopwright.project import Document, Mark, load_json, load_yaml, parse_json, read_text
from loopwright.task._problems import first_problem
from loopwright.types import PlainNumbers

MAX_DATA_BYTES = 64_000_000

Format = Literal["csv", "tsv", "jsonl", "json", "yaml"]
Row = tuple[Mark, dict[str, Any]]

_FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
}


class DataFile(PlainNumbers):
    """A data set in a file: one record per row, line or list item; its fields are the instance's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    """CSV or TSV with a heading line, JSON lines, a JSON list, or a YAML list of at most a megabyte."""
    format: Format | None = None
    """None to go by the file's suffix."""
    id: str = "id"
    """The field that names a record; records without it are numbered from 1."""
    goal: str | None = None
    """The field that replaces the task's goal."""
    picture: str | None = None
    """The field that names a picture, by its path below the project; `picture` where all fields are the instance's."""
    hidden: tuple[str, ...] = ()
    """Fields that no agent may see."""
    fields: tuple[str, ...] | None = None
    """The fields that go to the environment; the others are names for templates only. None for all."""
    limit: int | None = Field(default=None, gt=0)
    """How many records to take, from the first."""


def read_data(value: Mapping[str, Any], document: Document, inside: Callable[[Any], Path]) -> list[dict[str, Any]]:
    """Reads the records that the `data` of a task file refers to, and marks where each stands.

    Args:
        value: The mapping under `data`.
        document: The task file; gets the records' marks.
        inside: Turns the file's name into a path in the project.

    Raises:
        TaskError: The file or a record cannot be used; names its line.
    """
    try:
        options = DataFile.model_validate(value)
    except ValidationError as error:
        raise first_problem(document, error, DataFile, ("data",)) from None
    path = inside(options.file)
    records = []
    for number, (mark, row) in enumerate(_rows(path, options, document), start=1):
        if options.limit is not None and number > options.limit:
            break
        if number == 1 and "id" in options.model_fields_set and options.id not in row:
            raise document.error(
                f"{options.file} has no column {options.id!r}", ("data", "id"), remedy=_columns(row, options.id)
            )
        document.marks["data", number - 1] = mark
        records.append(_record(row, number, options, mark))
    if not records:
        raise document.error(f"{options.file} holds no record", ("data", "file"), remedy="Write one record or more.")
    return records


def read_rows(path: Path) -> Iterator[Row]:
    """The records of a CSV or JSON lines file, each with the place where it stands.

    Raises:
        TaskError: The file or a record cannot be read; names its line.
    """
    text = read_text(path, MAX_DATA_BYTES)
    return _csv_rows(path, text, ",") if path.suffix.lower() == ".csv" else _jsonl_rows(path, text)


def _rows(path: Path, options: DataFile, document: Document) -> Iterator[Row]:
    kind = options.format or _FORMATS.get(path.suffix.lower())
    if kind is None:
        remedy = f"Add `format:` with one of csv, tsv, jsonl, json, yaml; suffixes known: {', '.join(_FORMATS)}."
        raise document.error(f"what format {options.file} has is not known", ("data", "file"), remedy=remedy)
    try:
        if kind == "yaml":
            return _list_rows(load_yaml(path))
        if kind == "json":
            return _list_rows(load_json(path, limit=MAX_DATA_BYTES, marked=1))
        text = read_text(path, MAX_DATA_BYTES)
    except TaskError as error:
        if error.line is not None:
            raise
        message = str(error.args[0]).removeprefix(f"{path}: ")
        remedy = "Split it." if "at most" in message else error.remedy
        raise document.error(f"`file: {options.file}`: {message}", ("data", "file"), remedy=remedy) from None
    return _jsonl_rows(path, text) if kind == "jsonl" else _csv_rows(path, text, "\t" if kind == "tsv" else ",")


def _csv_rows(path: Path, text: str, delimiter: str) -> Iterator[Row]:
    # A cell may be as long as the file; the default of 128 KiB holds for the whole process.
    csv.field_size_limit(max(MAX_DATA_BYTES, csv.field_size_limit()))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    heading: list[str] | None = None
    start = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            remedy = "Double the quotes inside a quoted cell, and close every quoted cell."
            raise TaskError(str(error), path=str(path), line=start, remedy=remedy) from None
        line, start = start, reader.line_num + 1
        if not cells:
            continue
        if heading is None:
            heading = _heading(cells, path, line)
            continue
        if len(cells) != len(heading):
            raise TaskError(
                f"this row has {len(cells)} cells, the heading {len(heading)}",
                path=str(path),
                line=line,
                remedy="Put cells that hold the delimiter or a line break in double quotes.",
            )
        yield Mark(path, line), dict(zip(heading, cells, strict=True))


def _heading(cells: list[str], path: Path, line: int) -> list[str]:
    names = [cell.strip() for cell in cells]
    if "" in names or len(set(names)) != len(names):
        problem = "a column has no name" if "" in names else "two columns have one name"
        remedy = "Name every column in the first line, each differently."
        raise TaskError(problem, path=str(path), line=line, remedy=remedy)
    return names


def _jsonl_rows(path: Path, text: str) -> Iterator[Row]:
    # Only line feeds end a line of JSON: other separators may stand inside its texts.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = parse_json(line)
        except ValueError as error:
            remedy = "Write one JSON object per line."
            raise TaskError(str(error), path=str(path), line=number, remedy=remedy) from None
        yield Mark(path, number), _object(row, Mark(path, number))


def _list_rows(document: Document) -> Iterator[Row]:
    if not isinstance(document.data, list):
        raise document.error(
            "a data file is a list of records", remedy="Write `[{...}, {...}]`, or start each record with `- `."
        )
    return (
        (document.marks[(index,)], _object(row, document.marks[(index,)])) for index, row in enumerate(document.data)
    )


def _object(row: Any, mark: Mark) -> dict[str, Any]:
    if isinstance(row, dict):
        return row
    remedy = "Write its fields with their names."
    raise TaskError("a record is a mapping", path=str(mark.path), line=mark.line, column=mark.column, remedy=remedy)


def _record(row: dict[str, Any], number: int, options: DataFile, mark: Mark) -> dict[str, Any]:
    row = dict(row)
    name = row.pop(options.id, None)
    record = {"id": str(number) if name is None or name == "" else name}
    if options.goal is not None:
        record["goal"] = _take(row, options.goal, mark)
    if options.picture is not None:
        record["picture"] = _take(row, options.picture, mark)
    hidden = {name: _take(row, name, mark) for name in options.hidden}
    if options.fields is None:
        given = row.pop("hidden", {})
        own = {"hidden": {**given, **hidden} if isinstance(given, dict) else given} if hidden or given else {}
        return {**row, **own, **record}
    fields = {name: _take(row, name, mark) for name in options.fields if name not in hidden}
    kept = {name: value for name, value in hidden.items() if name in options.fields}
    only_named = {name: value for name, value in hidden.items() if name not in options.fields}
    return {**fields, "hidden": kept, "vars": row, "hidden_vars": only_named, **record}


def _take(row: dict[str, Any], name: str, mark: Mark) -> Any:
    if name in row:
        return row.pop(name)
    message = f"the record has no field {name!r}"
    raise TaskError(message, path=str(mark.path), line=mark.line, remedy=_columns(row, name))


def _columns(row: Mapping[str, Any], name: str) -> str:
    """What there is, and which of it may be meant."""
    names = [str(key) for key in row]
    close = difflib.get_close_matches(name, names, n=1)
    return (f"Did you mean {close[0]!r}? " if close else "") + f"Fields of this record: {', '.join(names)}."
