"""A second place that holds a run's record line by line: what the journal and a shared record ask of each other."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Protocol


class Replica(Protocol):
    """Sends what the run's folder holds to the shared record. Nothing in it blocks but `close`."""

    def grown(self, lines: int, size: int) -> None:
        """Takes notice that the journal has so many lines, in so many bytes; the first notice starts the sending."""
        ...

    def keep(self, ref: str) -> None:
        """Takes notice of a stored artifact; it is sent before every line that is written from now on."""
        ...

    def committed(self, lines: int) -> Future[None]:
        """Done once the shared record holds so many lines and the artifacts before them; else holds a StoreError."""
        ...

    def refuse_after_failure(self) -> None:
        """Raises what ended the sending.

        Raises:
            StoreError: The shared record cannot be written.
            RunInUse: Another process took the run over.
        """
        ...

    def close(self) -> None:
        """Sends the rest and lets others write the run.

        Raises:
            StoreError: The rest could not be sent.
        """
        ...


class Share(Protocol):
    """Where runs are shared. The caller holds the folder's own locks."""

    def begin(self, folder: Path, run: str, manifest: bytes) -> Replica:
        """Enters a new run and takes it.

        Raises:
            StoreError: There is such a run already, or the shared record cannot be written.
        """
        ...

    def join(self, folder: Path, run: str) -> Replica:
        """Takes a run, and brings into its folder what others wrote.

        Raises:
            RunInUse: Another process is writing it.
            StoreError: There is no such run, its lines are others than those of the folder, or they cannot be read.
        """
        ...

    def copy_in(self, folder: Path) -> str:
        """Copies the run of a folder into the shared record; gives its id.

        Raises:
            RunInUse: A process writes the run.
            StoreError: There is another run of that id, or it cannot be read or written.
        """
        ...
