"""Training data: rows as JSON lines, split by task, without duplicates, with a card that says where they come from."""

from __future__ import annotations

import hashlib
import html
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict

from loopwright.export._format import ExportOptions, ExportResult, json_bytes
from loopwright.export._source import RunSource
from loopwright.record import EpisodeRecord
from loopwright.text import encodable, printable_line


class Origin(BaseModel):
    """Where a row comes from: the first fields of every row."""

    model_config = ConfigDict(frozen=True)

    run: str
    episode: str
    task: str
    instance: str
    variant: str
    repeat: int
    model: str
    """`provider/model` of the proposer."""

    @classmethod
    def of(cls, run: str, episode: EpisodeRecord) -> Origin:
        """The origin of all rows of an episode.

        Raises:
            ValueError: The episode never started.
        """
        if (started := episode.started) is None:
            raise ValueError(f"the episode {episode.id} never started")
        return cls(
            run=run,
            episode=episode.id,
            task=started.task,
            instance=started.instance,
            variant=started.variant,
            repeat=started.repeat,
            model=started.models.get("proposer", ""),
        )


class TrainingRow(BaseModel):
    """One line of training data."""

    model_config = ConfigDict(frozen=True)

    origin: Origin

    @property
    def content(self) -> object:
        """What makes the row: of two rows with equal content the first is kept."""
        return self.model_dump(mode="json", exclude={"origin"})

    @property
    def beside(self) -> Mapping[str, str]:
        """Files of the row: their paths from the file of rows, to the artifacts of the run that they hold."""
        return {}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An episode that gives no row."""

    why: str
    """A word or two, the same for all episodes that are left out for it."""


Rows = Callable[[RunSource], Iterator[TrainingRow | LeftOut]]


def each_scored(row: Callable[[str, EpisodeRecord], TrainingRow | LeftOut]) -> Rows:
    """Rows of which each scored episode gives one, from the run's id and the episode."""
    return lambda run: (row(run.manifest.id, episode) for episode in run.scored)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the files of a split are, with `{split}` in the place of its name."""

    rows: str
    data: str
    """All files of the split, as a pattern for the card."""


LINES = Layout("{split}.jsonl", "{split}.jsonl")
"""A file for each split."""
IMAGE_FOLDER = Layout("{split}/metadata.jsonl", "{split}/**")
"""A folder for each split, as the reader `imagefolder` wants: a field `NAME_file_name` becomes the picture `NAME`."""


@dataclass(frozen=True, slots=True)
class TrainingFormat:
    """A format of one row per line."""

    about: str
    """For the card: what a row is."""
    row: type[TrainingRow]
    rows: Rows
    layout: Layout = LINES

    def write(self, run: RunSource, output: Path, options: ExportOptions) -> ExportResult:
        """Writes the rows of the split `train`, with a share for tests also of `test`, and a card, `README.md`.

        A file without a row is not written: readers refuse it.

        Raises:
            StoreError: The record is damaged.
        """
        writer = _Writer(output, options.test_share, self.layout, run.record.get)
        try:
            for row in self.rows(run):
                writer.take(row)
        finally:
            writer.close()
        card = output / "README.md"
        card.write_text(encodable(_card(self, run, writer, options.license)), encoding="utf-8")
        files = (*(writer.path(split) for split in writer.files), *writer.beside, card)
        return ExportResult(files, sum(writer.rows.values()), writer.left_out)


@dataclass(slots=True)
class _Writer:
    output: Path
    test_share: float
    layout: Layout
    get: Callable[[str], bytes]
    """The bytes of an artifact of the run."""
    files: dict[str, IO[bytes]] = field(default_factory=dict)
    beside: dict[Path, None] = field(default_factory=dict)
    """Files of rows that were written, in order."""
    rows: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    _seen: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        for split in ("train", "test") if self.test_share else ("train",):
            self.path(split).parent.mkdir(exist_ok=True)
            self.files[split] = self.path(split).open("wb")

    def path(self, split: str) -> Path:
        """The file of a split's rows."""
        return self.output / self.layout.rows.format(split=split)

    def take(self, row: TrainingRow | LeftOut) -> None:
        if isinstance(row, LeftOut):
            self.left_out[row.why] += 1
            return
        known = hashlib.sha256(json.dumps(row.content, sort_keys=True).encode()).digest()
        if known in self._seen:
            self.left_out["duplicate of an earlier row"] += 1
            return
        self._seen.add(known)
        split = "test" if _place(row.origin) < self.test_share else "train"
        for name, artifact in row.beside.items():
            self._write_beside(self.path(split).parent / name, artifact)
        line = json_bytes(row.model_dump(mode="json"))
        self.files[split].write(line + b"\n")
        self.rows[split] += 1

    def _write_beside(self, path: Path, artifact: str) -> None:
        if path not in self.beside:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(self.get(artifact))
            self.beside[path] = None

    def close(self) -> None:
        for split, file in [*self.files.items()]:
            file.close()
            if not self.rows[split]:
                del self.files[split]
                self.path(split).unlink()
                if self.path(split).parent != self.output:
                    self.path(split).parent.rmdir()


