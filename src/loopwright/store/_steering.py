"""Payloads of what people do with a run while it works."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from loopwright.store._payload import Amount, EventPayload


class RunSteered(EventPayload):
    """Somebody steered the run while it worked. Of `skip` and `retry` the line names the episode."""

    type: Literal["run_steered"] = "run_steered"
    action: Literal["pause", "continue", "stop", "skip", "retry", "set_concurrency", "set_cap"]
    by: Literal["ctl", "view", "python", "resume"]
    """`ctl` for the command line, `view` for the page of the run, `resume` for what `resume` was asked for."""
    concurrency: int | None = Field(default=None, ge=1, exclude_if=lambda episodes: episodes is None)
    """Episodes at a time from now on."""
    budget: Mapping[str, Amount] = Field(default={}, exclude_if=operator.not_)
    """Caps of the whole run that hold from now on, in place of what they were."""
