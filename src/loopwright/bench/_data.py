"""Where the data sets of suites are."""

from __future__ import annotations

import os
from pathlib import Path


def data_folder(name: str) -> Path:
    """The folder of a data set that `data fetch` got: LOOPWRIGHT_DATA, or the user's data home."""
    base = os.environ.get("LOOPWRIGHT_DATA")
    home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return (Path(base) if base else home / "loopwright" / "data") / name
