"""Logs of Inspect, read by its own code, in a thread: where an event loop runs it patches asyncio for the process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest


def read_log(path: Path) -> Any:
    """The log in a file."""
    return _on_a_thread("read_eval_log", str(path))


def bundle(logs: Path, page: Path) -> None:
    """Makes the page of Inspect's viewer."""
    _on_a_thread("bundle_log_dir", str(logs), str(page))


def _on_a_thread(function: str, *arguments: str) -> Any:
    log = pytest.importorskip("inspect_ai.log")
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(getattr(log, function), *arguments).result()
