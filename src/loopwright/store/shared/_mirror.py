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

_AWAY = "runs do not follow the database"

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
    warned: dict[str, str] = {}

    def warn(what: str, error: Exception) -> None:
        if warned.get(what) != str(error):
            warned[what] = str(error)
            _log.warning("%s: %s", what, error if isinstance(error, LoopwrightError) else repr(error))

    while not ended.is_set():
        try:
            with store.following() as following:
                while not ended.wait(_EVERY):
                    for failed, error in following.refresh(runs, run, _NEWEST).items():
                        warn(f"the copy of run {failed} is not refreshed", error)
                    warned.pop(_AWAY, None)
        except Exception as error:
            # Whatever it is, the page shows the other runs as they were, and follows again once it is over.
            warn(_AWAY, error)
            ended.wait(5)
