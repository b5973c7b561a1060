"""Reads InterCode's data: as its repository lays it out, or all files in one folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from loopwright.errors import MissingContent, TaskError
from loopwright.files import read_regular
from loopwright.project import parse_json
from loopwright.task import Record

_REFUSED = frozenset((54, 83, 164, 178, 225, 271, 301, 525, 531, 638, 704, 710, 798, 802, 803, 850, 892, 942, 967))
"""Spider tasks whose gold query MySQL 8 refuses: ungrouped columns, reserved words, missing names of subqueries."""


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


def sql_records(folder: Path) -> tuple[Record, ...]:
    """The Spider tasks: `ic_spider_dev.json` or its parts, with the dump of their databases.

    Raises:
        MissingContent: A file is not there.
        TaskError: A file is no list of tasks.
    """
    dump = locate(folder, "ic_spider_dbs.sql", "data/sql/spider") or required(folder, "spider_dbs.sql")
    paths = joined(folder, "ic_spider_dev", "data/sql/spider") or joined(folder, "spider_dev")
    found = all_rows(folder, paths, "ic_spider_dev.json", "query", "gold", "db")
    return tuple(
        Record(
            id=f"spider-{index}",
            goal=row["query"],
            hidden={"gold": row["gold"], "refused": index in _REFUSED},
            vars={"group": row.get("hardness", "")},
            dump=str(dump),
            database=row["db"],
            tables=row.get("db_tables", {}),
        )
        for index, row in enumerate(found)
    )


def python_records(folder: Path) -> tuple[Record, ...]:
    """The MBPP tasks: `ic_mbpp.json` or its parts.

    Raises:
        MissingContent: The file is not there.
        TaskError: It is no list of tasks.
    """
    return tuple(
        Record(
            id=f"mbpp-{index}",
            goal=row["query"],
            hidden={"gold": row["gold"], "tests": row["tests"], "preparation": row.get("test_setup_code", "")},
        )
        for index, row in enumerate(mbpp_rows(folder))
    )


def mbpp_rows(folder: Path, data: str = "intercode") -> list[dict[str, Any]]:
    """The rows of MBPP: `ic_mbpp.json` or its parts.

    Args:
        folder: The folder of the data.
        data: The data set that a message tells to fetch.

    Raises:
        MissingContent: The file is not there.
        TaskError: It is no list of tasks.
    """
    paths = joined(folder, "ic_mbpp", "data/python/mbpp") or joined(folder, "mbpp")
    return all_rows(folder, paths, "ic_mbpp.json", "query", "gold", "tests", data=data)


def ctf_records(folder: Path) -> tuple[Record, ...]:
    """The capture-the-flag tasks, each with its own assets alone.

    Raises:
        MissingContent: The file is not there.
        TaskError: It is no list of tasks.
    """
    path = locate(folder, "ic_ctf.json", "data/ctf") or required(folder, "ic_ctf_subset.json", "ctf")
    records = []
    for row in rows(path, "task_id", "query", "gold"):
        number = str(row["task_id"])
        assets = locate(folder, number, "data/ctf/task_assets", "ctf/assets")
        records.append(
            Record(
                id=f"ctf-{number}",
                goal=row["query"],
                hidden={"gold": row["gold"]},
                vars={"group": ", ".join(row.get("tags", ()))},
                folder=f"/ctf/{number}",
                setup=row.get("setup", ""),
                assets=str(assets) if assets else None,
            )
        )
    return tuple(records)


def _file_system(folder: Path, number: int) -> dict[str, Any]:
    """An archive of the file system, or the repository's script that makes it."""
    archive = locate(folder, f"fs_{number}.tar.gz", "fixtures")
    if archive:
        return {"fixture": str(archive)}
    script = required(folder, f"setup_nl2b_fs_{number}.sh", "docker/bash_scripts")
    return {"setup": read_regular(script).decode()}


def rows(path: Path, *fields: str) -> list[dict[str, Any]]:
    """Reads a JSON list of records that have these fields.

    Raises:
        TaskError: It is none.
    """
    try:
        data = parse_json(read_regular(path).decode())
    except (OSError, ValueError) as error:
        raise TaskError(f"cannot be read: {error}", path=str(path)) from None
    if not isinstance(data, list) or not all(isinstance(row, dict) and row.keys() >= set(fields) for row in data):
        raise TaskError(f"not a list of records with {' and '.join(fields)}", path=str(path))
    return data


def all_rows(
    folder: Path, paths: Iterable[Path], name: str, *fields: str, data: str = "intercode"
) -> list[dict[str, Any]]:
    """The rows of all parts of a file.

    Raises:
        MissingContent: There is none.
        TaskError: A part is no list of records with these fields.
    """
    found = [row for path in paths for row in rows(path, *fields)]
    if not found:
        raise missing(folder, name, data)
    return found


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


def missing(folder: Path, name: str, data: str = "intercode") -> MissingContent:
    """The error that says which file a data set lacks."""
    return MissingContent(
        f"{folder} holds no {name}",
        remedy=f"Get the data with `loopwright data fetch {data}`, or name a folder that has it with --from.",
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
