"""The Gemini API: what is sent and read, whole and in pieces (tests/models/google.py names the sources)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from loopwright.errors import ModelRateLimited, ModelRejected, ModelUnauthorized, ModelUnavailable
from loopwright.models import Endpoint, FunctionCall, Message, ModelOptions, Reply, Request, Tool, Usage, open_model
from tests.models import google
from tests.models.provider import Answer, Provider, Received
from tests.models.support import ask

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}
KEY = "AIza-key-of-the-test"
HELLO = google.response(google.text("hello"))


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)


def asked(
    request: Request, *answers: Answer, model: str = "the-model", artifact: Any = None, **settings: Any
) -> tuple[Reply, list[Received]]:
    async def go() -> tuple[Reply, list[Received]]:
        async with Provider(*answers) as provider:
            endpoint = Endpoint.model_validate(
                {"base_url": provider.base_url, "api": "gemini", "api_key_env": "GEMINI_API_KEY", "timeout": 20}
                | settings
            )
            options = ModelOptions(endpoints={"gemini": endpoint}, artifact=artifact)
            opened = open_model(f"gemini/{model}", options=options)
            try:
                return await opened.complete(request), provider.requests
            finally:
                await opened.close()

    return asyncio.run(go())


def test_what_is_sent() -> None:
    request = Request(
        model="gemini/the-model",
        messages=(Message(role="system", content="Be short."), Message(role="user", content="Hi")),
        sampling={"temperature": 0.5, "top_p": 0.9, "max_tokens": 7, "seed": 2**31 + 3, "stop": ("END",)},
    )
    reply, (received,) = asked(request, google.whole(HELLO))
    assert received.path == "/v1/models/the-model:streamGenerateContent?alt=sse"
    assert received.headers["x-goog-api-key"] == KEY
    assert KEY not in received.path
    assert "authorization" not in received.headers
    assert received.body == {
        "systemInstruction": {"parts": [{"text": "Be short."}]},
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "generationConfig": {
            "maxOutputTokens": 7,
            "topP": 0.9,
            "temperature": 0.5,
            "seed": 3,
            "stopSequences": ["END"],
            "thinkingConfig": {"includeThoughts": True},
        },
    }
    assert reply.left_out == ()


def test_models_that_have_a_path_are_named_by_it() -> None:
    _, (received,) = asked(ask(), google.whole(HELLO), model="tunedModels/my one")
    assert received.path == "/v1/tunedModels/my%20one:streamGenerateContent?alt=sse"


@pytest.mark.parametrize("answer", [google.whole, google.in_pieces])
def test_text_thoughts_and_usage_are_read(answer: Any) -> None:
    told = google.response(
        google.thought("Say it."), google.text("hel\x85lo"), google.text(" there", thoughtSignature="c2lnbmVk")
    )
    reply, _ = asked(ask(), answer(told))
    assert (reply.text, reply.reasoning) == ("hel\x85lo there", "Say it.")
    assert (reply.finish, reply.model) == ("stop", "the-model-001")
    assert (reply.usage, reply.usage_reported) == (Usage(input=4, cache_read=6, output=24), True)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        # A reply that holds nothing but thoughts has no count of candidates.
        ({"promptTokenCount": 10, "thoughtsTokenCount": 20, "totalTokenCount": 30}, Usage(input=10, output=20)),
        (
            {"promptTokenCount": 10, "toolUsePromptTokenCount": 5, "candidatesTokenCount": 1},
            Usage(input=15, output=1),
        ),
        (
            {"promptTokenCount": 10, "cachedContentTokenCount": 99, "candidatesTokenCount": 1},
            Usage(cache_read=10, output=1),
        ),
    ],
)
def test_classes_of_usage_are_told_apart(usage: dict[str, int], expected: Usage) -> None:
    assert asked(ask(), google.in_pieces({**HELLO, "usageMetadata": usage}))[0].usage == expected


@pytest.mark.parametrize(
    "usage", [None, {}, {"promptTokenCount": 10}, {"promptTokenCount": -1, "candidatesTokenCount": 1}]
)
def test_usage_that_cannot_be_is_no_usage(usage: Any) -> None:
    reply, _ = asked(ask(), google.whole({**HELLO, "usageMetadata": usage}))
    assert (reply.usage, reply.usage_reported) == (Usage(), False)


@pytest.mark.parametrize(
    ("finish", "expected"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "refusal"),
        ("RECITATION", "refusal"),
        ("PROHIBITED_CONTENT", "refusal"),
        ("MALFORMED_FUNCTION_CALL", "other"),
        ("SOMETHING_NEW", "other"),
        (["STOP"], "other"),
    ],
)
@pytest.mark.parametrize("answer", [google.whole, google.in_pieces])
def test_why_a_reply_ended(answer: Any, finish: Any, expected: str) -> None:
    assert asked(ask(), answer(google.response(google.text("hel"), finish=finish)))[0].finish == expected


@pytest.mark.parametrize("answer", [google.whole, google.in_pieces])
def test_a_prompt_that_is_blocked_is_a_refusal(answer: Any) -> None:
    reply, _ = asked(ask(), answer(google.blocked("PROHIBITED_CONTENT")))
    assert (reply.text, reply.finish, reply.usage) == ("PROHIBITED_CONTENT", "refusal", Usage(input=10))


def test_a_reply_cut_while_thinking_keeps_its_thoughts_and_cost() -> None:
    reply, _ = asked(ask(), google.in_pieces(google.response(google.thought("Let me"), finish="MAX_TOKENS")))
    assert (reply.text, reply.reasoning, reply.finish, reply.usage.output) == ("", "Let me", "length", 24)


def test_turns_alternate_and_none_is_empty() -> None:
    messages = [("assistant", "a"), ("user", "b"), ("user", ""), ("assistant", ""), ("user", "c")]
    request = Request(model="gemini/m", messages=tuple(Message(role=r, content=c) for r, c in messages))
    _, (received,) = asked(request, google.whole(HELLO))
    assert [(turn["role"], [part["text"] for part in turn["parts"]]) for turn in received.body["contents"]] == [
        ("user", ["(empty)"]),
        ("model", ["a"]),
        ("user", ["b", "(empty)"]),
        ("model", ["(empty)"]),
        ("user", ["c"]),
    ]


def test_pictures_are_sent() -> None:
    async def artifact(reference: str) -> bytes:
        return b"\xff\xd8\xff123"

    request = Request(model="gemini/m", messages=(Message(role="user", content="What?", images=("a" * 64,)),))
    _, (received,) = asked(request, google.whole(HELLO), artifact=artifact)
    assert received.body["contents"][0]["parts"] == [
        {"text": "What?"},
        {"inlineData": {"mimeType": "image/jpeg", "data": "/9j/MTIz"}},
    ]


def test_a_schema_is_sent() -> None:
    request = ask().model_copy(update={"json_schema": SCHEMA})
    reply, (received,) = asked(request, google.in_pieces(google.response(google.text('{"n": 1}'))))
    assert received.body["generationConfig"]["responseJsonSchema"] == SCHEMA
    assert received.body["generationConfig"]["responseMimeType"] == "application/json"
    assert reply.text == '{"n": 1}'


def test_a_schema_that_is_refused_goes_into_the_prompt() -> None:
    request = ask().model_copy(update={"json_schema": SCHEMA})
    answer = google.whole(google.response(google.text('{"n": 2}')))
    reply, received = asked(request, google.NO_SCHEMA, answer)
    assert set(received[1].body["generationConfig"]) == {"thinkingConfig"}
    assert json.dumps(SCHEMA) in received[1].body["contents"][-1]["parts"][-1]["text"]
    assert (reply.text, reply.left_out) == ('{"n": 2}', ("response_format",))


@pytest.mark.parametrize(("effort", "level"), [("none", "minimal"), ("low", "low"), ("high", "high")])
def test_effort_is_sent_as_a_level(effort: str, level: str) -> None:
    _, (received,) = asked(ask(reasoning_effort=effort), google.whole(HELLO))
    thinking = received.body["generationConfig"]["thinkingConfig"]
    assert thinking == {"thinkingLevel": level, "includeThoughts": True}


@pytest.mark.parametrize(("effort", "budget"), [("none", 0), ("medium", 8192)])
def test_older_models_get_a_budget(effort: str, budget: int) -> None:
    reply, received = asked(ask(reasoning_effort=effort), google.NO_LEVEL, google.whole(HELLO))
    thinking = received[1].body["generationConfig"]["thinkingConfig"]
    assert thinking == {"thinkingBudget": budget, "includeThoughts": True}
    assert reply.left_out == ()


def test_models_that_do_not_think_are_asked_for_no_thoughts() -> None:
    reply, received = asked(ask(max_tokens=5), google.NO_THINKING, google.whole(HELLO))
    assert received[1].body["generationConfig"] == {"maxOutputTokens": 5}
    assert reply.left_out == ()


def test_refused_parameters_are_left_out() -> None:
    reply, received = asked(ask(seed=3, temperature=0.0), google.NO_SEED, google.whole(HELLO))
    assert "seed" not in received[1].body["generationConfig"]
    assert reply.left_out == ("seed",)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (google.RATE_LIMIT, ModelRateLimited),
        (google.streamed(json.loads('{"error": {"code": 429, "message": "slow"}}')), ModelRateLimited),
        (google.OVERLOADED, ModelUnavailable),
        (google.BAD_KEY, ModelUnauthorized),
        (google.error(403, "PERMISSION_DENIED", f"the key {KEY} may not"), ModelUnauthorized),
        (google.refused("Request contains an invalid argument."), ModelRejected),
        (google.whole({"usageMetadata": {}}), ModelUnavailable),
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
        asked(ask(), google.RATE_LIMIT)
    assert caught.value.retry_after == 34.07


def test_a_model_that_is_not_there_is_told() -> None:
    words = "models/the-model is not found for API version v1beta, or is not supported for generateContent."
    with pytest.raises(ModelRejected, match="not found") as caught:
        asked(ask(), google.error(404, "NOT_FOUND", words))
    assert "model's name" in str(caught.value)


@pytest.mark.parametrize("then", ["keep", "reset", "hang"])
def test_what_arrived_of_a_reply_that_broke_off_is_kept(then: str) -> None:
    piece = google.response(google.text("hel"), finish=None)
    with pytest.raises(ModelUnavailable) as caught:
        asked(ask(), google.streamed(piece, then=then), timeout=1.5)
    assert caught.value.partial == "hel"


def test_a_whole_reply_stands_though_the_connection_never_ends() -> None:
    reply, _ = asked(ask(), google.streamed(HELLO, then="hang"), timeout=5)
    assert (reply.text, reply.finish) == ("hello", "stop")


def test_own_fields_come_before_those_of_the_client() -> None:
    own = {"safetySettings": [], "generationConfig": {"topK": 5, "temperature": 1}}
    _, (received,) = asked(ask(temperature=0, max_tokens=9), google.whole(HELLO), body=own)
    assert received.body["safetySettings"] == []
    config = received.body["generationConfig"]
    assert (config["topK"], config["temperature"], config["maxOutputTokens"]) == (5, 1, 9)


LOOK = Tool(name="look", description="Looks something up.", parameters={"type": "object", "properties": {}})


@pytest.mark.parametrize("answer", [google.whole, google.in_pieces])
@pytest.mark.parametrize("id_", ["", "fc-1"])
def test_tools_are_offered_and_their_calls_and_results_go_back(answer: Any, id_: str) -> None:
    parts = (google.thought("Look."), google.function_call("look", id_=id_, at=1))
    request = ask().model_copy(update={"tools": (LOOK,), "tool_choice": "none"})
    first, (received,) = asked(request, answer(google.response(*parts)))
    declared = {"name": "look", "description": "Looks something up.", "parametersJsonSchema": LOOK.parameters}
    assert received.body["tools"] == [{"functionDeclarations": [declared]}]
    assert received.body["toolConfig"] == {"functionCallingConfig": {"mode": "NONE"}}
    (call,) = first.tool_calls
    assert (call.name, call.parsed) == ("look", {"at": 1})
    result = Message(role="tool", content="there", call_id=call.id)
    following = request.model_copy(update={"messages": (*request.messages, first.message, result)})
    _, (received,) = asked(following, google.whole(HELLO))
    told = {"name": "look", "response": {"result": "there"}} | ({"id": id_} if id_ else {})
    assert received.body["contents"][1:] == [
        {"role": "model", "parts": list(parts)},
        {"role": "user", "parts": [{"functionResponse": told}]},
    ]


def test_calls_without_their_signatures_go_back_as_well() -> None:
    call = FunctionCall(id="fc-1", name="look", arguments='{"at": 1}')
    messages = (
        Message(role="user", content="Hi"),
        Message(role="assistant", content="", tool_calls=(call,)),
        Message(role="tool", content="there", call_id="fc-1"),
    )
    _, (received,) = asked(Request(model="gemini/m", messages=messages), google.whole(HELLO))
    assert received.body["contents"][1]["parts"] == [
        {"functionCall": {"id": "fc-1", "name": "look", "args": {"at": 1}}}
    ]
