"""A run as exports read it: its episodes, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from loopwright.record import EpisodeRecord, Episodes
from loopwright.store import Manifest, RunRecord, read_run


@dataclass(frozen=True, slots=True)
class RunSource:
    """A run to be exported, as it was when it was opened; it may be live or interrupted."""

    record: RunRecord
    episodes: Episodes
    """All of them, with their model calls."""

    @classmethod
    def open(cls, folder: Path) -> RunSource:
        """Opens the folder of a run for reading.

        Raises:
            StoreError: There is no run in the folder.
        """
        record = read_run(folder)
        return cls(record, Episodes.of(record))

    @property
    def manifest(self) -> Manifest:
        """What the run is."""
        return self.record.manifest

    @property
    def scored(self) -> Iterator[EpisodeRecord]:
        """The episodes that have a score: what infrastructure failed says nothing of an answer."""
        return (episode for episode in self.episodes if episode.finished and episode.finished.status == "scored")
