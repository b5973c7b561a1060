"""What models state beside an answer, in the forms in which they write it whatever a schema says."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

_WORDS = {"certain": 1.0, "very high": 0.95, "high": 0.9, "medium": 0.6, "moderate": 0.6, "low": 0.3, "very low": 0.1}
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,9})?) ?(%?)")


def _share(stated: object) -> object:
    """A confidence as a share of one: 95, "95%" and "high" are shares, too; nothing stated is 1."""
    if stated is None:
        return 1.0
    if isinstance(stated, str):
        word = stated.strip().lower()
        found = _PERCENT.fullmatch(word)
        if not found:
            return _WORDS.get(word, stated)
        stated = float(found[1]) / (100 if found[2] else 1)
    if isinstance(stated, int | float) and not isinstance(stated, bool) and 1 < stated <= 100:
        return stated / 100
    return stated


def _words(stated: object) -> object:
    """Words; nothing, numbers and lists as words."""
    if stated is None:
        return ""
    if isinstance(stated, list):
        return "; ".join(map(str, stated))
    return str(stated) if isinstance(stated, bool | int | float) else stated


Confidence = Annotated[float, Field(ge=0, le=1), BeforeValidator(_share)]
"""How sure a model is, from 0 to 1."""

Words = Annotated[str, BeforeValidator(_words)]
"""Words of a model, which may be left out."""
