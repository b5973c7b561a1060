"""Prompts and replies of an episode for the report: lines that they share are in the page once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from loopwright.record import CallRecord
from loopwright.report._format import cut
from loopwright.store import Failed
from loopwright.types import FunctionCall, Message


@dataclass(slots=True)
class SharedLines:
    """Texts as places of their lines, each line held once: a prompt repeats most of what was said before it."""

    lines: list[str] = field(default_factory=list)
    _places: dict[str, int] = field(default_factory=dict)

    def add(self, text: str) -> list[int]:
        """Where the lines of a text are, as place and number of lines by turns."""
        runs: list[int] = []
        for line in cut(text).split("\n"):
            place = self._places.setdefault(line, len(self.lines))
            if place == len(self.lines):
                self.lines.append(line)
            if runs and runs[-2] + runs[-1] == place:
                runs[-1] += 1
            else:
                runs += [place, 1]
        return runs


def transcript(calls: Iterable[CallRecord], texts: SharedLines) -> list[dict[str, Any]]:
    """Calls as the page shows them, their texts as places in `texts`."""
    return [_call(call, texts) for call in calls]


def _call(call: CallRecord, texts: SharedLines) -> dict[str, Any]:
    request, ended = call.request, call.finished
    return {
        "node": call.node,
        "role": call.role,
        "model": request.model,
        "sampling": request.sampling.model_dump(mode="json", exclude_defaults=True),
        "tools": [tool.name for tool in request.tools],
        "messages": [_message(message, texts) for message in request.messages],
        "reply": _reply(call, texts),
        "seconds": ended.seconds if ended else None,
        "cached": bool(ended and ended.cached),
        "failures": [_failure(failed) for failed in call.failures],
    }


def _message(message: Message, texts: SharedLines) -> dict[str, Any]:
    return {
        "role": message.role,
        "text": texts.add(message.content),
        "images": message.images,
        "calls": [_tool_call(call, texts) for call in message.tool_calls],
    }


def _tool_call(call: FunctionCall, texts: SharedLines) -> dict[str, Any]:
    return {"name": call.name, "arguments": texts.add(call.arguments)}


def _reply(call: CallRecord, texts: SharedLines) -> dict[str, Any] | None:
    reply = call.reply
    if reply is None:
        return None
    return {
        "model": reply.model,
        "text": texts.add(reply.text),
        "reasoning": texts.add(reply.reasoning) if reply.reasoning else None,
        "calls": [_tool_call(call, texts) for call in reply.tool_calls],
        "finish": reply.finish,
        "usage": reply.usage.model_dump(),
        "reported": reply.usage_reported,
        "left_out": reply.left_out,
        "cost": str(reply.cost_usd) if reply.cost_usd is not None else None,
    }


def _failure(failed: Failed) -> dict[str, Any]:
    return {
        "error": failed.error,
        "cause": failed.cause,
        "message": cut(failed.message),
        "retried": failed.retried,
        "attempt": failed.attempt,
        "partial": cut(failed.partial),
    }
