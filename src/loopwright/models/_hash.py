"""How requests are told apart: by the hash of their canonical text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from loopwright.secrets import scrub


def canonical_json(values: Mapping[str, Any]) -> str:
    """JSON text that is equal for equal values: sorted keys, no spaces, ASCII."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(values: Mapping[str, Any]) -> str:
    """sha256 of the canonical JSON with its secrets masked, as 64 hexadecimal digits.

    Records hold it. The hash of a weak password among known words would tell it to those who try many.
    """
    return hashlib.sha256(scrub(canonical_json(values)).encode()).hexdigest()