PICTURE_FILE = "_file_name"
"""How the name of a field ends whose value is the path of a picture."""


def features(row: type[BaseModel]) -> list[dict[str, Any]]:
    """The types of a row's fields in the way of Hugging Face's data set cards."""
    return [
        {"name": name.removesuffix(PICTURE_FILE), "dtype": "image"}
        if name.endswith(PICTURE_FILE)
        else {"name": name, **_feature(field.annotation)}
        for name, field in row.model_fields.items()
    ]


def _feature(kind: Any) -> dict[str, Any]:
    arguments = [one for one in get_args(kind) if one not in (type(None), ...)]
    if get_origin(kind) is Literal:
        return {"dtype": "string"}
    if get_origin(kind) is tuple:
        inner = _feature(arguments[0])
        return {"list": inner.get("struct") or inner.get("dtype") or inner}
    if arguments:
        return _feature(arguments[0])
    if issubclass(kind, BaseModel):
        return {"struct": features(kind)}
    return {"dtype": next(name for base, name in _DTYPES.items() if issubclass(kind, base))}


_DTYPES = {str: "string", bool: "bool", int: "int64", float: "float64"}


def _place(origin: Origin) -> float:
    """A number in [0, 1) of a task's instance, by which it goes to one of the files."""
    known = hashlib.sha256(json.dumps([origin.task, origin.instance]).encode()).digest()
    return int.from_bytes(known[:8], "big") / 2**64


def _shown(text: str) -> str:
    """A text of a record, which somebody else may have written, on one line and without markup."""
    return html.escape(printable_line(text))


def _card(format: TrainingFormat, run: RunSource, writer: _Writer, license: str) -> str:
    manifest = run.manifest
    files = "".join(
        f"  - split: {split}\n    path: {format.layout.data.format(split=split)}\n" for split in writer.files
    )
    left_out = "".join(f"- {number} left out: {why}\n" for why, number in sorted(writer.left_out.items()))
    rows = (
        ", ".join(
            f"{writer.rows[split]} in `{writer.path(split).relative_to(writer.output)}`" for split in writer.files
        )
        or "none"
    )
    head = f"license: {json.dumps(license)}\n" if license else ""
    configs = f"configs:\n- config_name: default\n  data_files:\n{files}" if files else ""
    # Readers guess types by the first rows otherwise, and a field that is null in all of these has none.
    types = yaml.safe_dump({"dataset_info": {"features": features(format.row)}}, sort_keys=False)
    return (
        f"---\n{head}{configs}{types}---\n\n"
        f"# Rows from the run {_shown(manifest.id)}\n\n{format.about}\n\n"
        f"- Made by Loopwright {_shown(manifest.loopwright)} from a run of {_shown(manifest.created)}.\n"
        f"- Rows: {rows}. Rows of one instance are all in one file.\n{left_out}"
        f"- Licence: {license or 'not stated'}. Licences of the tasks and terms of the models hold for the rows.\n"
        "- No hidden test and no gold answer is in them; scores of hidden tests are.\n"
    )
