"""What the APIs of Anthropic and Google have in common: chat messages as turns, effort as a budget."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

BUDGETS: Mapping[str, int] = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576}
"""Effort to tokens of thought, for models that know no effort (ai.google.dev, OpenAI compatibility, thinking)."""

_EMPTY = {"type": "text", "text": "(empty)"}
"""Stands for a message without text, which both APIs refuse."""


NATIVE = "native_parts"
"""Where a message that calls tools holds the parts of its reply as they came, with the signatures of thoughts."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side says.

    Attributes:
        by_model: Whether the model says it.
        parts: At least one; no text is empty. Each is a part of a chat message, or of the type `call`, `result` or
            `native`.
    """

    by_model: bool
    parts: list[Mapping[str, Any]]


def to_turns(messages: Iterable[Mapping[str, Any]]) -> tuple[str, list[Turn]]:
    """The system prompt, and turns of user and model that alternate and begin with the user's.

    Args:
        messages: Chat messages. A system message after the first turn is said by the user.
    """
    system: list[str] = []
    turns: list[Turn] = []
    called: dict[str, str] = {}
    for message in messages:
        parts = _parts(message, called)
        if message["role"] == "system" and not turns:
            system += [part["text"] for part in parts if "text" in part]
            continue
        by_model = message["role"] == "assistant"
        if not turns and by_model:
            turns.append(Turn(False, [_EMPTY]))
        if not turns or turns[-1].by_model != by_model:
            turns.append(Turn(by_model, []))
        turns[-1].parts.extend(parts or [_EMPTY])
    return "\n\n".join(system), turns or [Turn(False, [_EMPTY])]


def picture(part: Mapping[str, Any]) -> tuple[str, str]:
    """The media type of an image in a chat message, and its bytes in base64."""
    head, _, data = part["image_url"]["url"].partition(";base64,")
    return head.removeprefix("data:"), data


def arguments(text: object) -> Mapping[str, Any]:
    """The arguments of a call; none where they are no JSON object, as both APIs take nothing else."""
    try:
        value = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {}


def _parts(message: Mapping[str, Any], called: dict[str, str]) -> list[Mapping[str, Any]]:
    """The parts of a message.

    Args:
        message: A chat message.
        called: The names of the tools that were called, by the ids of the calls.
    """
    for call in message.get("tool_calls", ()):
        called[call["id"]] = call["function"]["name"]
    if NATIVE in message:
        return [{"type": "native", "part": part} for part in message[NATIVE]]
    content = message["content"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if id_ := message.get("tool_call_id"):
        text = "".join(part.get("text", "") for part in parts)
        rest = [part for part in parts if part["type"] != "text"]
        return [{"type": "result", "id": id_, "name": called.get(id_, ""), "result": text}, *rest]
    calls = [
        {"type": "call", "id": call["id"], "name": call["function"]["name"], "input": call["function"]["arguments"]}
        for call in message.get("tool_calls", ())
    ]
    return [*(part for part in parts if "text" not in part or part["text"].strip()), *calls]
