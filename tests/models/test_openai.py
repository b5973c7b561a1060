from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.errors import MissingSecret, ModelRejected, ModelUnauthorized, UserError
from loopwright.models import Message, Model, ModelOptions, Reply, Request, Usage, open_model
from loopwright.models.embedding import OpenAIEmbedding
from loopwright.models.image import ImageRequest, open_image_model
from tests.models.provider import Answer, Provider, Received, body, completion, fault, reply
from tests.models.support import ask

T = TypeVar("T")

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
NO_SCHEMAS = fault(400, "Unknown parameter: 'response_format'")


def serve(
    *answers: Answer, use: Callable[[Model], Awaitable[T]], model: str = "the-model", **options: Any
) -> tuple[T, list[Received]]:
    async def go() -> tuple[T, list[Received]]:
        async with Provider(*answers) as provider:
            opened = open_model(
                f"openai/{model}",
                options=ModelOptions(**{"base_url": provider.base_url, "api_key": "key-of-test", **options}),
            )
            try:
                return await use(opened), provider.requests
            finally:
                await opened.close()

    return asyncio.run(go())


def one(request: Request, *answers: Answer, **options: Any) -> tuple[Reply, list[Received]]:
    return serve(*answers, use=lambda model: model.complete(request), **options)


def test_what_is_sent() -> None:
    request = Request(
        model="openai/the-model",
        messages=(Message(role="system", content="Be short."), Message(role="user", content="Hi")),
        sampling={"temperature": 0.5, "top_p": 0.9, "max_tokens": 7, "seed": 3, "stop": ("END",)},
    )
    _, (received,) = one(request, reply())
    assert received.path == "/v1/chat/completions"
    assert received.headers["authorization"] == "Bearer key-of-test"
    assert received.body == {
        "model": "the-model",
        "messages": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Hi"}],
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 7,
        "seed": 3,
        "stop": ["END"],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_defaults_are_left_to_the_provider() -> None:
    _, (received,) = one(ask("Hi"), reply())
    assert set(received.body) == {"model", "messages", "stream", "stream_options"}


def test_key_and_base_url_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> str:
        async with Provider(reply()) as provider:
            monkeypatch.setenv("OPENAI_API_KEY", "key-of-environment")
            monkeypatch.setenv("OPENAI_BASE_URL", provider.base_url)
            model = open_model("openai:the-model")
            await model.complete(ask())
            await model.close()
            return provider.requests[0].headers["authorization"]

    assert asyncio.run(go()) == "Bearer key-of-environment"


@pytest.mark.parametrize(
    ("finish", "expected"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "refusal"),
        ("tool_calls", "other"),
        (None, "other"),
        ({}, "other"),
        (["stop"], "other"),
    ],
)
def test_finish_reasons(finish: Any, expected: str) -> None:
    answered, _ = one(ask(), reply(finish=finish))
    assert answered.finish == expected


@pytest.mark.parametrize(
    ("message", "text", "finish"),
    [
        ({"content": None, "refusal": "I will not."}, "I will not.", "refusal"),
        ({"content": None}, "", "stop"),
        ({"content": ""}, "", "stop"),
        ({"content": "cut \ud83d"}, "cut ?", "stop"),
        ({"content": "whole \U0001f600"}, "whole \U0001f600", "stop"),
        (
            {"content": [{"type": "text", "text": "a"}, {"type": "thinking"}, {"type": "text", "text": "b"}]},
            "ab",
            "stop",
        ),
    ],
)
def test_forms_of_a_message(message: dict[str, Any], text: str, finish: str) -> None:
    answered, _ = one(ask(), reply(choices=[{"index": 0, "finish_reason": "stop", "message": message}]))
    assert (answered.text, answered.finish) == (text, finish)


