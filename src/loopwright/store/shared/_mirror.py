"""Keeps the folders of shared runs as the database has them, while somebody looks at them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loopwright.errors import LoopwrightError
from loopwright.store.shared._store import SharedStore

_EVERY = 0.5
"""Seconds between two looks at the database."""
_NEWEST = 100
"""Runs that are followed at most, where none is named."""

_log = logging.getLogger(__name__)


@contextmanager
def mirrored(store: SharedStore, runs: Path, run: str | None = None) -> Iterator[None]:
    """Refreshes working copies every half second in a thread, as long as the context lasts.

    Args:
        store: The database.
        runs: The folder that holds the working copies.
        run: The run to follow; None for the newest hundred.
    """
    ended = threading.Event()
    thread = threading.Thread(target=_follow, args=(store, runs, run, ended), name="loopwright-mirror", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=5)


def _follow(store: SharedStore, runs: Path, run: str | None, ended: threading.Event) -> None:
    seen: dict[str, tuple[int, int]] = {}
    failing = ""
    while not ended.is_set():
        try:
            with store.following() as following:
                while not ended.wait(_EVERY):
                    following.refresh(runs, run, _NEWEST, seen)
                    failing = ""
        except LoopwrightError as error:
            if str(error) != failing:
                failing = str(error)
                _log.warning("%s", error)
            ended.wait(5)
