"""What a server refuses is left out, renamed or lowered: one lost call for each field, and the reply says so."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from loopwright.errors import ModelRejected
from loopwright.models import Model, ModelOptions, Reply, Request, open_model, request_hash
from loopwright.types import Tool
from tests.models.provider import Answer, Provider, Received, body, fault, reply
from tests.models.support import ask

TEMPERATURE = body(
    400,
    json.dumps(
        {
            "error": {
                "message": "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) "
                "value is supported.",
                "type": "invalid_request_error",
                "param": "temperature",
                "code": "unsupported_value",
            }
        }
    ).encode(),
)
"""As reasoning models of OpenAI answer (platform.openai.com/docs, guide on reasoning)."""
SEED_OF_MISTRAL = body(
    422,
    b'{"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], '
    b'"msg": "Extra inputs are not permitted", "input": 3}]}, "type": "invalid_request_error"}',
)
"""Mistral calls it `random_seed` (docs.mistral.ai, API, chat completion)."""
SEED_OF_GEMINI = body(
    400,
    b'[{"error": {"code": 400, "message": "Invalid JSON payload received. Unknown name \\"seed\\": Cannot find '
    b'field.", "status": "INVALID_ARGUMENT"}}]',
)
"""A list around the error, as Gemini's endpoint for OpenAI clients sends it."""
MAX_TOKENS = fault(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
TOO_LONG = fault(400, "max_tokens is too large: 99999. This model supports at most 16384 completion tokens.")


def run(*answers: Answer, asked: list[Request], at_once: bool = False) -> tuple[list[Reply], list[Received]]:
    async def go() -> tuple[list[Reply], list[Received]]:
        async with Provider(*answers) as provider:
            options = ModelOptions(base_url=provider.base_url, api_key="key-of-test")
            model: Model = open_model("openai/the-model", options=options)
            try:
                if at_once:
                    replies = list(await asyncio.gather(*(model.complete(request) for request in asked)))
                else:
                    replies = [await model.complete(request) for request in asked]
                return replies, provider.requests
            finally:
                await model.close()

    return asyncio.run(go())


@pytest.mark.parametrize(
    ("refusal", "field", "sampling"),
    [
        (TEMPERATURE, "temperature", {"temperature": 0}),
        (SEED_OF_MISTRAL, "seed", {"seed": 3}),
        (SEED_OF_GEMINI, "seed", {"seed": 3}),
        (fault(400, "top_p is not supported with this model"), "top_p", {"top_p": 0.5}),
        (fault(400, "Unsupported parameter: 'stop' is not supported with this model."), "stop", {"stop": ("END",)}),
        (
            fault(400, "Unrecognized request argument supplied: reasoning_effort"),
            "reasoning_effort",
            {"reasoning_effort": "low"},
        ),
    ],
)
def test_a_refused_field_is_left_out_remembered_and_told(refusal: Answer, field: str, sampling: Any) -> None:
    replies, received = run(refusal, reply(), asked=[ask(**sampling), ask(**sampling)])
    assert [field in each.body for each in received] == [True, False, False]
    assert [one.left_out for one in replies] == [(field,), (field,)]


def test_what_a_program_of_others_asks_teaches_nothing() -> None:
    """An agent that asks for what no server takes would else take the user's own settings from everybody."""
    odd = ask(temperature=1.9).model_copy(update={"teaches": False})
    replies, received = run(TEMPERATURE, reply(), asked=[odd, ask(temperature=0.5)])
    assert [each.body.get("temperature") for each in received] == [1.9, None, 0.5]
    assert [one.left_out for one in replies] == [("temperature",), ()]
    assert request_hash(odd) == request_hash(ask(temperature=1.9))


def test_fields_are_left_out_one_by_one_and_the_others_stay() -> None:
    asked = ask(temperature=0, seed=3, top_p=0.5, max_tokens=9)
    (answered,), received = run(TEMPERATURE, SEED_OF_MISTRAL, MAX_TOKENS, reply(), asked=[asked])
    assert received[-1].body.keys() - {"stream", "stream_options"} == {
        "model",
        "messages",
        "top_p",
        "max_completion_tokens",
    }
    assert received[-1].body["max_completion_tokens"] == 9
    assert answered.left_out == ("seed", "temperature")


def test_calls_at_the_same_time_lose_one_call_together() -> None:
    replies, received = run(TEMPERATURE, reply(), asked=[ask(temperature=0)] * 12, at_once=True)
    assert sum("temperature" in each.body for each in received) == 1
    assert len(received) == 13
    assert {one.left_out for one in replies} == {("temperature",)}


def test_what_a_card_requires_is_never_left_out() -> None:
    with pytest.raises(ModelRejected, match="does not support 0"):
        run(TEMPERATURE, reply(), asked=[ask(temperature=0, required=("temperature",))])


def test_a_server_that_knows_no_stream_options_is_asked_without_them() -> None:
    refusal = fault(422, "body.stream_options: Extra inputs are not permitted")
    (answered,), received = run(refusal, reply(), asked=[ask()])
    assert [set(each.body) & {"stream", "stream_options"} for each in received] == [
        {"stream", "stream_options"},
        {"stream"},
    ]
    assert answered.left_out == ()


def test_a_limit_that_is_too_high_is_lowered_to_what_the_server_gives() -> None:
    _, received = run(TOO_LONG, reply(), asked=[ask(max_tokens=99999), ask(max_tokens=50), ask(max_tokens=20000)])
    assert [each.body["max_tokens"] for each in received] == [99999, 16384, 50, 16384]


def test_a_limit_of_the_reply_is_never_left_out() -> None:
    with pytest.raises(ModelRejected, match="no max_tokens here"):
        run(fault(400, "no max_tokens here"), reply(), asked=[ask(max_tokens=9)])


def test_a_field_that_made_no_difference_is_sent_again() -> None:
    """The word was in the message, and the message was about something else."""
    misleading = fault(400, "please stop sending such prompts")

    async def go() -> list[dict[str, Any]]:
        async with Provider(misleading, misleading, reply()) as provider:
            options = ModelOptions(base_url=provider.base_url, api_key="key-of-test")
            model = open_model("openai/the-model", options=options)
            try:
                with pytest.raises(ModelRejected, match="such prompts"):
                    await model.complete(ask(stop=("END",)))
                await model.complete(ask(stop=("END",)))
            finally:
                await model.close()
            return [each.body for each in provider.requests]

    assert ["stop" in sent for sent in asyncio.run(go())] == [True, False, True]


def wrong_in_itself(words: str, parameter: str = "") -> Answer:
    return body(400, json.dumps({"error": {"message": words, "param": parameter}}).encode())


@pytest.mark.parametrize(
    "refusal",
    [
        fault(400, "Unexpected role 'user' after role 'tool'"),
        fault(400, "messages with role 'tool' must be a response to a preceding message with 'tool_calls'"),
        fault(400, "This model's maximum context length is 8192 tokens; 200 of them are in the tools."),
        fault(400, "Tool names must be unique."),
        fault(400, "The tool go has a description that is too long."),
        wrong_in_itself("Invalid schema for function 'go': unknown keyword", "tools[0].function.parameters"),
        wrong_in_itself("Unknown keyword", "tools[0].function.parameters"),
    ],
)
def test_a_refusal_that_only_mentions_tools_switches_none_off(refusal: Answer) -> None:
    async def go() -> list[dict[str, Any]]:
        async with Provider(refusal, reply()) as provider:
            model = open_model(
                "openai/the-model", options=ModelOptions(base_url=provider.base_url, api_key="key-of-test")
            )
            asked = ask().model_copy(
                update={"tools": (Tool(name="go", description="Goes.", parameters={"type": "object"}),)}
            )
            try:
                with pytest.raises(ModelRejected):
                    await model.complete(asked)
                await model.complete(asked)
            finally:
                await model.close()
            return [each.body for each in provider.requests]

    assert ["tools" in sent for sent in asyncio.run(go())] == [True, True]


def test_a_prompt_that_is_too_long_says_what_to_lower() -> None:
    refusal = fault(
        400, "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens.", code="too_long"
    )
    with pytest.raises(ModelRejected, match="max_tokens") as caught:
        run(refusal, asked=[ask(max_tokens=4000, temperature=0)])
    assert "context" in caught.value.remedy
