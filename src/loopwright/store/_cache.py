"""Replies and pictures of earlier runs: a task is developed without paying for a call twice. Off by default."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loopwright.files import read_regular, write_whole
from loopwright.store._codec import BadLine, decode, encode

_log = logging.getLogger(__name__)


class ResponseCache:
    """A folder of model results under the journal's call keys, shared by runs.

    The key holds the episode and with it the repeat, so repeats of a task never share a reply: they stay
    independent samples.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> dict[str, Any] | None:
        """Returns a stored result, or None. A damaged entry counts as none."""
        path = self._path(key)
        try:
            return dict(decode(read_regular(path, within=self._folder).rstrip(b"\n"), key)["result"])
        except FileNotFoundError:
            return None
        except (OSError, BadLine, LookupError, TypeError, ValueError) as error:
            _log.warning("cached response %s cannot be used: %s", path, error)
            return None

    def put(self, key: str, result: Mapping[str, Any]) -> None:
        """Stores a result. A cache that cannot be written is reported, and does no harm."""
        path = self._path(key)
        try:
            write_whole(path, encode({"v": 1, "seq": 0, "result": result}, key), within=self._folder)
        except OSError as error:
            _log.warning("the response of %s was not cached in %s: %s", key, path, error)

    def keep_picture(self, ref: str, data: bytes) -> None:
        """Stores a picture that a result names; as `put`, it does no harm where it fails."""
        path = self._picture(ref)
        try:
            write_whole(path, data, within=self._folder)
        except OSError as error:
            _log.warning("the picture %s was not cached in %s: %s", ref, path, error)

    def picture(self, ref: str) -> bytes | None:
        """Returns a picture that a result names, or None. A damaged one counts as none."""
        path = self._picture(ref)
        try:
            data = read_regular(path, within=self._folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.warning("cached picture %s cannot be used: %s", path, error)
            return None
        return data if hashlib.sha256(data).hexdigest() == ref else None

    def _picture(self, ref: str) -> Path:
        return self._folder / "pictures" / ref[:2] / ref[2:]

    def _path(self, key: str) -> Path:
        name = hashlib.sha256(json.dumps(key).encode()).hexdigest()
        return self._folder / name[:2] / f"{name[2:]}.json"
