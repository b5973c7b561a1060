"""Interactions from OpenTelemetry spans that follow the GenAI conventions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from loopwright.drift._observation import Interaction, ToolCall


def from_spans(spans: Iterable[Mapping[str, Any]]) -> Iterator[Interaction]:
    """Reads OpenTelemetry spans that follow the GenAI conventions; spans of one trace are one interaction.

    Model calls are its messages and their output tokens its length, the last text of `gen_ai.output.messages` its
    output, `execute_tool` spans its tools, the first `error.type` its error, and `gen_ai.evaluation.score.label` of
    `pass` or `fail` whether it was correct. The kind of task is `gen_ai.task.name`, which is no convention, or the name
    of the trace's first span.

    Args:
        spans: Those of a trace together, as plain data: as exported by the SDK's `to_json`, as in OTLP's JSON
            (`traceId`, `attributes` as a list), or with `trace_id`, `name`, `start_time` and `attributes`.
    """
    trace: list[_Span] = []
    for span in map(_Span.of, spans):
        if trace and span.trace != trace[0].trace:
            yield _of_trace(trace)
            trace = []
        trace.append(span)
    if trace:
        yield _of_trace(trace)


@dataclass(frozen=True, slots=True)
class _Span:
    trace: str
    name: str
    start: str
    attributes: Mapping[str, Any]

    @classmethod
    def of(cls, span: Mapping[str, Any]) -> _Span:
        found = span.get("attributes")
        start = span.get("start_time") or span.get("startTimeUnixNano") or ""
        return cls(
            trace=str(
                span.get("trace_id") or span.get("traceId") or _mapping(span.get("context")).get("trace_id") or ""
            ),
            name=str(span.get("name", "")),
            # Numbers of nanoseconds have to sort as numbers.
            start=f"{_number(start):020d}" if _number(start) >= 0 else str(start),
            attributes=_pairs(found) if isinstance(found, list) else _mapping(found),
        )

    @property
    def operation(self) -> str:
        return str(self.attributes.get("gen_ai.operation.name") or self.name)


def _of_trace(trace: list[_Span]) -> Interaction:
    ordered = sorted(trace, key=lambda span: span.start)

    def first(name: str) -> str:
        return next((str(span.attributes[name]) for span in ordered if span.attributes.get(name)), "")

    tokens = [number for span in ordered if (number := _number(span.attributes.get("gen_ai.usage.output_tokens"))) >= 0]
    label = first("gen_ai.evaluation.score.label").lower()
    outputs = [text for span in ordered if (text := _said(span.attributes.get("gen_ai.output.messages")))]
    return Interaction(
        id=ordered[0].trace,
        time=ordered[0].start,
        task=first("gen_ai.task.name") or ordered[0].name,
        agent=first("gen_ai.agent.name"),
        output=outputs[-1] if outputs else "",
        steps=tuple(span.operation for span in ordered),
        correct={"pass": True, "fail": False}.get(label),
        tools=tuple(
            ToolCall(
                str(span.attributes["gen_ai.tool.name"]), _decoded(span.attributes.get("gen_ai.tool.call.arguments"))
            )
            for span in ordered
            if span.attributes.get("gen_ai.tool.name")
        ),
        messages=sum(span.operation in _CALLS for span in ordered) or None,
        length=sum(tokens) if tokens else None,
        error=first("error.type"),
    )


_CALLS = frozenset({"chat", "generate_content", "text_completion"})


def _said(messages: object) -> str:
    """The text of the last message, given as a list or as its JSON."""
    found = _loaded(messages)
    last = _mapping(found[-1]) if isinstance(found, list) and found else {}
    parts = last.get("parts")
    texts = [str(_mapping(part).get("content") or "") for part in parts] if isinstance(parts, list) else []
    return "".join(texts)


def _decoded(arguments: object) -> Mapping[str, Any]:
    return _mapping(_loaded(arguments))


def _loaded(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def _pairs(attributes: list[Any]) -> dict[str, Any]:
    """OTLP's list of keys with typed values."""
    found: dict[str, Any] = {}
    for pair in map(_mapping, attributes):
        for kind, value in _mapping(pair.get("value")).items():
            found[str(pair.get("key"))] = _number(value) if kind == "intValue" else value
    return found


_WHOLE = re.compile(r"\d{1,20}")


def _number(value: object) -> int:
    """A whole number of 64 bits, which OTLP writes as text; -1 for anything else."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**64 else -1


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
