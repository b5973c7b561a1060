"""What every section of a task file has in common."""

from __future__ import annotations

from pydantic import ConfigDict

from loopwright.types import PlainNumbers


class Section(PlainNumbers):
    """A section: it cannot be changed, and knows every key that it may have."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
