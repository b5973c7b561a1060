"""Old lines of the record, brought to the present schema when they are read.

Files are never rewritten. To change the schema incompatibly: raise `SCHEMA_VERSION`, add the step from the
version before to `STEPS`, and keep a journal of the old version under `tests/store/data`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from loopwright.errors import StoreError
from loopwright.store._events import SCHEMA_VERSION

Step = Callable[[dict[str, Any]], dict[str, Any]]


def _texts_in_full(body: dict[str, Any]) -> dict[str, Any]:
    """Version 2 began to refer to text that repeats; lines of version 1 hold it in full, as any line may."""
    return body


STEPS: Mapping[int, Step] = {1: _texts_in_full}
"""Version to the function that makes a line of the next version out of one of it."""


def migrate(
    body: dict[str, Any], *, steps: Mapping[int, Step] = STEPS, version: int = SCHEMA_VERSION
) -> dict[str, Any]:
    """Returns the line without its version number, as `version` would have written it.

    Raises:
        StoreError: There is no way from the line's version to `version`.
    """
    present = body.pop("v")
    while present < version:
        if present not in steps:
            raise StoreError(
                f"event {body['seq']} has schema version {present}, which cannot be brought to {version}",
                remedy="Use the loopwright that wrote the run.",
            )
        body = steps[present](body)
        present += 1
    return body
