"""Reads InterCode's data: as its repository lays it out, or all files in one folder."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from loopwright.errors import MissingContent, TaskError
from loopwright.task import Record


def bash_records(folder: Path) -> tuple[Record, ...]:
    """The Bash tasks of every file system that is there: `nl2bash_fs_N.json`, with their file systems for N below 4.

    Raises:
        MissingContent: There is none, or one lacks its file system.
        TaskError: A file is no list of tasks.
    """
    records: list[Record] = []
    for number in range(1, 5):
        path = locate(folder, f"nl2bash_fs_{number}.json", "data/nl2bash")
        if path is None:
            continue
        fields = _file_system(folder, number) if number < 4 else {}
        for index, row in enumerate(rows(path, "query", "gold")):
            gold = row["gold"] if isinstance(row["gold"], str) else ";".join(row["gold"])
            records.append(
                Record(
                    id=f"fs{number}-{index}",
                    goal=row["query"],
                    hidden={"gold": gold},
                    vars={"group": f"file system {number}"},
                    **fields,
                )
            )
    if not records:
        raise missing(folder, "nl2bash_fs_1.json")
    return tuple(records)


def _file_system(folder: Path, number: int) -> dict[str, Any]:
    """An archive of the file system, or the repository's script that makes it."""
    archive = locate(folder, f"fs_{number}.tar.gz", "fixtures")
    if archive:
        return {"fixture": str(archive)}
    script = required(folder, f"setup_nl2b_fs_{number}.sh", "docker/bash_scripts")
    return {"setup": script.read_text(encoding="utf-8")}


def rows(path: Path, *fields: str) -> list[dict[str, Any]]:
    """Reads a JSON list of records that have these fields.

    Raises:
        TaskError: It is none.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TaskError(f"no JSON: {error}", path=str(path)) from None
    if not isinstance(data, list) or not all(isinstance(row, dict) and row.keys() >= set(fields) for row in data):
        raise TaskError(f"not a list of records with {' and '.join(fields)}", path=str(path))
    return data


def locate(folder: Path, name: str, *places: str) -> Path | None:
    """Finds a file in the folder itself or in one of the places below it; None where it is in none."""
    return next((path for place in ("", *places) if (path := (folder / place / name).absolute()).exists()), None)


def required(folder: Path, name: str, *places: str) -> Path:
    """As `locate`.

    Raises:
        MissingContent: It is in none.
    """
    path = locate(folder, name, *places)
    if path is None:
        raise missing(folder, name)
    return path


def missing(folder: Path, name: str) -> MissingContent:
    """The error that says which file a data set lacks."""
    return MissingContent(
        f"{folder} holds no {name}",
        remedy="Get the data with `loopwright data fetch intercode`, or name a folder that has it with --from.",
    )


def joined(folder: Path, stem: str, *places: str) -> Iterable[Path]:
    """Files of a data set that may come in parts: `STEM.json`, or `STEM_0000_0516.json` and so on, in order."""
    for place in ("", *places):
        base = (folder / place).absolute()
        found = (
            [base / f"{stem}.json"] if (base / f"{stem}.json").exists() else sorted(base.glob(f"{stem}_[0-9]*.json"))
        )
        if found:
            return found
    return ()
