"""Tools that models are offered, and their calls, in both APIs; as the servers named answer by their documentation."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.errors import ToolsRefused
from loopwright.models import (
    Endpoint,
    FunctionCall,
    Message,
    Model,
    ModelOptions,
    Recorder,
    Replay,
    Reply,
    Request,
    Resilient,
    Scripted,
    Tool,
    calls_tools,
    open_model,
)
from loopwright.models.chat._tools import CallPieces, read_calls
from tests.models.provider import Answer, Provider, Received, body, completion, events, fault, piece, reply
from tests.models.support import ask

SCHEMA = {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}
EXECUTE = Tool(name="execute", description="Runs a command.", parameters=SCHEMA)
LS = FunctionCall(id="call_1", name="execute", arguments='{"command": "ls"}')


def offering(*after: Message, **fields: object) -> Request:
    request = ask("List the files.")
    return request.model_copy(update={"tools": (EXECUTE,), "messages": (*request.messages, *after), **fields})


def asked(
    *answers: Answer, requests: list[Request], api: Literal["chat", "responses"] = "chat"
) -> tuple[list[Reply | Exception], list[Received], Model]:
    async def go() -> tuple[list[Reply | Exception], list[Received], Model]:
        async with Provider(*answers) as provider:
            endpoint = Endpoint(base_url=provider.base_url, api=api, timeout=20)
            model = open_model("mine/the-model", options=ModelOptions(endpoints={"mine": endpoint}))
            replies: list[Reply | Exception] = []
            try:
                for request in requests:
                    try:
                        replies.append(await model.complete(request))
                    except ToolsRefused as error:
                        replies.append(error)
                return replies, provider.requests, model
            finally:
                await model.close()

    return asyncio.run(go())


def only(replies: list[Reply | Exception]) -> Reply:
    (one,) = replies
    assert isinstance(one, Reply)
    return one


def calling(*calls: dict[str, Any], **message: object) -> Answer:
    """A chat completion that calls tools."""
    fields = {"role": "assistant", "content": None, "tool_calls": list(calls), **message}
    return body(200, json.dumps(completion(choices=[{"message": fields, "finish_reason": "tool_calls"}])).encode())


def call(arguments: object = LS.arguments, **fields: object) -> dict[str, Any]:
    return {"id": "call_1", "type": "function", "function": {"name": "execute", "arguments": arguments}, **fields}


def test_chat_completions_offer_tools_and_take_calls_and_results() -> None:
    said = Message(role="assistant", content="I look.", tool_calls=(LS,))
    request = offering(said, Message(role="tool", content="a.txt", call_id="call_1"), tool_choice="required")
    replies, (received,), _ = asked(calling(call()), requests=[request])
    assert received.body["tools"] == [
        {
            "type": "function",
            "function": {"name": "execute", "description": "Runs a command.", "parameters": SCHEMA},
        }
    ]
    assert received.body["tool_choice"] == "required"
    assert received.body["messages"][1:] == [
        {"role": "assistant", "content": "I look.", "tool_calls": [call()]},
        {"role": "tool", "content": "a.txt", "tool_call_id": "call_1"},
    ]
    assert (only(replies).tool_calls, only(replies).text, only(replies).finish) == ((LS,), "", "stop")


def test_a_request_without_tools_names_none() -> None:
    _, (received,), _ = asked(reply(), requests=[ask()])
    assert not {"tools", "tool_choice", "include"} & received.body.keys()


@pytest.mark.parametrize(
    "pieces",
    [
        # OpenAI: the first piece names the call, the others go by its index.
        [
            {"index": 0, "id": "call_1", "type": "function", "function": {"name": "execute", "arguments": ""}},
            {"index": 0, "function": {"arguments": '{"comm'}},
            {"index": 0, "function": {"arguments": 'and": "ls"}'}},
            {"index": 1, "id": "call_2", "function": {"name": "execute", "arguments": '{"command": '}},
            {"index": 1, "function": {"arguments": '"pwd"}'}},
        ],
        # Gemini's endpoint for OpenAI clients: whole calls, all of index 0.
        [
            {"index": 0, "id": "call_1", "function": {"name": "execute", "arguments": '{"command": "ls"}'}},
            {"index": 0, "id": "call_2", "function": {"name": "execute", "arguments": '{"command": "pwd"}'}},
        ],
        # Without an index, and with the id in each piece.
        [
            {"id": "call_1", "function": {"name": "execute", "arguments": '{"command"'}},
            {"id": "call_1", "function": {"name": "execute", "arguments": ': "ls"}'}},
            {"id": "call_2", "function": {"name": "execute", "arguments": '{"command": "pwd"}'}},
        ],
    ],
)
def test_streamed_calls_are_put_together(pieces: list[dict[str, Any]]) -> None:
    stream = [piece(tool_calls=[one]) for one in pieces]
    replies, _, _ = asked(events(*stream, piece(finish="tool_calls")), requests=[offering()])
    assert [(one.id, one.name, one.parsed) for one in only(replies).tool_calls] == [
        ("call_1", "execute", {"command": "ls"}),
        ("call_2", "execute", {"command": "pwd"}),
    ]


@given(
    st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=9), min_size=1, max_size=4), st.data()
)
def test_arguments_come_back_whatever_the_pieces_are(texts: list[str], data: st.DataObject) -> None:
    calls = CallPieces()
    for index, text in enumerate(texts):
        cut = data.draw(st.integers(0, len(text)))
        calls.add([{"index": index, "id": f"c{index}", "function": {"name": "f", "arguments": text[:cut]}}])
        calls.add([{"index": index, "function": {"arguments": text[cut:]}}])
    assert [(one.id, one.arguments) for one in read_calls(calls.whole())] == [
        (f"c{n}", text) for n, text in enumerate(texts)
    ]


@given(st.recursive(st.none() | st.integers() | st.text(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)))
def test_no_calls_are_so_odd_that_they_cannot_be_read(calls: Any) -> None:
    read_calls(calls)
    read_calls([calls])
    read_calls([{"function": calls}, {"id": calls}])
    pieces = CallPieces()
    pieces.add([calls, {"function": calls}, {"index": calls, "id": calls}])
    read_calls(pieces.whole())


def test_what_servers_leave_out_or_send_otherwise() -> None:
    """Ollama has sent arguments as an object, others calls without an id."""
    replies, _, _ = asked(
        calling({"function": {"name": "execute", "arguments": {"command": "ls"}}}), requests=[offering()]
    )
    (made,) = only(replies).tool_calls
    assert (made.id, made.parsed) == ("call_0", {"command": "ls"})


@pytest.mark.parametrize(
    ("arguments", "why"), [('{"command": ', "are not JSON"), ('["ls"]', "are no JSON object"), ("ls", "are not JSON")]
)
def test_malformed_arguments_are_kept_and_told(arguments: str, why: str) -> None:
    replies, _, _ = asked(calling(call(arguments)), requests=[offering()])
    (made,) = only(replies).tool_calls
    assert made.arguments == arguments
    with pytest.raises(ValueError, match=why):
        _ = made.parsed


def test_no_arguments_are_an_empty_object() -> None:
    assert FunctionCall(id="1", name="submit", arguments="").parsed == {}


@pytest.mark.parametrize(
    "kept",
    [
        {"reasoning_content": "Look first."},
        {"reasoning_details": [{"type": "reasoning.encrypted", "data": "abc"}]},
    ],
)
def test_reasoning_goes_back_with_the_call(kept: dict[str, Any]) -> None:
    """DeepSeek (thinking with tools) and OpenRouter (preserving reasoning) ask for it."""
    replies, _, _ = asked(calling(call(), **kept), requests=[offering()])
    result = Message(role="tool", content="a.txt", call_id="call_1")
    _, (received,), _ = asked(reply(), requests=[offering(only(replies).message, result)])
    assert received.body["messages"][1] == {"role": "assistant", "content": "", "tool_calls": [call()], **kept}


def test_reasoning_that_a_server_does_not_take_back_is_left_out() -> None:
    said = Message(role="assistant", content="", tool_calls=(LS,), carried=({"reasoning_content": "Look."},))
    request = offering(said, Message(role="tool", content="a.txt", call_id="call_1"))
    refusal = fault(400, "'messages.1' : for 'role:assistant' property 'reasoning_content' is unsupported")
    _, received, _ = asked(refusal, reply(), requests=[request, request])
    assert ["reasoning_content" in one.body["messages"][1] for one in received] == [True, False, False]


def test_the_signature_of_a_thought_goes_back_with_its_call() -> None:
    """Gemini 3 refuses calls that come back without it (ai.google.dev, thought signatures, OpenAI compatibility)."""
    signed = call(extra_content={"google": {"thought_signature": "abc"}})
    streamed = events(piece(tool_calls=[{**signed, "index": 0}]), piece(finish="stop"))
    for answer in (calling(signed), streamed):
        replies, _, _ = asked(answer, requests=[offering()])
        _, (received,), _ = asked(reply(), requests=[offering(only(replies).message)])
        assert received.body["messages"][1]["tool_calls"] == [signed]


def test_the_responses_api_offers_tools_and_carries_reasoning() -> None:
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "abc"}
    made = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "execute", "arguments": LS.arguments}
    answer = {"status": "completed", "model": "m", "output": [thought, made], "usage": {}}
    replies, (first,), _ = asked(body(200, json.dumps(answer).encode()), requests=[offering()], api="responses")
    assert first.body["tools"] == [
        {
            "type": "function",
            "name": "execute",
            "description": "Runs a command.",
            "parameters": SCHEMA,
            "strict": False,
        }
    ]
    assert first.body["include"] == ["reasoning.encrypted_content"]
    assert (only(replies).tool_calls, only(replies).finish) == ((LS,), "stop")
    result = Message(role="tool", content="a.txt", call_id="call_1")
    _, (second,), _ = asked(
        body(200, json.dumps(answer).encode()), requests=[offering(only(replies).message, result)], api="responses"
    )
    assert second.body["input"][1:] == [
        thought,
        {"type": "function_call", "call_id": "call_1", "name": "execute", "arguments": LS.arguments},
        {"type": "function_call_output", "call_id": "call_1", "output": "a.txt"},
    ]


def test_a_server_that_sends_no_encrypted_reasoning_is_not_asked_again() -> None:
    refusal = body(
        400,
        json.dumps(
            {"error": {"message": "Encrypted content is not supported with this model.", "param": "include"}}
        ).encode(),
    )
    answer = {"status": "completed", "output": [], "usage": {}}
    _, received, _ = asked(refusal, body(200, json.dumps(answer).encode()), requests=[offering()], api="responses")
    assert ["include" in one.body for one in received] == [True, False]
    assert "tools" in received[1].body


REFUSALS = [
    # Ollama.
    fault(400, "registry.ollama.ai/library/gemma:2b does not support tools"),
    # vLLM without a parser for the model.
    fault(400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'),
    # OpenRouter.
    fault(404, "No endpoints found that support tool use."),
    # Groq.
    fault(400, "`tool calling` is not supported with this model"),
    fault(400, "Unrecognized request argument supplied: tools"),
    # llama.cpp's server without --jinja, and an older one.
    fault(500, "tools param requires --jinja flag"),
    fault(500, "Unsupported param: tools"),
]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_tools_that_a_server_refuses_are_not_offered_again(refusal: Answer) -> None:
    replies, received, model = asked(refusal, reply("ls"), requests=[offering(), offering(), ask()])
    assert [type(one) for one in replies] == [ToolsRefused, ToolsRefused, Reply]
    assert [one.body.get("tools") is None for one in received] == [False, True]
    assert not calls_tools(model)


def test_tools_that_a_server_refuses_to_a_program_of_others_are_offered_to_agents() -> None:
    of_a_program = offering(teaches=False)
    replies, received, model = asked(REFUSALS[0], calling(call()), requests=[of_a_program, offering()])
    assert [type(one) for one in replies] == [ToolsRefused, Reply]
    assert ["tools" in one.body for one in received] == [True, True]
    assert calls_tools(model)


def test_a_choice_that_is_refused_leaves_the_tools() -> None:
    refusal = fault(400, "tool_choice is not supported by this model")
    replies, received, _ = asked(refusal, calling(call()), requests=[offering(tool_choice="required")])
    assert (only(replies).tool_calls, only(replies).left_out) == ((LS,), ("tool_choice",))
    assert ["tool_choice" in one.body for one in received] == [True, False]


def test_the_user_can_forbid_tools() -> None:
    endpoint = Endpoint(base_url="http://127.0.0.1:9/v1", tools="never")
    model = open_model("mine/m", options=ModelOptions(endpoints={"mine": endpoint}))
    assert not calls_tools(model)
    with pytest.raises(ToolsRefused, match="takes no tools"):
        asyncio.run(model.complete(offering()))
    asyncio.run(model.close())


def test_models_that_cannot_call_tools_say_so() -> None:
    human = open_model("human/terminal")
    assert not calls_tools(human)
    with pytest.raises(ToolsRefused, match="cannot call tools"):
        asyncio.run(human.complete(offering()))
    assert not calls_tools(Scripted(["text"]))


def test_recordings_hold_calls(tmp_path: Any) -> None:
    made = Reply(text="", model="m", tool_calls=(LS,), carried=({"type": "reasoning"},))
    recorder = Recorder(Resilient(Scripted([made])), tmp_path / "calls.jsonl")
    assert calls_tools(recorder)
    asyncio.run(recorder.complete(offering()))
    replay = Replay(tmp_path / "calls.jsonl")
    assert calls_tools(replay)
    assert asyncio.run(replay.complete(offering())) == made


def test_half_a_surrogate_pair_in_a_call_can_be_sent_back() -> None:
    (call,) = read_calls([{"id": "a\ud83d", "function": {"name": "\ud83d", "arguments": '"\ud83d"'}}])
    assert (call.id, call.name, call.arguments) == ("a?", "?", '"?"')
