"""What goes over the socket: one request and one reply, each a line of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticSerializationError

from loopwright.task import Caps
from loopwright.text import encodable
from loopwright.types import LONGEST_ANSWER, Choice, Question

LARGEST_REQUEST = 64 * 1024
"""Bytes of a request, at most."""
LARGEST_REPLY = 8 * 1024 * 1024
"""Bytes of a reply, at most."""
MOST_EPISODES = 10_000
"""Episodes at a time, at most."""
LARGEST_CAP = 10**12
"""As options of the command line have it."""

EpisodeId = Annotated[str, Field(min_length=1, max_length=1000)]
"""The name of an episode, or the beginning of it if that fits one alone."""


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def line(self) -> bytes:
        """The message as it is sent; what UTF-8 cannot hold, such as half of a surrogate pair, is spelt out."""
        try:
            return self.model_dump_json().encode() + b"\n"
        except PydanticSerializationError:
            return json.dumps(_encodable(self.model_dump())).encode() + b"\n"


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, Mapping):
        return {encodable(str(key)): _encodable(item) for key, item in value.items()}
    return [_encodable(item) for item in value] if isinstance(value, list | tuple) else value


class Pause(_Message):
    """Begin no step and no model call until `continue`; what is under way finishes."""

    command: Literal["pause"] = "pause"


class Continue(_Message):
    """Go on after `pause`."""

    command: Literal["continue"] = "continue"


class Stop(_Message):
    """End the run after the steps under way, as Ctrl+C does; it can be resumed."""

    command: Literal["stop"] = "stop"


class Skip(_Message):
    """End an episode without a score, after its step under way."""

    command: Literal["skip"] = "skip"
    episode: EpisodeId


class Retry(_Message):
    """Try an episode again that failed or was skipped."""

    command: Literal["retry"] = "retry"
    episode: EpisodeId


class SetConcurrency(_Message):
    """Work on so many episodes at a time from now on; more that are under way finish."""

    command: Literal["set_concurrency"] = "set_concurrency"
    episodes: int = Field(ge=1, le=MOST_EPISODES, strict=True)


class SetCap(_Message):
    """Put another cap of the whole run in place of the one of that name; what was spent counts."""

    command: Literal["set_cap"] = "set_cap"
    cap: str = Field(max_length=100)
    """A field of `Caps`, such as `usd`."""
    amount: float = Field(ge=0, le=LARGEST_CAP, allow_inf_nan=False, strict=True)


class GiveAnswer(_Message):
    """Answer a question that an episode waits with."""

    command: Literal["answer"] = "answer"
    question: EpisodeId
    """Its id, or the beginning of it if that fits one alone."""
    choice: Choice
    text: str = Field(default="", max_length=LONGEST_ANSWER)
    target: int | None = Field(default=None, ge=0)
    """Iteration to go back to, with `backtrack`."""


class AskStatus(_Message):
    """Say how far the run is."""

    command: Literal["status"] = "status"


Command = Annotated[
    Pause | Continue | Stop | Skip | Retry | SetConcurrency | SetCap | GiveAnswer | AskStatus,
    Field(discriminator="command"),
]
"""One thing that a run can be told to do."""


class ControlRequest(_Message):
    """A command, and who gives it."""

    version: Literal[1] = 1
    by: Literal["ctl", "view"] = "ctl"
    command: Command


class EpisodeStatus(_Message):
    """An episode under way."""

    id: str
    iteration: int | None = None
    """The latest that something is recorded of; None before the first."""


class RunStatus(_Message):
    """How far a run is."""

    run: str
    pid: int
    state: Literal["running", "paused", "stopping"]
    concurrency: int
    """Episodes at a time."""
    episodes: Mapping[str, int]
    """`waiting`, `running`, `scored`, `failed` and `skipped` to the number of episodes."""
    under_way: tuple[EpisodeStatus, ...] = ()
    """The first of those that are running."""
    caps: Caps = Caps()
    """Of the whole run."""
    left: Caps = Caps()
    """What they leave."""
    questions: tuple[Question, ...] = ()
    """The first of those that episodes wait with."""


class ControlReply(_Message):
    """What a run did about a command."""

    version: Literal[1] = 1
    done: bool
    """Whether it did as it was told."""
    told: str
    """What it did, or why not."""
    remedy: str = ""
    status: RunStatus | None = None
    """If it was asked for."""
