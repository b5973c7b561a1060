"""Interactions from elsewhere: plain data and LangGraph streams."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from loopwright.drift._observation import Interaction, ToolCall
from loopwright.errors import UserError

_OBSERVATION: TypeAdapter[Interaction] = TypeAdapter(Interaction)


def from_mapping(record: Mapping[str, Any]) -> Interaction:
    """Reads an interaction from plain data whose keys are the fields of `Interaction`.

    Raises:
        UserError: A key is none of them, or a value of the wrong kind; the message names it.
    """
    _refuse_others(record, Interaction, "an interaction")
    tools = record.get("tools")
    for tool in tools if isinstance(tools, list | tuple) else ():
        if isinstance(tool, Mapping):
            _refuse_others(tool, ToolCall, "a tool call of an interaction")
    try:
        return _OBSERVATION.validate_python({str(name): value for name, value in record.items()})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UserError(
            f"an interaction's {place} is {first['input']!r:.80}: {first['msg']}",
            remedy="See `loopwright.drift.Interaction` for what each field holds; leave out what is not known.",
        ) from None


def _refuse_others(record: Mapping[str, Any], kind: type[Interaction | ToolCall], what: str) -> None:
    """What is misspelt would else be a channel that nobody watches."""
    fields = kind.__dataclass_fields__
    others = [str(name) for name in record if name not in fields]
    if others:
        raise UserError(f"{what} has no field {others[0]!r}", remedy=f"There are: {', '.join(fields)}.")


def from_updates(
    updates: Iterable[Mapping[str, Any] | tuple[object, ...]], *, id: str = "", task: str = "", agent: str = ""
) -> Interaction:
    """Reads one invocation of a LangGraph graph from its stream of `updates`.

    An answer of a model is a message of the interaction, its tool calls the tools; the first tool message whose status
    is `error` is its error, and an interrupt an override.

    Args:
        updates: What `graph.stream(..., stream_mode="updates")` yields: node to what it changed; with
            `subgraphs=True` after the subgraph's name.
        id: Of the interaction.
        task: Kind of task.
        agent: Who acted.
    """
    steps: list[str] = []
    tools: list[ToolCall] = []
    output, error, replies, interrupted = "", "", 0, False
    for update in updates:
        changes = update[-1] if isinstance(update, tuple) else update
        for node, change in _mapping(changes).items():
            if node == "__interrupt__":
                interrupted = True
                continue
            steps.append(str(node))
            for message in _messages(change):
                kind = _of(message, "type") or _of(message, "role")
                if kind == "tool" and _of(message, "status") == "error":
                    error = error or _text(_of(message, "content")) or "error"
                if kind not in {"ai", "assistant", "AIMessageChunk"}:
                    continue
                replies += 1
                output = _text(_of(message, "content")) or output
                tools += [
                    ToolCall(str(_of(call, "name") or ""), _mapping(_of(call, "args")))
                    for call in _of(message, "tool_calls") or ()
                ]
    return Interaction(
        id=id,
        task=task,
        agent=agent,
        output=output,
        steps=tuple(steps),
        tools=tuple(tools),
        messages=replies or None,
        length=len(output) or None,
        error=error,
        override=interrupted,
    )


def _messages(change: object) -> Iterable[object]:
    found = _mapping(change).get("messages", ())
    return found if isinstance(found, list | tuple) else (found,)


def _text(content: object) -> str:
    """The text of a message: a string, or the text blocks of a list."""
    if isinstance(content, list):
        return "".join(block if isinstance(block, str) else str(_mapping(block).get("text", "")) for block in content)
    return str(content or "")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _of(message: object, name: str) -> Any:
    return message.get(name) if isinstance(message, Mapping) else getattr(message, name, None)
