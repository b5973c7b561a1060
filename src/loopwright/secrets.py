"""Secrets: every key that is loaded is registered here, and scrubbed from whatever is written down."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import threading
from pathlib import Path
from urllib.parse import quote, quote_plus

from loopwright.errors import UserError

MASK = "***"
"""What stands in place of a secret. Shorter than any secret that is registered."""

SHORTEST = 6
"""Values with fewer characters are not secrets: scrubbing them would tear ordinary words apart."""

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSW", re.IGNORECASE)

_lock = threading.Lock()
_forms: set[str] = set()
_pattern: re.Pattern[str] | None = None


def register(value: str) -> None:
    """Makes `scrub` take out a value in every form in which it may be written down.

    Args:
        value: The secret. Values shorter than `SHORTEST` characters are ignored.
    """
    global _pattern
    if len(value) < SHORTEST:
        return
    with _lock:
        _forms.update(_written_forms(value))
        # Longest first, so that a form which holds another one goes as a whole.
        _pattern = re.compile("|".join(re.escape(form) for form in sorted(_forms, key=len, reverse=True)))


def scrub(text: str) -> str:
    """Replaces every registered secret by `MASK`: as it is, URL-encoded, JSON-escaped or in base64."""
    pattern = _pattern
    return pattern.sub(MASK, text) if pattern else text


def load_env_file(path: Path) -> None:
    """Sets the variables of an `.env` file that are not set yet, and registers those that are secret by name.

    Args:
        path: The file; nothing happens where there is none.

    Raises:
        UserError: The file cannot be read, is not UTF-8, or has what no variable can hold.
    """
    if not path.is_file():
        return
    from dotenv import dotenv_values

    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        problem = "is not UTF-8" if isinstance(error, UnicodeDecodeError) else f"cannot be read: {error.strerror}"
        raise UserError(f"{path} {problem}", remedy="Save it as UTF-8, one NAME=VALUE per line.") from None
    for name, value in dotenv_values(stream=io.StringIO(text)).items():
        if value is None:
            continue
        try:
            os.environ.setdefault(name, value)
        except (OSError, ValueError):
            raise UserError(
                f"{path}: the variable {name[:80]!r} cannot be set",
                remedy="A name holds no `=`, and neither name nor value holds a NUL character.",
            ) from None
        if _SECRET_NAME.search(name):
            register(value)


def _written_forms(value: str) -> set[str]:
    forms = {
        value,
        quote(value, safe=""),
        quote(value),
        quote_plus(value),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
    }
    raw = value.encode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        forms.add(encode(raw).decode())
        forms.update(_inside_base64(encode(b"\0" * lead + raw).decode(), lead, len(raw)) for lead in range(3))
    return {form for form in forms if len(form) >= SHORTEST}


def _inside_base64(encoded: str, lead: int, length: int) -> str:
    """The characters of a base64 text that depend on the secret alone, whatever stands before and after it."""
    first = -(-lead * 8 // 6)
    last = (lead + length) * 8 // 6
    return encoded[first:last]
