"""How a server of models answers, declared as data; `stub.py` plays it and `test_matrix.py` holds what comes of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from loopwright.errors import ModelError
from loopwright.types import Usage

Effort = Literal["medium"]
Api = Literal["chat", "responses", "anthropic", "gemini"]
Schema = Literal["followed", "refused", "passed over"]
Thoughts = Literal[
    "`reasoning_content`",
    "`reasoning`",
    "`reasoning_details`",
    "`<think>` tags",
    "`<thought>` tags",
    "parts of the content",
    "summaries",
    "blocks",
    "parts",
    "none: the server shows none",
]

Calls = Literal["in pieces", "whole", "whole, all with index 0"]

PROMPT, READ, WRITTEN, OUTPUT, THOUGHT = 100, 60, 10, 30, 12
"""Tokens of each call of the stubs: of the prompt, those of them that a cache gave or took, of the reply, those of
them that were reasoning."""


@dataclass(frozen=True, slots=True)
class Wire:
    """An answer that is not a reply, as it goes over the wire."""

    status: int
    body: object
    """Text goes as it is, all else as JSON."""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """The body's bytes."""
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


@dataclass(frozen=True, slots=True)
class Fault:
    """A failure as the server tells it, and what has to come of it."""

    what: str
    wire: Wire
    error: type[ModelError]
    says: str
    """What stands in the message."""
    inside: bool = False
    """Whether it comes under status 200, in the midst of a stream that had begun."""
    wait: float | None = None
    """Of a rate limit: seconds that the server asks to wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One row of the matrix."""

    name: str
    model: str
    """A model's name as it is used there."""
    sources: Mapping[str, str]
    """What is played, to the page or the report that says so."""
    api: Api = "chat"
    schema: Schema = "followed"
    refuses: Mapping[str, Wire] = field(default_factory=dict)
    """A field of a request to the refusal that it meets."""
    blind: Wire | None = None
    """What a picture meets where no model takes any."""
    calls: Calls = "in pieces"
    """How calls of tools come in a stream."""
    wants_back: str = ""
    """What has to go back with a message that calls tools; without it the server refuses the next request."""
    thoughts: Thoughts = "none: the server shows none"
    shown_for: tuple[str, ...] = ()
    """Where a request says that it wants to be shown thoughts: a field, one in it, and so on; empty for always."""
    effort: Effort | None = None
    """Without which Loopwright asks for none."""
    own: Mapping[str, Any] = field(default_factory=dict)
    """Fields of an endpoint's `body` without which it asks for none."""
    finish: Mapping[str, str] = field(default_factory=dict)
    """Reasons why a reply ended that have another name there."""
    usage: Mapping[str, Any]
    """The usage object of a call."""
    counted: Usage
    """What Loopwright has to make of it; empty where it cannot be right, so that the call counts at its reserve."""
    usage_in: Literal["a last chunk", "the finishing chunk", "`x_groq`"] = "a last chunk"
    first: tuple[str, ...] = ()
    """Events before the first piece of a reply, as they are written."""
    limited: Fault | str
    """What too many requests meet; text says why there is no such answer."""
    faults: tuple[Fault, ...]

    @property
    def slug(self) -> str:
        """The name in test ids."""
        return self.name.lower().replace(" ", "-").replace("'", "").replace(".", "")
