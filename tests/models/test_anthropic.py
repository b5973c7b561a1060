"""Claude's API: what is sent and read, whole and in pieces (tests/models/claude.py names the sources)."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.errors import ModelQuotaSpent, ModelRateLimited, ModelRejected, ModelUnauthorized, ModelUnavailable
from loopwright.models import Endpoint, FunctionCall, Message, ModelOptions, Reply, Request, Tool, Usage, open_model
from loopwright.models.chat._anthropic import AnthropicMessages
from tests.models import claude
from tests.models.provider import Answer, Provider, Received, hang
from tests.models.support import ask

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}
KEY = "sk-ant-key-of-the-test"
HELLO = claude.message(claude.text("hello"))


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)


def asked(request: Request, *answers: Answer, artifact: Any = None, **settings: Any) -> tuple[Reply, list[Received]]:
    async def go() -> tuple[Reply, list[Received]]:
        async with Provider(*answers) as provider:
            endpoint = Endpoint.model_validate(
                {
                    "base_url": provider.base_url,
                    "api": "anthropic",
                    "api_key_env": "ANTHROPIC_API_KEY",
                    "timeout": 20,
                    **settings,
                }
            )
            options = ModelOptions(endpoints={"anthropic": endpoint}, artifact=artifact)
            model = open_model("anthropic/the-model", options=options)
            try:
                return await model.complete(request), provider.requests
            finally:
                await model.close()

    return asyncio.run(go())


def said(*messages: tuple[str, str]) -> Request:
    return Request(model="anthropic/the-model", messages=tuple(Message(role=r, content=c) for r, c in messages))


def test_what_is_sent_and_what_the_api_does_not_know_is_told() -> None:
    request = Request(
        model="anthropic/the-model",
        messages=(Message(role="system", content="Be short."), Message(role="user", content="Hi")),
        sampling={"temperature": 0.5, "top_p": 0.9, "max_tokens": 7000, "seed": 3, "stop": ("END",)},
    )
    reply, (received,) = asked(request, claude.whole(HELLO))
    assert received.path == "/v1/messages"
    assert received.headers["x-api-key"] == KEY
    assert received.headers["anthropic-version"] == "2023-06-01"
    assert "authorization" not in received.headers
    assert received.body == {
        "model": "the-model",
        "system": "Be short.",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        "max_tokens": 7000,
        "temperature": 0.5,
        "top_p": 0.9,
        "stop_sequences": ["END"],
        "stream": True,
    }
    assert reply.left_out == ("seed",)


def test_a_limit_is_always_sent_and_a_key_only_where_there_is_one() -> None:
    _, (received,) = asked(ask(), claude.whole(HELLO), api_key_env=None)
    assert received.body["max_tokens"] == 16_000
    assert "x-api-key" not in received.headers


@pytest.mark.parametrize("answer", [claude.whole, claude.in_pieces])
def test_text_thoughts_and_usage_are_read(answer: Any) -> None:
    told = claude.message(claude.thinking("Say it."), claude.text("hel\u2028lo"), claude.text(" there"))
    reply, _ = asked(ask(), answer(told))
    assert (reply.text, reply.reasoning) == ("hel\u2028lo there", "Say it.")
    assert (reply.finish, reply.model) == ("stop", "the-model-20260901")
    assert (reply.usage, reply.usage_reported) == (Usage(input=10, cache_read=6, cache_write=3, output=4), True)


@pytest.mark.parametrize("usage", [{}, {"input_tokens": 10}, {"input_tokens": 0, "output_tokens": 0}])
@pytest.mark.parametrize("answer", [claude.whole, claude.in_pieces])
def test_usage_that_cannot_be_is_no_usage(answer: Any, usage: dict[str, int]) -> None:
    told = claude.message(claude.text("hello"), usage=usage)
    if answer is claude.in_pieces and "output_tokens" not in usage:
        answer = claude.whole  # a stream always counts
    reply, _ = asked(ask(), answer(told))
    assert (reply.usage, reply.usage_reported) == (Usage(), False)


@pytest.mark.parametrize(
    ("stop", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("pause_turn", "other"),
        (["end_turn"], "other"),
    ],
)
def test_why_a_reply_ended(stop: Any, finish: str) -> None:
    assert asked(ask(), claude.in_pieces(claude.message(claude.text("hel"), stop=stop)))[0].finish == finish


@pytest.mark.parametrize("answer", [claude.whole, claude.in_pieces])
def test_a_refusal_is_one(answer: Any) -> None:
    details = {"type": "refusal", "category": "bio", "explanation": "It could do harm."}
    reply, _ = asked(ask(), answer(claude.message(stop="refusal", stop_details=details)))
    assert (reply.text, reply.finish) == ("It could do harm.", "refusal")


def test_a_reply_cut_while_thinking_keeps_its_thoughts_and_cost() -> None:
    reply, _ = asked(ask(), claude.in_pieces(claude.message(claude.thinking("Let me"), stop="max_tokens")))
    assert (reply.text, reply.reasoning, reply.finish, reply.usage.output) == ("", "Let me", "length", 4)


def test_turns_alternate_and_none_is_empty() -> None:
    request = said(
        ("system", "One."),
        ("system", "Two."),
        ("user", "a"),
        ("user", "b"),
        ("assistant", " "),
        ("system", "c"),
        ("user", ""),
    )
    _, (received,) = asked(request, claude.whole(HELLO))
    assert received.body["system"] == "One.\n\nTwo."
    assert [(turn["role"], [block["text"] for block in turn["content"]]) for turn in received.body["messages"]] == [
        ("user", ["a", "b"]),
        ("assistant", ["(empty)"]),
        ("user", ["c", "(empty)"]),
    ]


@given(st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), st.sampled_from(["", " ", "a"]))))
def test_any_messages_become_turns_that_the_api_takes(messages: list[tuple[str, str]]) -> None:
    from loopwright.models.chat._turns import to_turns

    _, turns = to_turns({"role": role, "content": content} for role, content in messages)
    assert [turn.by_model for turn in turns] == [bool(number % 2) for number in range(len(turns))]
    assert turns
    assert all(part["text"].strip() for turn in turns for part in turn.parts)
    assert all(turn.parts for turn in turns)


def test_pictures_are_sent() -> None:
    png = b"\x89PNG\r\n\x1a\n1234"

    async def artifact(reference: str) -> bytes:
        return png

    request = Request(
        model="anthropic/the-model", messages=(Message(role="user", content="What is it?", images=("a" * 64,)),)
    )
    _, (received,) = asked(request, claude.whole(HELLO), artifact=artifact)
    assert received.body["messages"][0]["content"] == [
        {"type": "text", "text": "What is it?"},
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": base64.b64encode(png).decode()},
        },
    ]


def test_a_schema_is_sent_as_far_as_the_api_takes_it() -> None:
    request = ask().model_copy(update={"json_schema": SCHEMA})
    reply, (received,) = asked(request, claude.whole(claude.message(claude.text('{"n": 1}'))))
    assert received.body["output_config"]["format"] == {
        "type": "json_schema",
        "schema": {
            "type": "object",
            "properties": {"n": {"type": "integer", "description": '{"minimum": 1}'}},
            "required": ["n"],
            "additionalProperties": False,
        },
    }
    assert reply.text == '{"n": 1}'


@pytest.mark.parametrize("first", [claude.NO_SCHEMA, None])
def test_a_schema_that_is_refused_or_cannot_be_sent_goes_into_the_prompt(first: Answer | None) -> None:
    any_fields = {"type": "object", "additionalProperties": {"type": "number"}}
    schema = SCHEMA if first else any_fields
    answers = [*([first] if first else []), claude.whole(claude.message(claude.text('{"n": 2}')))]
    reply, received = asked(ask().model_copy(update={"json_schema": schema}), *answers)
    assert len(received) == len(answers)
    assert "output_config" not in received[-1].body
    assert json.dumps(schema) in received[-1].body["messages"][-1]["content"][-1]["text"]
    assert reply.text == '{"n": 2}'


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": [1]},
        {"type": "object", "properties": {"a": 5}},
        {"$defs": 5, "type": "string"},
        {"anyOf": 5},
        {"anyOf": {"a": {"type": "string"}}},
        {"items": 5, "type": "array"},
        {"type": "string", "description": 5},
    ],
)
def test_what_a_program_sends_in_place_of_a_schema_goes_into_the_prompt(schema: dict[str, Any]) -> None:
    reply, received = asked(ask().model_copy(update={"json_schema": schema}), claude.streamed(*claude.pieces_of(HELLO)))
    assert reply.text
    assert "output_config" not in received[-1].body
    assert json.dumps(schema) in received[-1].body["messages"][-1]["content"][-1]["text"]


def test_effort_is_sent_and_thoughts_are_asked_for() -> None:
    _, (received,) = asked(ask(reasoning_effort="xhigh"), claude.whole(HELLO))
    assert received.body["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert received.body["output_config"] == {"effort": "xhigh"}


def test_no_effort_turns_thinking_off() -> None:
    _, (received,) = asked(ask(reasoning_effort="none"), claude.whole(HELLO))
    assert received.body["thinking"] == {"type": "disabled"}
    assert "output_config" not in received.body


def test_older_models_get_a_budget_within_the_limit() -> None:
    request = ask(reasoning_effort="high", max_tokens=4000)
    reply, received = asked(request, claude.NO_EFFORT, claude.whole(HELLO))
    assert received[1].body["thinking"] == {"type": "enabled", "budget_tokens": 3000}
    assert "output_config" not in received[1].body
    assert reply.left_out == ()


def test_models_that_do_not_think_say_so_once_for_each_form() -> None:
    reply, received = asked(ask(reasoning_effort="low"), claude.NO_EFFORT, claude.NO_BUDGET, claude.whole(HELLO))
    assert "thinking" not in received[2].body
    assert reply.left_out == ("reasoning_effort",)


@pytest.mark.parametrize(
    ("refusal", "kept", "left_out"),
    [
        (claude.NO_TEMPERATURE, {"top_p": 0.9}, ("temperature",)),
        (claude.NOT_BOTH, {"temperature": 0.5}, ("top_p",)),
    ],
)
def test_refused_parameters_are_left_out(refusal: Answer, kept: dict[str, float], left_out: tuple[str, ...]) -> None:
    reply, received = asked(ask(temperature=0.5, top_p=0.9), refusal, claude.whole(HELLO))
    assert {name: received[1].body[name] for name in ("temperature", "top_p") if name in received[1].body} == kept
    assert reply.left_out == left_out


def test_a_limit_that_is_too_large_is_lowered() -> None:
    _, received = asked(ask(max_tokens=99_999), claude.TOO_LONG, claude.whole(HELLO))
    assert received[1].body["max_tokens"] == 8192


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (claude.RATE_LIMIT, ModelRateLimited),
        (claude.OVERLOADED, ModelRateLimited),
        (claude.streamed(*claude.pieces_of(HELLO)[:4], claude.OVERLOADED_IN_STREAM), ModelRateLimited),
        (claude.error(500, "api_error", "Internal server error"), ModelUnavailable),
        (claude.error(504, "timeout_error", "Request timed out"), ModelUnavailable),
        (claude.error(401, "authentication_error", f"invalid x-api-key {KEY}"), ModelUnauthorized),
        (claude.error(402, "billing_error", "no credit"), ModelQuotaSpent),
        (claude.refused("Your credit balance is too low to access the Anthropic API."), ModelQuotaSpent),
        (claude.refused("prompt is too long: 210000 tokens > 200000 maximum"), ModelRejected),
        (claude.whole({"type": "message"}), ModelUnavailable),
    ],
)
def test_failures_are_told_apart_and_hold_no_key(answer: Answer, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        asked(ask(), answer)
    assert type(caught.value) is error
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_rate_limit_says_when_to_come_back() -> None:
    with pytest.raises(ModelRateLimited) as caught:
        asked(ask(), claude.RATE_LIMIT)
    assert caught.value.retry_after == 7


@pytest.mark.parametrize("then", ["keep", "reset", "hang"])
def test_what_arrived_of_a_reply_that_broke_off_is_kept(then: str) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        asked(ask(), claude.streamed(*claude.pieces_of(HELLO)[:4], then=then), timeout=1.5)
    assert caught.value.partial == "he"


def test_silence_is_given_up() -> None:
    with pytest.raises(ModelUnavailable, match="no reply within"):
        asked(ask(), hang, timeout=0.3)


def test_a_server_that_is_not_there_is_told_with_its_address() -> None:
    async def go() -> None:
        endpoint = Endpoint(base_url="http://127.0.0.1:9/v1", api="anthropic")
        model = open_model("mine/the-model", options=ModelOptions(endpoints={"mine": endpoint}))
        try:
            await model.complete(ask())
        finally:
            await model.close()

    with pytest.raises(ModelUnavailable, match=r"127\.0\.0\.1:9"):
        asyncio.run(go())


def test_own_fields_and_headers_come_before_those_of_the_client() -> None:
    own = {"cache_control": {"type": "ephemeral"}, "thinking": {"type": "disabled"}}
    headers = {"anthropic-beta": "some-2026-01-01"}
    _, (received,) = asked(ask(reasoning_effort="low"), claude.whole(HELLO), body=own, headers=headers)
    assert received.body["cache_control"] == {"type": "ephemeral"}
    assert received.body["thinking"] == {"type": "disabled"}
    assert received.headers["anthropic-beta"] == "some-2026-01-01"


LOOK = Tool(name="look", description="Looks something up.", parameters={"type": "object", "properties": {}})


@pytest.mark.parametrize("answer", [claude.whole, claude.in_pieces])
def test_tools_are_offered_and_their_calls_and_results_go_back(answer: Any) -> None:
    told = claude.message(
        claude.thinking("Look."),
        claude.tool_use("toolu_1", "look", at="é"),
        claude.tool_use("toolu_2", "look"),
        stop="tool_use",
    )
    request = ask().model_copy(update={"tools": (LOOK,), "tool_choice": "required"})
    first, (received,) = asked(request, answer(told))
    assert received.body["tools"] == [
        {"name": "look", "description": "Looks something up.", "input_schema": LOOK.parameters}
    ]
    assert received.body["tool_choice"] == {"type": "any"}
    assert [(call.id, call.name, call.parsed) for call in first.tool_calls] == [
        ("toolu_1", "look", {"at": "é"}),
        ("toolu_2", "look", {}),
    ]
    results = [
        Message(role="tool", content=c, call_id=call.id) for c, call in zip(("1", ""), first.tool_calls, strict=True)
    ]
    following = request.model_copy(update={"messages": (*request.messages, first.message, *results)})
    _, (received,) = asked(following, claude.whole(HELLO))
    assert received.body["messages"][1:] == [
        {"role": "assistant", "content": told["content"]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "1"},
                {"type": "tool_result", "tool_use_id": "toolu_2", "content": "(empty)"},
            ],
        },
    ]


def test_calls_without_their_signatures_go_back_as_well() -> None:
    call = FunctionCall(id="1", name="look", arguments="{broken")
    messages = (
        Message(role="user", content="Hi"),
        Message(role="assistant", content="Well.", tool_calls=(call,)),
        Message(role="tool", content="no", call_id="1"),
    )
    _, (received,) = asked(Request(model="anthropic/the-model", messages=messages), claude.whole(HELLO))
    assert received.body["messages"][1]["content"] == [
        {"type": "text", "text": "Well."},
        {"type": "tool_use", "id": "1", "name": "look", "input": {}},
    ]


def test_a_call_that_was_cut_is_kept_as_it_came() -> None:
    pieces = claude.pieces_of(claude.message(claude.tool_use("1", "look", at="there"), stop="max_tokens"))
    cut = [piece for piece in pieces if piece["type"] != "content_block_stop"]
    del cut[5:-2]
    request = ask().model_copy(update={"tools": (LOOK,)})
    reply, _ = asked(request, claude.streamed(*cut))
    assert reply.finish == "length"
    assert reply.tool_calls[0].arguments == '{"at'
    with pytest.raises(ValueError, match="not JSON"):
        _ = reply.tool_calls[0].parsed


@pytest.mark.parametrize("odd", [True, 1, [], {}])
def test_a_block_that_begins_with_no_text_is_what_its_pieces_say(odd: object) -> None:
    stream = AnthropicMessages().stream()
    for event in (
        {"type": "message_start", "message": {"usage": {"input_tokens": 1, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": odd}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hello"}},
        {"type": "message_stop"},
    ):
        stream.add(json.dumps(event))
    assert stream.text == "hello"
