"""Model calls in the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, Literal

from loopwright.record import CallLog, CallRecord, IterationRecord
from loopwright.types import Message

_PARTS = {"verify": "judged", "critique": "critiqued"}
"""Node to the part of an iteration that its calls lead to; those of all others lead to the candidate."""
_MANY = 20
"""Calls of an iteration up to which each has a line of its own."""
_AGAIN = 4
"""Lines shared with the prompt before from which they are not written again."""


@dataclass(slots=True)
class Calls:
    """The calls of an episode, written where they belong: in full before what they led to, or in short after it."""

    log: CallLog
    in_full: bool
    _latest: dict[str, CallRecord] = field(default_factory=dict)
    _told: list[CallRecord] = field(default_factory=list)

    def before(self, iteration: int, part: Literal["proposed", "judged", "critiqued"]) -> Iterator[str]:
        """In full, the calls that led to a part of an iteration."""
        for call in self.log.of(iteration):
            if self.in_full and _PARTS.get(call.node, "proposed") == part:
                yield from self._text(call)

    def after(self, iteration: IterationRecord) -> Iterator[str]:
        """In short, the calls of an iteration; the reply where no candidate was found in it."""
        calls = self.log.of(iteration.number)
        if self.in_full or not calls:
            return
        self._told += calls
        yield "[calls]"
        yield from (f"  {line}" for line in _short(calls))
        last = next((call.reply for call in reversed(calls) if call.role == "proposer" and call.reply), None)
        if last and last.text and iteration.attempt.candidate is None:
            yield "[reply]"
            yield from (f"  {line}" for line in last.text.splitlines())

    def aside(self) -> Iterator[str]:
        """The calls that led to no iteration."""
        left = [call for call in self.log if all(call is not one for one in self._told)]
        if left:
            yield "\n--- calls that led to no iteration ---"
        if self.in_full:
            yield from ("\n".join(self._text(call)) for call in left)
        else:
            yield from _short(left)

    def _text(self, call: CallRecord) -> Iterator[str]:
        yield from call_text(call, self._latest.get(call.node))
        self._latest[call.node] = call
        self._told.append(call)


def _short(calls: Sequence[CallRecord]) -> Iterator[str]:
    """A line for each call; where there are many, one for all calls of a role to a model."""
    if len(calls) <= _MANY:
        yield from map(call_line, calls)
        return
    groups: dict[tuple[str, str], list[CallRecord]] = {}
    for call in calls:
        groups.setdefault((call.role, call.request.model), []).append(call)
    for (role, model), own in groups.items():
        yield ", ".join([f"{role} asks {model} {len(own)} times", *_sums(own)])


def _sums(calls: Sequence[CallRecord]) -> Iterator[str]:
    replies = [call.reply for call in calls if call.reply is not None]
    yield f"{sum(reply.usage.input for reply in replies)} in"
    yield f"{sum(reply.usage.output for reply in replies)} out"
    costs = [reply.cost_usd for reply in replies if reply.cost_usd is not None]
    if costs:
        yield f"${sum(costs):.4f}"
    yield f"{sum(call.finished.seconds for call in calls if call.finished):.1f} s in all calls together"
    remarks = Counter(remark for call in calls for remark in _remarks(call))
    yield from (f"{number} {remark}" for remark, number in remarks.items())


def call_line(call: CallRecord) -> str:
    """A call in one line: who asked whom, what it took, and what to know before trusting it."""
    return ", ".join([f"{call.role} asks {call.request.model}", *_facts(call), *_remarks(call)])


def call_text(call: CallRecord, before: CallRecord | None) -> Iterator[str]:
    """A call with its prompt, reasoning and reply.

    Args:
        call: The call.
        before: The last call of the same node; what its prompt shares is not written again.
    """
    yield f"[{call_line(call)}]"
    earlier = before.request.messages if before else ()
    for place, message in enumerate(call.request.messages):
        same = earlier[place] if place < len(earlier) and earlier[place].role == message.role else None
        yield from _part(f"{message.role}:", _changes(message, same))
        yield from _tools(message)
    for failed in call.failures:
        yield from _part(f"try {failed.attempt or 1} failed:", failed.message.splitlines())
        yield from _part("had arrived:", failed.partial.splitlines())
    if call.reply is not None:
        yield from _part("reasoning:", call.reply.reasoning.splitlines())
        yield from _part("reply:", call.reply.text.splitlines())
        yield from _tools(call.reply.message)


def call_as_json(call: CallRecord) -> dict[str, Any]:
    """A call as plain data."""
    return {
        "role": call.role,
        "iteration": call.iteration,
        "node": call.node,
        "time": call.time,
        "request": call.request.model_dump(mode="json", exclude_defaults=True),
        "reply": call.reply.model_dump(mode="json") if call.reply else None,
        "seconds": call.finished.seconds if call.finished else None,
        "failures": [failed.model_dump(mode="json") for failed in call.failures],
    }


def _facts(call: CallRecord) -> Iterator[str]:
    reply, ended = call.reply, call.finished
    if reply is not None:
        usage = reply.usage
        yield f"{usage.input} in"
        if usage.cache_read or usage.cache_write:
            yield f"{usage.cache_read} read from and {usage.cache_write} written to the cache"
        yield f"{usage.output} out"
        if reply.cost_usd is not None:
            yield f"${reply.cost_usd:.4f}"
    if ended is not None:
        yield f"{ended.seconds:.1f} s"


def _remarks(call: CallRecord) -> Iterator[str]:
    reply, ended = call.reply, call.finished
    if reply is None:
        yield "no answer recorded" if ended is None else "failed"
        return
    if reply.finish == "length":
        yield "cut at the token limit"
    if reply.finish == "refusal":
        yield "refused by the provider"
    if reply.left_out:
        yield f"drawn without {' and '.join(reply.left_out)}"
    if not reply.usage_reported:
        yield "tokens at most"
    if ended is not None and ended.cached:
        yield "from the response cache"
    if call.failures:
        yield f"after {len(call.failures)} failed {'try' if len(call.failures) == 1 else 'tries'}"


def _part(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"  {title}"
        yield from (f"    {line}" for line in lines)


def _tools(message: Message) -> Iterator[str]:
    for call in message.tool_calls:
        yield from _part(f"calls {call.name}:", call.arguments.splitlines() or ["{}"])


def _changes(message: Message, before: Message | None) -> list[str]:
    """The lines of a message; what it begins and ends with as the one before did is only counted."""
    lines = message.content.splitlines()
    if before is None:
        return lines
    old = before.content.splitlines()
    if lines == old:
        return ["(as in the call before)"]
    head = _shared(lines, old)
    tail = min(_shared(lines[::-1], old[::-1]), len(lines) - head, len(old) - head)
    end = len(lines) - tail
    return [*_counted(lines[:head]), *lines[head:end], *_counted(lines[end:])]


def _shared(lines: Sequence[str], others: Sequence[str]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(lines, others, strict=False)))


def _counted(lines: list[str]) -> list[str]:
    return lines if len(lines) < _AGAIN else [f"({len(lines)} lines as in the call before)"]
