"""The runs of a folder, as their page lists them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from loopwright.errors import StoreError
from loopwright.files import run_folders
from loopwright.store import Glances, RunRecord, Writer, is_working_copy, read_run
from loopwright.text import cut_middle, encodable

_LONGEST = 300
"""Characters of a name or a sentence in the list."""


@dataclass(slots=True)
class _Known:
    """A run that was looked at before."""

    record: RunRecord
    glances: Glances
    tasks: str
    made: tuple[int, int]
    """Identity and time of its manifest, which is written once."""
    shared: bool
    """Whether it is the copy of a shared run."""


@dataclass(slots=True)
class RunList:
    """The runs of a folder; of those that it knows it reads what is new. Threads may share it."""

    folder: Path
    _known: dict[Path, _Known] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, name: str) -> Path | None:
        """The folder of a run by its name; None if there is none."""
        return next((path for path in run_folders(self.folder) if encodable(path.name) == name), None)

    def look(self) -> list[dict[str, Any]]:
        """The runs, the latest first, with `name`, `created`, `tasks`, `state`, and `done` and `planned` episodes.

        Of a run that cannot be read, `state` says why. `shared` tells the copy of a shared run.
        """
        with self._lock:
            found = run_folders(self.folder)
            for gone in self._known.keys() - set(found):
                del self._known[gone]
            return sorted(map(self._listed, found), key=lambda one: str(one["created"]), reverse=True)

    def _listed(self, path: Path) -> dict[str, Any]:
        told = {"name": encodable(path.name), "created": "", "tasks": "", "done": 0, "planned": 0, "shared": False}
        try:
            known = self._looked_up(path)
            glance = known.glances.look()
        except (StoreError, OSError) as error:
            self._known.pop(path, None)
            return {**told, "state": cut_middle(encodable(f"cannot be read: {error}"), _LONGEST)}
        record = known.record
        return {
            **told,
            "created": encodable(record.manifest.created),
            "tasks": known.tasks,
            "state": encodable(glance.finished) or _underway(record.writer),
            "done": glance.done,
            "planned": glance.planned,
            "shared": known.shared,
        }

    def _looked_up(self, path: Path) -> _Known:
        there = (path / "run.json").stat()
        made = (there.st_ino, there.st_mtime_ns)
        if path not in self._known or self._known[path].made != made:
            record = read_run(path)
            names = [task["name"] for task in record.manifest.config.get("tasks", ())]
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            tasks = encodable(", ".join(cut_middle(name, _LONGEST) for name in names[:3]) + more)
            # A configuration holds the data of its tasks.
            record = replace(record, manifest=record.manifest.model_copy(update={"config": {}}))
            self._known[path] = _Known(record, Glances(record), tasks, made, _is_shared(path))
        return self._known[path]


def _is_shared(path: Path) -> bool:
    """Whether a folder is the copy of a shared run, or bears a damaged mark, which a run of its own never has."""
    try:
        return is_working_copy(path)
    except StoreError:
        return True


def _underway(writer: Writer | None) -> str:
    """The state of a run that did not end."""
    if writer is None:
        return "interrupted"
    return encodable(f"running on {writer.host}") if writer.host else "running"
