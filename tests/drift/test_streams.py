"""Spans and streams as their libraries write them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import interrupt

from loopwright.drift import Baseline, Channel, Monitor, ToolCall, from_spans, from_updates

OUTPUT = [{"role": "assistant", "parts": [{"type": "text", "content": "42 rows"}], "finish_reason": "stop"}]


def _sdk(trace: str, name: str, start: str, attributes: Mapping[str, object]) -> dict[str, Any]:
    """As the Python SDK's `ReadableSpan.to_json` writes it."""
    return {
        "name": name,
        "context": {"trace_id": trace, "span_id": "0x1", "trace_state": "[]"},
        "kind": "SpanKind.CLIENT",
        "start_time": f"2026-01-05T10:00:0{start}.000000Z",
        "status": {"status_code": "UNSET"},
        "attributes": attributes,
    }


def _otlp(trace: str, name: str, start: int, attributes: Mapping[str, object]) -> dict[str, Any]:
    """As OTLP's JSON has it."""
    kinds = {str: "stringValue", int: "intValue", float: "doubleValue"}
    return {
        "traceId": trace,
        "spanId": "eee19b7ec3c1b174",
        "name": name,
        "kind": 3,
        "startTimeUnixNano": str(start),
        "attributes": [
            {"key": key, "value": {kinds[type(value)]: str(value) if isinstance(value, int) else value}}
            for key, value in attributes.items()
        ],
    }


AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "analyst"}
CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 310,
    "gen_ai.usage.output_tokens": 24,
    "gen_ai.output.messages": json.dumps(OUTPUT),
}
TOOL = {
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "sql",
    "gen_ai.tool.call.id": "call_1",
    "gen_ai.tool.call.arguments": '{"table": "orders", "limit": 10}',
    "error.type": "timeout",
}


@pytest.mark.parametrize("write", [_sdk, _otlp])
def test_spans_are_read_as_the_sdk_and_as_otlp_write_them(write: Any) -> None:
    spans = [
        write("a1", "chat gpt-4o", 3, CHAT),
        write("a1", "invoke_agent analyst", 1, AGENT),
        write("a1", "execute_tool sql", 2, TOOL),
        write("b2", "chat gpt-4o", 9, {**CHAT, "gen_ai.evaluation.score.label": "fail"}),
    ]
    first, second = from_spans(spans)
    assert (first.id, first.agent, first.task) == ("a1", "analyst", "invoke_agent analyst")
    assert first.steps == ("invoke_agent", "execute_tool", "chat")
    assert first.tools == (ToolCall("sql", {"table": "orders", "limit": 10}),)
    assert (first.output, first.length, first.messages, first.error) == ("42 rows", 24, 1, "timeout")
    assert first.correct is None
    assert (second.id, second.correct, second.error) == ("b2", False, "")


@pytest.mark.parametrize(
    "attributes",
    [None, [], [1, {"key": "x"}], {"gen_ai.output.messages": "[", "gen_ai.usage.output_tokens": "many"}, "text"],
)
def test_broken_spans_are_interactions_that_say_little(attributes: Any) -> None:
    (one,) = from_spans([{"trace_id": "1", "name": "chat", "attributes": attributes}])
    assert (one.steps, one.output, one.length, one.tools) == (("chat",), "", None, ())


class _State(TypedDict):
    messages: Annotated[list[AnyMessage], add_messages]


def _graph(*, fails: bool = False, asks: bool = False) -> Any:
    def agent(state: _State) -> dict[str, Any]:
        if isinstance(state["messages"][-1], ToolMessage):
            return {"messages": [AIMessage([{"type": "text", "text": "found it"}])]}
        call = {"name": "search", "args": {"q": "drift"}, "id": "1", "type": "tool_call"}
        return {"messages": [AIMessage("", tool_calls=[call])]}

    def tools(state: _State) -> dict[str, Any]:
        if asks:
            interrupt("may I?")
        status = "error" if fails else "success"
        return {"messages": [ToolMessage("no such index" if fails else "r", tool_call_id="1", status=status)]}

    def on(state: _State) -> str:
        last = state["messages"][-1]
        return "tools" if isinstance(last, AIMessage) and last.tool_calls else END

    graph = StateGraph(_State)
    graph.add_node("agent", agent)
    graph.add_node("tools", tools)
    graph.add_edge(START, "agent")
    graph.add_conditional_edges("agent", on, ["tools", END])
    graph.add_edge("tools", "agent")
    from langgraph.checkpoint.memory import InMemorySaver

    return graph.compile(checkpointer=InMemorySaver())


def _stream(graph: Any, **options: Any) -> Any:
    config = {"configurable": {"thread_id": "1"}}
    return graph.stream({"messages": [HumanMessage("find drift")]}, config, stream_mode="updates", **options)


@pytest.mark.parametrize("subgraphs", [False, True])
def test_a_real_graph_is_read_from_its_stream(*, subgraphs: bool) -> None:
    one = from_updates(_stream(_graph(), subgraphs=subgraphs), id="7", task="search")
    assert one.steps == ("agent", "tools", "agent")
    assert one.tools == (ToolCall("search", {"q": "drift"}),)
    assert (one.output, one.messages, one.length, one.error, one.override) == ("found it", 2, 8, "", False)


def test_failed_tools_and_interrupts_of_a_graph_are_seen() -> None:
    assert from_updates(_stream(_graph(fails=True))).error == "no such index"
    asked = from_updates(_stream(_graph(asks=True)))
    assert (asked.override, asked.steps) == (True, ("agent",))


def test_a_session_of_spans_is_watched() -> None:
    def spans(numbers: range, tool: str) -> Any:
        for number in numbers:
            called = {**TOOL, "gen_ai.tool.name": tool if number % 3 else "read", "error.type": ""}
            yield _sdk(f"t{number}", "invoke_agent analyst", "1", AGENT)
            yield _sdk(f"t{number}", "execute_tool", "2", called)
            yield _sdk(f"t{number}", "chat gpt-4o", "3", {**CHAT, "gen_ai.usage.output_tokens": 20 + number % 9})

    monitor = Monitor(Baseline.freeze(list(from_spans(spans(range(300), "sql")))))
    assert [alarm for one in from_spans(spans(range(300, 500), "sql")) for alarm in monitor.observe(one)] == []
    changed = [alarm for one in from_spans(spans(range(500, 700), "shell")) for alarm in monitor.observe(one)]
    assert {alarm.channel for alarm in changed} & {Channel.T_SEL, Channel.T_PARAM}
