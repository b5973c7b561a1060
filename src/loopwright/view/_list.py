"""The runs of a folder, as their page lists them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from loopwright.errors import StoreError
from loopwright.files import run_folders
from loopwright.store import Glance, read_run
from loopwright.text import encodable


@dataclass(frozen=True, slots=True)
class ListedRun:
    """A run in the list."""

    name: str
    """Of its folder."""
    created: str
    tasks: str
    """Names of its tasks."""
    glance: Glance | None
    """None where the record cannot be read; `state` says why."""
    state: str
    """`running`, how the run ended, or that it was interrupted."""


@dataclass(slots=True)
class RunList:
    """The runs of a folder; looks again at those whose record has grown."""

    folder: Path
    _known: dict[Path, tuple[int, Glance]] = field(default_factory=dict)

    def find(self, name: str) -> Path | None:
        """The folder of a run by its name; None if there is none."""
        return next((path for path in run_folders(self.folder) if path.name == name), None)

    def __call__(self) -> list[ListedRun]:
        """The runs, the latest first."""
        return sorted(
            (self._listed(path) for path in run_folders(self.folder)), key=lambda one: one.created, reverse=True
        )

    def _listed(self, path: Path) -> ListedRun:
        name = encodable(path.name)
        try:
            record = read_run(path)
            size = (path / "events.jsonl").stat().st_size
            if path not in self._known or self._known[path][0] != size:
                self._known[path] = (size, record.glance())
        except (StoreError, OSError) as error:
            return ListedRun(name, "", "", None, f"cannot be read: {error}")
        glance = self._known[path][1]
        names = [task["name"] for task in record.manifest.config.get("tasks", ())]
        state = glance.finished or ("running" if record.writer is not None else "interrupted")
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        return ListedRun(name, record.manifest.created, ", ".join(names[:3]) + more, glance, state)
