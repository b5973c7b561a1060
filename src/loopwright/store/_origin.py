"""Whether a run was made here: its manifest is sealed with a key of the user's that no run folder holds."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets

from loopwright.files import read_regular
from loopwright.store._codec import plain
from loopwright.store._read import Manifest
from loopwright.user_folders import state_folder

_BYTES = 32


def sealed(manifest: Manifest) -> Manifest:
    """The manifest with its seal; without one where the user's key can be neither read nor made."""
    key = user_key()
    return manifest.model_copy(update={"origin": _seal(key, manifest)}) if key else manifest


def made_here(manifest: Manifest) -> bool:
    """Whether the manifest is as this user's Loopwright wrote it."""
    key = _key()
    return key is not None and hmac.compare_digest(_seal(key, manifest).encode(), manifest.origin.encode())


def _seal(key: bytes, manifest: Manifest) -> str:
    # The configuration decides what code a run names. The seals of earlier versions are of JSON as Python writes it.
    told = plain({"id": manifest.id, "created": manifest.created, "config": manifest.config})
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def user_key() -> bytes | None:
    """The key of this user's, which is made where there is none; None where it can be neither read nor made."""
    return _key() or _new_key()


def _key() -> bytes | None:
    try:
        key = read_regular(state_folder() / "origin.key", _BYTES)
    except OSError:
        return None
    return key if len(key) == _BYTES else None


def _new_key() -> bytes | None:
    path = state_folder() / "origin.key"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
    except OSError:
        pass  # A folder that cannot be written, or another process was first.
    return _key()
