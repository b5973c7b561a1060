"""The Responses API: what is sent and read, whole and in pieces (developers.openai.com, API reference, responses)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from loopwright.errors import ModelRateLimited, ModelRejected, ModelUnavailable
from loopwright.models import Endpoint, Message, ModelOptions, Reply, Request, Usage, open_model
from tests.models.provider import Answer, Provider, Received, body, events, fault
from tests.models.support import ask

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def response(text: str = "hello", *, thought: str = "", status: str = "completed", **fields: Any) -> dict[str, Any]:
    summary = [{"type": "summary_text", "text": thought}] if thought else []
    return {
        "id": "resp_1",
        "object": "response",
        "status": status,
        "model": "the-model",
        "error": None,
        "incomplete_details": None,
        "output": [
            {"type": "reasoning", "id": "rs_1", "summary": summary},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]},
        ],
        "usage": {
            "input_tokens": 10,
            "input_tokens_details": {"cached_tokens": 6},
            "output_tokens": 4,
            "output_tokens_details": {"reasoning_tokens": 3},
        },
        **fields,
    }


def streamed(final: dict[str, Any], *texts: str, kind: str = "response.completed") -> Answer:
    pieces = [{"type": "response.output_text.delta", "delta": text} for text in texts]
    start = {"type": "response.created", "response": response(status="in_progress", output=[], usage=None)}
    return events(start, *pieces, {"type": kind, "response": final}, done=False)


def asked(request: Request, *answers: Answer) -> tuple[Reply, list[Received]]:
    async def go() -> tuple[Reply, list[Received]]:
        async with Provider(*answers) as provider:
            endpoint = Endpoint(base_url=provider.base_url, api="responses", timeout=20)
            model = open_model("mine/the-model", options=ModelOptions(endpoints={"mine": endpoint}))
            try:
                return await model.complete(request), provider.requests
            finally:
                await model.close()

    return asyncio.run(go())


def whole(answer: dict[str, Any]) -> Answer:
    return body(200, json.dumps(answer).encode())


def test_what_is_sent_and_what_the_api_does_not_know_is_told() -> None:
    request = Request(
        model="mine/the-model",
        messages=(Message(role="system", content="Be short."), Message(role="user", content="Hi")),
        sampling={"temperature": 0.5, "max_tokens": 7, "seed": 3, "stop": ("END",), "reasoning_effort": "low"},
        json_schema=SCHEMA,
    )
    reply, (received,) = asked(request, whole(response('{"n": 1}')))
    assert received.path == "/v1/responses"
    assert received.body == {
        "model": "the-model",
        "input": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Hi"}],
        "store": False,
        "stream": True,
        "temperature": 0.5,
        "max_output_tokens": 7,
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"format": {"type": "json_schema", "name": "reply", "schema": SCHEMA, "strict": False}},
    }
    assert (reply.text, reply.left_out) == ('{"n": 1}', ("seed", "stop"))


@pytest.mark.parametrize("in_pieces", [False, True])
def test_text_thoughts_and_usage_are_read(in_pieces: bool) -> None:
    final = response("hello", thought="Say it.")
    reply, _ = asked(ask(), streamed(final, "hel", "lo") if in_pieces else whole(final))
    assert (reply.text, reply.reasoning, reply.finish, reply.model) == ("hello", "Say it.", "stop", "the-model")
    assert (reply.usage, reply.usage_reported) == (Usage(input=4, cache_read=6, output=4), True)


def test_a_reply_cut_at_the_limit_says_so() -> None:
    cut = response("", status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    assert asked(ask(), streamed(cut, kind="response.incomplete"))[0].finish == "length"


def test_what_the_api_does_not_know_cannot_be_required() -> None:
    with pytest.raises(ModelRejected, match="knows no seed"):
        asked(ask(seed=3, required=("seed",)), whole(response()))


def test_a_refusal_is_one() -> None:
    content = [{"type": "refusal", "refusal": "I will not."}]
    refused = response(output=[{"type": "message", "role": "assistant", "content": content}])
    reply, _ = asked(ask(), whole(refused))
    assert (reply.text, reply.finish) == ("I will not.", "refusal")


def test_refused_fields_are_left_out() -> None:
    refusal = fault(400, "Unsupported parameter: 'temperature' is not supported with this model.")
    reply, received = asked(ask(temperature=0, max_tokens=5), refusal, whole(response()))
    assert ["temperature" in each.body for each in received] == [True, False]
    assert reply.left_out == ("temperature",)


SUMMARY = fault(400, "Your organization must be verified to generate reasoning summaries.", param="reasoning.summary")
"""As reported, for accounts that OpenAI did not verify (github.com/OpenHands/OpenHands/issues/11527)."""


@pytest.mark.parametrize(
    ("refusal", "kept"),
    [
        (SUMMARY, {"effort": "high"}),
        (fault(400, "You must be verified to generate reasoning summaries."), {"effort": "high"}),
        (fault(400, "Unknown parameter: 'reasoning.summary'."), {"effort": "high"}),
        (fault(400, "Unsupported parameter.", param="reasoning.effort"), None),
        (fault(400, "This model takes no reasoning."), None),
    ],
)
def test_summaries_that_are_refused_take_no_effort_with_them(refusal: Answer, kept: dict[str, str] | None) -> None:
    reply, received = asked(ask(reasoning_effort="high"), refusal, whole(response()))
    assert received[0].body["reasoning"] == {"effort": "high", "summary": "auto"}
    assert [each.body.get("reasoning") for each in received[1:]] == [kept]
    assert reply.left_out == (() if kept else ("reasoning_effort",))


@pytest.mark.parametrize("parameter", ["reasoning.summary", "reasoning.effort", "reasoning", None])
def test_summaries_are_asked_for_without_an_effort_and_a_model_that_has_none_costs_one_call(
    parameter: str | None,
) -> None:
    refusal = fault(400, "This model takes no reasoning.", param=parameter)
    reply, received = asked(ask(), refusal, whole(response()))
    assert [each.body.get("reasoning") for each in received] == [{"summary": "auto"}, None]
    assert reply.left_out == ()


def test_a_schema_that_is_refused_goes_into_the_prompt() -> None:
    request = ask().model_copy(update={"json_schema": SCHEMA})
    refusal = body(400, b'{"error": {"message": "Invalid schema for response_format", "param": "text.format.schema"}}')
    reply, received = asked(request, refusal, whole(response('{"n": 2}')))
    assert "text" not in received[1].body
    assert json.dumps(SCHEMA) in received[1].body["input"][-1]["content"]
    assert reply.text == '{"n": 2}'


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (streamed(response(error={"code": 429, "message": "slow"}), kind="response.failed"), ModelRateLimited),
        (
            streamed(response(error={"code": "rate_limit_exceeded", "message": "slow"}), kind="response.failed"),
            ModelRateLimited,
        ),
        (events({"type": "error", "code": "server_error", "message": "oops"}, done=False), ModelUnavailable),
        (events({"type": "response.output_text.delta", "delta": "hel"}, done=False), ModelUnavailable),
        (body(200, b'{"object": "response"}'), ModelUnavailable),
    ],
    ids=["failed", "failed by a word", "error", "broken off", "no output"],
)
def test_failures_are_the_server_s(answer: Answer, error: type[Exception]) -> None:
    with pytest.raises(error):
        asked(ask(), answer)
