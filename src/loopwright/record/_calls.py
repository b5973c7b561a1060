"""Model calls of an episode: what was asked, what came back, and what went wrong on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from loopwright.errors import StoreError
from loopwright.models import Reply, Request
from loopwright.store import IDEMPOTENCE, CallFinished, CallIntended, EpisodeStarted, Event, Failed

_Known = TypeVar("_Known", bound=BaseModel)

_ROLES = {
    "propose": "proposer",
    "plan": "proposer",
    "idea": "idea",
    "review": "reviewer",
    "verify": "verifier",
    "critique": "critic",
    IDEMPOTENCE: "proposer",
    f"{IDEMPOTENCE}-critique": "critic",
    f"{IDEMPOTENCE}-verify": "verifier",
}
"""Node of the shipped strategies to the role that calls in it; `CallLog` knows who grades."""


@dataclass(slots=True)
class CallRecord:
    """One model call; tries that failed on the way to its answer belong to it."""

    iteration: int | None
    node: str
    time: str
    """When it was begun."""
    request: Request
    role: str
    """Who asked: a role, or the node of a strategy of your own."""
    finished: CallFinished | None = None
    """How it ended; None while it is under way, and where a crash hid it."""
    reply: Reply | None = None
    """None without an answer."""
    failures: list[Failed] = field(default_factory=list)
    """Tries that failed, in order; the last one too, if the call failed."""


@dataclass(slots=True)
class CallLog:
    """The model calls of an episode in the order in which they were begun.

    Prompts are long. Only readers who show them keep a log; the loop itself holds none.
    """

    _calls: dict[str, CallRecord] = field(default_factory=dict)
    _of: dict[int | None, list[CallRecord]] = field(default_factory=dict)
    _waiting: dict[str, CallRecord] = field(default_factory=dict)
    """Those under way, by key."""
    _grader: str = "verifier"
    """The role that asks a model for grades."""

    def __iter__(self) -> Iterator[CallRecord]:
        return iter(self._calls.values())

    def of(self, iteration: int) -> Sequence[CallRecord]:
        """The calls of one iteration."""
        return self._of.get(iteration, ())

    def apply(self, event: Event, result: Mapping[str, Any]) -> None:
        """Takes in the next event of the episode.

        Args:
            event: Any event; those that tell nothing about model calls are passed over.
            result: Of the call that the event ends; empty where it ends none.
        """
        match event.data:
            case EpisodeStarted() as data:
                self._grader = "auditor" if "auditor" in data.models else "verifier"
            case CallIntended(kind="model") as data:
                # A call that a crash interrupted, or that failed, is begun once more under the same key.
                if data.key in self._calls:
                    self._calls[data.key].finished = None
                else:
                    asked = _known(Request, data.request, event)
                    node = event.node or ""
                    role = self._grader if node == "grade" else _ROLES.get(node, node)
                    call = CallRecord(event.iteration, node, event.time, asked, role)
                    self._calls[data.key] = call
                    self._of.setdefault(event.iteration, []).append(call)
                self._waiting[data.key] = self._calls[data.key]
            case CallFinished(kind="model", key=key) as data if key in self._calls:
                self._waiting.pop(key, None)
                self._calls[key].finished = data
                self._calls[key].reply = _known(Reply, result, event) if result else None
            case Failed() as data:
                self._failed(event, data)

    def _failed(self, event: Event, data: Failed) -> None:
        """A failure of a call does not name it. It belongs to the one that is under way, if there is one alone."""
        waiting = list(self._waiting.values())
        if event.node is not None:
            waiting = [call for call in waiting if (call.iteration, call.node) == (event.iteration, event.node)]
        if len(waiting) == 1:
            waiting[0].failures.append(data)


def _known(kind: type[_Known], found: Mapping[str, Any], event: Event) -> _Known:
    """What a call holds, without what a newer version may have added.

    Raises:
        StoreError: It is something else.
    """
    try:
        return kind.model_validate({name: value for name, value in found.items() if name in kind.model_fields})
    except ValidationError as error:
        first = error.errors()[0]
        raise StoreError(
            f"event {event.seq} holds no {kind.__name__.lower()} of a model call: {'.'.join(map(str, first['loc']))}: "
            f"{first['msg']}",
            remedy="Use the loopwright that wrote the run, or a newer one.",
        ) from None
