"""Interactions from elsewhere: JSON lines, OpenTelemetry GenAI spans, LangGraph streams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from loopwright.drift._observation import Observation, ToolCall
from loopwright.errors import UserError

_OBSERVATION: TypeAdapter[Observation] = TypeAdapter(Observation)


def from_mapping(record: Mapping[str, Any]) -> Observation:
    """Reads an interaction from plain data whose keys are the fields of `Observation`; other keys are ignored.

    Raises:
        UserError: A field is of the wrong kind; the message names it.
    """
    try:
        return _OBSERVATION.validate_python({str(name): value for name, value in record.items()})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UserError(
            f"an interaction's {place} is {first['input']!r:.80}: {first['msg']}",
            remedy="See `loopwright.drift.Observation` for what each field holds; leave out what is not known.",
        ) from None


def from_spans(spans: Iterable[Mapping[str, Any]]) -> Iterator[Observation]:
    """Reads OpenTelemetry spans that follow the GenAI conventions; spans of one trace are one interaction.

    Args:
        spans: As plain data with `trace_id`, `name`, `start_time` and `attributes`, those of a trace together.
    """
    trace: list[Mapping[str, Any]] = []
    for span in spans:
        if trace and span.get("trace_id") != trace[0].get("trace_id"):
            yield _of_trace(trace)
            trace = []
        trace.append(span)
    if trace:
        yield _of_trace(trace)


def _of_trace(trace: list[Mapping[str, Any]]) -> Observation:
    ordered = sorted(trace, key=lambda span: str(span.get("start_time", "")))
    found = [_attributes(span) for span in ordered]
    operations = [
        str(one.get("gen_ai.operation.name", span.get("name", ""))) for one, span in zip(found, ordered, strict=True)
    ]
    tokens = [
        one["gen_ai.usage.output_tokens"] for one in found if isinstance(one.get("gen_ai.usage.output_tokens"), int)
    ]
    agents = [str(one["gen_ai.agent.name"]) for one in found if one.get("gen_ai.agent.name")]
    errors = [str(one["error.type"]) for one in found if one.get("error.type")]
    tools = [
        ToolCall(str(one["gen_ai.tool.name"]), _mapping(one.get("gen_ai.tool.call.arguments")))
        for one in found
        if one.get("gen_ai.tool.name")
    ]
    return Observation(
        id=str(trace[0].get("trace_id", "")),
        time=str(ordered[0].get("start_time", "")),
        task=str(next((one["gen_ai.task.name"] for one in found if one.get("gen_ai.task.name")), "")),
        agent=agents[0] if agents else "",
        steps=tuple(operations),
        tools=tuple(tools),
        messages=sum(operation == "chat" for operation in operations) or None,
        length=sum(tokens) if tokens else None,
        error=errors[0] if errors else "",
    )


def _attributes(span: Mapping[str, Any]) -> Mapping[str, Any]:
    return _mapping(span.get("attributes"))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def from_updates(updates: Iterable[Mapping[str, Any]], *, id: str = "", task: str = "", agent: str = "") -> Observation:
    """Reads one invocation of a LangGraph graph from its stream of `updates`.

    Args:
        updates: What `graph.stream(..., stream_mode="updates")` yields: node to what it changed.
        id: Of the interaction.
        task: Kind of task.
        agent: Who acted.
    """
    steps: list[str] = []
    tools: list[ToolCall] = []
    output, replies = "", 0
    for update in updates:
        for node, change in update.items():
            steps.append(str(node))
            messages = change.get("messages", ()) if isinstance(change, Mapping) else ()
            for message in messages if isinstance(messages, list | tuple) else (messages,):
                if _of(message, "type") not in {"ai", "assistant"} and _of(message, "role") != "assistant":
                    continue
                replies += 1
                output = str(_of(message, "content") or output)
                tools += [
                    ToolCall(str(_of(call, "name") or ""), _mapping(_of(call, "args")))
                    for call in _of(message, "tool_calls") or ()
                ]
    return Observation(
        id=id,
        task=task,
        agent=agent,
        output=output,
        steps=tuple(steps),
        tools=tuple(tools),
        messages=replies or None,
        length=len(output) or None,
    )


def _of(message: object, name: str) -> Any:
    return message.get(name) if isinstance(message, Mapping) else getattr(message, name, None)
