"""The identity of a request."""

from __future__ import annotations

import hashlib
import json

from loopwright.models.chat._types import Request


def canonical(request: Request) -> str:
    """A request as JSON text that is equal for equal requests: sorted keys, no spaces, ASCII."""
    return json.dumps(request.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), allow_nan=False)


def request_hash(request: Request) -> str:
    """sha256 of the canonical JSON of a request, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(request).encode()).hexdigest()