@pytest.mark.parametrize(
    "message",
    [
        # DeepSeek (api-docs.deepseek.com, reasoning model), vLLM with a reasoning parser, llama.cpp's server.
        {"content": "42", "reasoning_content": "six times seven"},
        # OpenRouter (openrouter.ai/docs, reasoning tokens) and newer vLLM.
        {"content": "42", "reasoning": "six times seven", "reasoning_details": []},
        {"content": "42", "reasoning_details": [{"type": "reasoning.text", "text": "six times seven"}]},
        # Mistral (docs.mistral.ai, reasoning).
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "six times seven"}]},
                {"type": "text", "text": "42"},
            ]
        },
    ],
)
def test_what_a_model_thought_is_kept_apart_from_its_answer(message: dict[str, Any]) -> None:
    answered, _ = one(ask(), reply(choices=[{"index": 0, "finish_reason": "stop", "message": message}]))
    assert (answered.text, answered.reasoning) == ("42", "six times seven")


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}, Usage(input=10, output=4)),
        (
            {"prompt_tokens": 10, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 6}},
            Usage(input=4, cache_read=6, output=4),
        ),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 1,
                "prompt_tokens_details": {"cached_tokens": 6, "cache_write_tokens": 3},
            },
            Usage(input=1, cache_read=6, cache_write=3, output=1),
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 1, "cache_creation_input_tokens": 4},
            Usage(input=6, cache_write=4, output=1),
        ),
        # DeepSeek and Moonshot tell what came from the cache beside the details.
        (
            {"prompt_tokens": 10, "completion_tokens": 4, "prompt_cache_hit_tokens": 6},
            Usage(input=4, cache_read=6, output=4),
        ),
        ({"prompt_tokens": 10, "completion_tokens": 4, "cached_tokens": 6}, Usage(input=4, cache_read=6, output=4)),
        # Reasoning that is in the total alone.
        ({"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 34}, Usage(input=10, output=24)),
    ],
)
def test_usage_is_split_into_disjoint_classes(usage: Any, expected: Usage) -> None:
    answered, _ = one(ask(), reply(usage=usage))
    assert (answered.usage, answered.usage_reported) == (expected, True)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"prompt_tokens": "many", "completion_tokens": None, "prompt_tokens_details": []},
        {"prompt_tokens": 10},
        {"prompt_tokens": -10, "completion_tokens": 4},
        {"prompt_tokens": 10, "completion_tokens": float("nan")},
        {"prompt_tokens": 10**400, "completion_tokens": 4},
        {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        {"prompt_tokens": 0, "completion_tokens": 4},
    ],
    ids=str,
)
def test_usage_that_cannot_be_is_no_usage(usage: Any) -> None:
    answered, _ = one(ask(), reply(usage=usage))
    assert (answered.usage, answered.usage_reported) == (Usage(), False)


counts = st.one_of(st.none(), st.integers(-5, 1000), st.text(max_size=3), st.booleans())


@given(
    st.dictionaries(st.sampled_from(["prompt_tokens", "completion_tokens", "cache_creation_input_tokens"]), counts),
    counts,
)
def test_usage_never_counts_a_prompt_token_twice(fields: dict[str, Any], cached: Any) -> None:
    from loopwright.models.chat._format import read_usage

    usage = read_usage({**fields, "prompt_tokens_details": {"cached_tokens": cached}}, answered=False)
    told = [fields.get(name) for name in ("prompt_tokens", "completion_tokens")]
    if not all(isinstance(count, int) and not isinstance(count, bool) and count >= 0 for count in told):
        assert usage is None
        return
    assert usage is not None
    assert [usage.input + usage.cache_read + usage.cache_write, usage.output] == told


def test_a_schema_goes_into_response_format() -> None:
    answered, (received,) = one(ask().model_copy(update={"json_schema": SCHEMA}), reply('{"n": 1}'))
    assert received.body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert answered.text == '{"n": 1}'


@pytest.mark.parametrize("text", ['{"n": 2}', 'Sure:\n```json\n{"n": 2}\n```\nDone.', 'It is {"n": 2}, I think.'])
def test_a_server_without_schemas_gets_them_in_the_prompt_and_is_remembered(text: str) -> None:
    request = Request(
        model="openai/the-model",
        messages=(Message(role="system", content="Count."), Message(role="user", content="How many?")),
        json_schema=SCHEMA,
    )

    async def twice(model: Model) -> list[str]:
        return [(await model.complete(request)).text for _ in range(2)]

    texts, received = serve(NO_SCHEMAS, reply(text), use=twice)
    assert texts == [text, text], "as the server said it"
    assert ["response_format" in each.body for each in received] == [True, False, False]
    for each in received[1:]:
        system, user = each.body["messages"]
        assert system["content"] == "Count."
        assert user["content"].startswith("How many?")
        assert json.dumps(SCHEMA) in user["content"]


def test_another_refusal_is_no_reason_to_drop_the_schema() -> None:
    with pytest.raises(ModelRejected, match="no such model"):
        one(ask().model_copy(update={"json_schema": SCHEMA}), fault(404, "no such model"))


