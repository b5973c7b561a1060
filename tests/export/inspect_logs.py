"""Logs of Inspect, read by its own code, in a thread: where an event loop runs it patches asyncio for the process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest


def read_log(path: Path) -> Any:
    """The log in a file."""
    log = pytest.importorskip("inspect_ai.log")
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(log.read_eval_log, str(path)).result()


def bundle(logs: Path, page: Path) -> None:
    """Makes the page of Inspect's viewer."""
    log = pytest.importorskip("inspect_ai.log")
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(log.bundle_log_dir, str(logs), str(page)).result()
