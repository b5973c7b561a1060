"""The published prompts, answers and ratings that these tests read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def published() -> Path:
    """The folder of published data of pictures."""
    base = os.environ.get("LOOPWRIGHT_TEST_DATA", "")
    folder = Path(base) / "images"
    if not base or not folder.is_dir():
        pytest.skip("LOOPWRIGHT_TEST_DATA names no folder with images/ in it")
    return folder
