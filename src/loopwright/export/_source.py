"""A run as exports read it: its episodes, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from loopwright.record import EpisodeRecord, RunReader
from loopwright.store import Manifest, RunRecord, read_run


@dataclass(frozen=True, slots=True)
class RunSource:
    """A run to be exported; it may be live or interrupted."""

    record: RunRecord

    @classmethod
    def open(cls, folder: Path) -> RunSource:
        """Opens a run's folder for reading.

        Raises:
            StoreError: There is no run in the folder.
        """
        return cls(read_run(folder))

    @property
    def manifest(self) -> Manifest:
        """What the run is."""
        return self.record.manifest

    @property
    def episodes(self) -> Iterator[EpisodeRecord]:
        """Its episodes with their model calls: each when it was scored, then those without a score.

        Of an episode that was begun anew only the last attempt comes. One episode is in memory at a time, beside
        those that the run worked on at the same time.

        Raises:
            StoreError: The record is damaged.
        """
        reader, starts = RunReader(self.record.result, with_calls=True), self.record.starts
        for episode in reader.read(self.record.events):
            if episode.started is not None and episode.seq == starts[episode.id]:
                yield episode

    @property
    def scored(self) -> Iterator[EpisodeRecord]:
        """The episodes that have a score: what infrastructure failed says nothing of an answer."""
        return (episode for episode in self.episodes if episode.finished and episode.finished.status == "scored")
