"""Answers that cost something although they cannot be used: `begun` tells, whatever the API and however they come."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from loopwright.errors import ModelError
from loopwright.models import Endpoint, ModelOptions, Reply, open_model
from loopwright.models.embedding import OpenAIEmbedding, embedding_request
from tests.models.provider import (
    EMPTY,
    GARBAGE,
    HALF_STREAM,
    HTML,
    NO_CHOICES,
    RESET_MID_BODY,
    Answer,
    Provider,
    body,
    completion,
    events,
    fault,
)
from tests.models.support import ask

LATE = {"message": "late", "code": 500}


def asked(answer: Answer, api: str = "chat") -> ModelError:
    """The failure that an answer is."""

    async def go() -> Reply:
        async with Provider(answer, fault(400)) as provider:
            endpoint = Endpoint.model_validate({"base_url": provider.base_url, "api": api})
            model = open_model("mine/the-model", options=ModelOptions(endpoints={"mine": endpoint}))
            try:
                return await model.complete(ask())
            finally:
                await model.close()

    with pytest.raises(ModelError) as raised:
        asyncio.run(go())
    return raised.value


def sent(value: Any) -> Answer:
    return body(200, json.dumps(value).encode())


USED = {"usage": {"prompt_tokens": 100, "completion_tokens": 5000}}
BILLED = {
    "half an answer": ("chat", GARBAGE),
    "half a body": ("chat", HALF_STREAM),
    "a body that breaks off": ("chat", RESET_MID_BODY),
    "finished with an error": ("chat", sent(completion("x" * 100, finish="error"))),
    "an error beside the text": ("chat", sent(completion("x" * 100) | {"error": LATE})),
    "a refusal beside the text": ("chat", sent(completion("x") | {"error": {"message": "no seed", "code": 400}})),
    "a message that is text": ("chat", sent({"choices": [{"message": "hello", "finish_reason": "stop"}]})),
    "usage alone": ("chat", sent({"choices": [], **USED})),
    "an event that is half": ("chat", events('data: {"choices": [{"del\n\n')),
    "a response without output": ("responses", sent({"usage": {"input_tokens": 9, "output_tokens": 9}})),
    "reasoning that broke off": (
        "responses",
        events({"type": "response.reasoning_summary_text.delta", "delta": "Let me"}, done=False, then="reset"),
    ),
    "text before an error": (
        "responses",
        events({"type": "response.output_text.delta", "delta": "I"}, {"type": "error", "error": LATE}, done=False),
    ),
    "a message without content": ("anthropic", sent({"usage": {"input_tokens": 9, "output_tokens": 9}})),
    "content and an error": ("anthropic", sent({"content": [{"type": "text", "text": "I"}], "error": LATE})),
    "no candidates": ("gemini", sent({"candidates": None, "usageMetadata": {"promptTokenCount": 9}})),
    "half a candidate": ("gemini", GARBAGE),
}


@pytest.mark.parametrize("name", BILLED)
def test_an_answer_that_holds_text_or_usage_has_begun(name: str) -> None:
    api, answer = BILLED[name]
    assert asked(answer, api).begun


@pytest.mark.parametrize("api", ["chat", "responses", "anthropic", "gemini"])
@pytest.mark.parametrize("answer", [EMPTY, HTML, sent({"error": LATE}), fault(400), fault(500)])
def test_what_holds_nothing_of_a_reply_has_not_begun(api: str, answer: Answer) -> None:
    assert not asked(answer, api).begun


def test_an_answer_without_choices_or_usage_has_not_begun() -> None:
    assert not asked(NO_CHOICES).begun


ZEROS = {"prompt_tokens": 0, "completion_tokens": 0, "prompt_tokens_details": {"cached_tokens": 0}}


@pytest.mark.parametrize(
    ("usage", "begun"),
    [
        (ZEROS, False),
        ({"prompt_tokens": None}, False),
        ({"note": "none"}, False),
        (ZEROS | {"prompt_tokens": 1}, True),
        (ZEROS | {"prompt_tokens_details": {"cached_tokens": 1}}, True),
    ],
)
def test_usage_beside_an_error_counts_where_a_number_in_it_is_above_0(usage: Any, begun: bool) -> None:
    refused = {"error": {"message": "seed is not supported", "code": 400}, "usage": usage}
    with pytest.raises(ModelError) as raised:
        embedded(sent(refused))
    assert raised.value.begun is begun
    assert asked(sent(refused)).begun is begun


def embedded(answer: Answer) -> Reply:
    async def go() -> Reply:
        async with Provider(answer) as provider:
            endpoint = Endpoint(base_url=provider.base_url)
            model = OpenAIEmbedding.open("mine/m", ModelOptions(endpoints={"mine": endpoint}))
            try:
                return await model.complete(embedding_request("mine/m", "hello"))
            finally:
                await model.close()

    return asyncio.run(go())


@pytest.mark.parametrize(
    ("answer", "begun"),
    [
        (sent({"data": [{"embedding": ["x"]}], **USED}), True),
        (sent({"data": [{"embedding": [10**400]}], **USED}), True),
        (sent({"data": [{"embedding": [1e308, 1e308]}], **USED}), True),
        (sent({"data": [{"embedding": [0.5, 1e999]}], **USED}), True),
        (body(200, b"[" * 100_000), True),
        (sent(USED), True),
        (GARBAGE, True),
        (HTML, False),
        (sent({"error": LATE}), False),
    ],
)
def test_an_answer_without_a_vector_has_begun_where_it_may_be_billed(answer: Answer, begun: bool) -> None:
    with pytest.raises(ModelError) as raised:
        embedded(answer)
    assert raised.value.begun is begun


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": 0}, {"prompt_tokens": True}, {"prompt_tokens": 10**30}])
def test_an_embedding_without_usage_says_so(usage: Any) -> None:
    assert not embedded(sent({"data": [{"embedding": [0.5]}], "usage": usage})).usage_reported
