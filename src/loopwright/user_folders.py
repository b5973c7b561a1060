"""Folders of a user's own: what can be made again lies in the cache, what was fetched in the data folder."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(name: str) -> Path:
    """A folder of what can be made or fetched again: in LOOPWRIGHT_CACHE, else in the user's cache home."""
    if set_by_user := os.environ.get("LOOPWRIGHT_CACHE"):
        return Path(set_by_user).expanduser() / name
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "loopwright" / name


def settings_folder() -> Path:
    """The folder of what a user set for all projects: LOOPWRIGHT_SETTINGS, else one in the user's settings home."""
    if set_by_user := os.environ.get("LOOPWRIGHT_SETTINGS"):
        return Path(set_by_user).expanduser()
    return Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "loopwright"


def state_folder() -> Path:
    """The folder of what Loopwright itself keeps for a user: in the user's state home."""
    return Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / "loopwright"


def data_folder(name: str) -> Path:
    """The folder of a data set that `data fetch` got: in LOOPWRIGHT_DATA, else in the user's data home."""
    if set_by_user := os.environ.get("LOOPWRIGHT_DATA"):
        return Path(set_by_user) / name
    home = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(home).expanduser() / "loopwright" / "data" / name