def test_images_go_as_data_urls() -> None:
    picture = b"\x89PNG rest"

    async def artifact(reference: str) -> bytes:
        return {"abc": picture}[reference]

    request = Request(model="openai/m", messages=(Message(role="user", content="What is it?", images=("abc",)),))
    _, (received,) = one(request, reply(), artifact=artifact)
    text, image = received.body["messages"][0]["content"]
    assert text == {"type": "text", "text": "What is it?"}
    assert image["image_url"]["url"] == "data:image/png;base64," + base64.b64encode(picture).decode()
    with pytest.raises(UserError, match="artifact"):
        one(request, reply())


def test_parallel_first_calls_share_one_client() -> None:
    async def at_once(model: Model) -> list[Reply]:
        return await asyncio.gather(*(model.complete(ask(str(number))) for number in range(5)))

    replies, received = serve(reply("ok"), use=at_once)
    assert [each.text for each in replies] == ["ok"] * 5
    assert {each.body["messages"][0]["content"] for each in received} == set("01234")


@pytest.mark.parametrize(
    "url", ["localhost:8000/v1", "127.0.0.1", "ftp://host/v1", "http:///v1", "http://[host/v1", "http://h:99999/v1"]
)
def test_a_base_url_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(UserError, match="is not of the form https://HOST/PATH"):
        open_model("openai/m", options=ModelOptions(base_url=url, api_key="key-of-test"))


async def _call(kind: str, options: ModelOptions) -> None:
    """One call of a model of a kind, at OPENAI_BASE_URL."""
    if kind == "image":
        images = open_image_model("openai/the-model", options=options)
        try:
            await images.generate(ImageRequest(model="openai/the-model", prompt="a cat"))
        finally:
            await images.close()
        return
    chat: dict[str, Callable[[], Model]] = {
        "chat": lambda: open_model("openai/the-model", options=options),
        "responses": lambda: open_model("openai-responses/the-model", options=options),
        "embedding": lambda: OpenAIEmbedding.open("openai/the-model", options),
    }
    model = chat[kind]()
    try:
        await model.complete(ask())
    finally:
        await model.close()


@pytest.mark.parametrize("kind", ["chat", "responses", "image", "embedding"])
def test_an_error_that_repeats_what_the_base_url_holds_is_masked(kind: str) -> None:
    secrets = (f"usr+{kind}+8f", f"pw@{kind}/55", f"code {kind} 77")
    user, password, code = (quote(secret, safe="") for secret in secrets)

    async def go() -> str:
        async with Provider(fault(401, f"no: {secrets} {user} {password} {code}")) as provider:
            url = provider.base_url.replace("http://", f"http://{user}:{password}@") + f"?sig={code}"
            with pytest.raises(ModelUnauthorized) as raised:
                await _call(kind, ModelOptions(base_url=url, api_key="key-of-test"))
            return str(raised.value)

    told = asyncio.run(go())
    assert "***" in told
    assert not [one for one in (*secrets, user, password, code) if one in told]


def test_a_key_with_a_line_end_is_used_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "ignored")
    _, (received,) = serve(reply(), use=lambda model: model.complete(ask()), api_key="key-of-test\n")
    assert received.headers["authorization"] == "Bearer key-of-test"


@pytest.mark.parametrize("key", ["two\nlines-of-key", "clé-of-test"])
def test_a_key_that_cannot_be_one_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(MissingSecret) as raised:
        open_model("openai/m", options=ModelOptions(api_key=key))
    assert key not in str(raised.value)


@pytest.mark.parametrize("place", ["model", "extra", "reasoning_details"])
def test_half_a_surrogate_pair_anywhere_ends_nothing(place: str) -> None:
    """The next request sends back what a provider wants back, and no request can hold half a pair."""
    half = "a\ud800b"
    sent = completion("")
    message = sent["choices"][0]["message"]
    message["tool_calls"] = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    match place:
        case "model":
            sent["model"] = half
        case "extra":
            message["tool_calls"][0]["extra_content"] = {"google": {half: [half]}}
        case _:
            message["reasoning_details"] = [{"text": half}]

    async def twice(model: Model) -> Reply:
        first = await model.complete(ask())
        first.model_dump_json()
        return await model.complete(
            ask().model_copy(update={"messages": (*ask().messages, first.message, Message(role="user", content="On."))})
        )

    second, requests = serve(body(200, json.dumps(sent).encode()), reply("done"), use=twice)
    assert second.text == "done"
    assert len(requests) == 2
