"""Payloads of calls that cost something or have effects: what is about to be made, and what came of it."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from loopwright.store._payload import Amount, Count, EventPayload, Opaque
from loopwright.types import Failure

CallKind = Literal["model", "image", "sandbox", "other"]


class CallIntended(EventPayload):
    """A paid or side-effecting call is about to be made."""

    type: Literal["call_intended"] = "call_intended"
    key: str
    kind: CallKind
    repeatable: bool
    attempt: Count = 0
    request: Mapping[str, Opaque] = {}
    """What is asked, or a reference to it, for the reader; the key already holds its hash."""


class CallFinished(EventPayload):
    """The call's result, recorded before it is used."""

    type: Literal["call_finished"] = "call_finished"
    key: str
    kind: CallKind
    result: Mapping[str, Opaque] | None = None
    """What the call gave, for those who made it: the record does not look into it."""
    artifact: str = ""
    """Reference to the result as JSON where it is too large for a line."""
    cached: bool = False
    """Whether the result came from the response cache, so that nothing was paid for it."""
    failure: Failure | None = None
    seconds: Amount = 0.0
    masked: tuple[str, ...] = Field((), exclude_if=operator.not_)
    """Names of the secrets whose values the reply of a model repeated: `***` stands in their place."""
    seal: str = Field("", exclude_if=operator.not_)
    """Proof for the same user of which secrets `***` replaced. Empty if the executed text had `***` as well."""
