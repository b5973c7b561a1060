"""Answers without end, packed ones and ones of countless values: what is read of them is bounded, by every client."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.errors import ModelError, ModelRejected, ModelUnavailable
from loopwright.models import Endpoint, ModelOptions, Reply, open_model
from loopwright.models._wire import event_lines
from loopwright.models.embedding import OpenAIEmbedding, embedding_request
from tests.models.provider import Answer, Provider, body, events, on_a_thread, piece
from tests.models.support import ask

Api = Literal["chat", "responses", "anthropic", "gemini"]
APIS: tuple[Api, ...] = ("chat", "responses", "anthropic", "gemini")
STREAM = "text/event-stream"


def asked(answer: Answer, api: Api = "chat") -> Reply:
    async def go() -> Reply:
        async with Provider(answer) as provider:
            endpoint = Endpoint(base_url=provider.base_url, api=api)
            model = open_model("mine/the-model", options=ModelOptions(endpoints={"mine": endpoint}))
            try:
                return await model.complete(ask())
            finally:
                await model.close()

    return asyncio.run(go())


def failed(answer: Answer, api: Api) -> ModelError:
    with pytest.raises(ModelError) as raised:
        asked(answer, api)
    return raised.value


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("kind", ["application/json", STREAM])
def test_an_answer_without_end_is_given_up(api: Api, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loopwright.models._bounds._LARGEST", 10_000)
    failure = failed(body(200, b"x" * 20_000, kind=kind), api)
    assert isinstance(failure, ModelRejected)
    assert "more than 10,000 bytes" in str(failure)


@pytest.mark.parametrize("api", APIS)
def test_of_an_error_only_the_start_is_read(api: Api) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 500 No\r\nContent-Type: text/plain\r\n\r\n")
        while True:  # The server ends with its connection.
            writer.write(b"out of order " * 10_000)
            await writer.drain()

    failure = failed(endless, api)
    assert isinstance(failure, ModelUnavailable)
    assert "500 out of order" in str(failure)


REPLY = json.dumps({"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]}).encode()


PACKED = {
    "gzip": ("gzip", gzip.compress(REPLY)),
    "gzip in two members": ("gzip", gzip.compress(REPLY[:9]) + gzip.compress(REPLY[9:])),
    "deflate": ("deflate", zlib.compress(REPLY)),
    "deflate without a head": ("deflate", zlib.compress(REPLY)[2:-4]),
}


@pytest.mark.parametrize("form", PACKED)
def test_a_packed_answer_is_unpacked(form: str) -> None:
    encoding, packed = PACKED[form]
    assert asked(body(200, packed, content_encoding=encoding), "chat").text == "yes"


@pytest.mark.parametrize("api", APIS)
def test_a_packed_answer_that_was_cut_is_tried_again(api: Api) -> None:
    cut = gzip.compress(b" " * 100 + REPLY)[:-9]
    failure = failed(body(200, cut, content_encoding="gzip"), api)
    assert isinstance(failure, ModelUnavailable)


@pytest.mark.parametrize("api", APIS)
def test_members_without_content_end_too(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loopwright.models._bounds._LARGEST", 10_000)
    assert "more than 10,000 bytes" in str(failed(body(200, gzip.compress(b"") * 600, content_encoding="gzip"), api))


@pytest.mark.parametrize("api", APIS)
def test_an_error_in_another_form_counts_by_its_status(api: Api) -> None:
    assert isinstance(failed(body(503, b"no gzip", content_encoding="br"), api), ModelUnavailable)


@pytest.mark.parametrize("api", APIS)
def test_a_packed_answer_without_end_is_given_up(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loopwright.models._bounds._LARGEST", 10_000)
    packed = gzip.compress(b"out of order" + b" " * 1_000_000)
    assert "more than 10,000 bytes" in str(failed(body(200, packed, content_encoding="gzip"), api))
    failure = failed(body(500, packed, content_encoding="gzip"), api)
    assert isinstance(failure, ModelUnavailable)
    assert "500 out of order" in str(failure)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("encoding", "words"), [("br", "compressed by 'br'"), ("gzip, gzip", "gzip, gzip"), ("gzip", "damaged")]
)
def test_what_cannot_be_unpacked_is_told(api: Api, encoding: str, words: str) -> None:
    assert words in str(failed(body(200, b"no gzip", content_encoding=encoding), api))


@pytest.mark.parametrize("api", APIS)
def test_answers_are_asked_for_unpacked(api: Api) -> None:
    async def go() -> str:
        async with Provider(body(400, b"{}")) as provider:
            endpoint = Endpoint(base_url=provider.base_url, api=api)
            model = open_model("mine/the-model", options=ModelOptions(endpoints={"mine": endpoint}))
            try:
                with pytest.raises(ModelError):
                    await model.complete(ask())
            finally:
                await model.close()
            return provider.requests[0].headers["accept-encoding"]

    assert asyncio.run(go()) == "identity"


def _in_a_loop(model: OpenAIEmbedding) -> object:
    async def go() -> Reply:
        try:
            return await model.complete(embedding_request(model.name, "hello"))
        finally:
            await model.close()

    return asyncio.run(go())


def _blocking(model: OpenAIEmbedding) -> object:
    try:
        return model.embed("hello", attempts=1)
    finally:
        client = model._server._blocking  # it lives as long as the model: nothing public closes it
        assert client
        client.close()


@pytest.mark.parametrize("embed", [_in_a_loop, _blocking])
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (body(200, b" " * 20_000), "more than 10,000 bytes"),
        (body(200, gzip.compress(b" " * 20_000), content_encoding="gzip"), "more than 10,000 bytes"),
    ],
)
def test_embeddings_are_bounded_alike(
    embed: Callable[[OpenAIEmbedding], object], answer: Answer, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loopwright.models._bounds._LARGEST", 10_000)
    with on_a_thread(Provider(answer)) as provider:
        endpoint = Endpoint(base_url=provider.base_url)
        model = OpenAIEmbedding.open("mine/the-model", ModelOptions(endpoints={"mine": endpoint}))
        with pytest.raises(ModelRejected, match=words):
            embed(model)


def test_values_are_counted_before_and_while_they_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loopwright.models._bounds._SMALL", 100)
    monkeypatch.setattr("loopwright.models._bounds._MOST_VALUES", 1000)
    assert "1,000 values" in str(failed(body(200, b"[" + b"[]," * 1000 + b"[]]"), "chat"))
    details = [piece(reasoning_details=[{}] * 100)] * 20
    assert "1,000 values" in str(failed(events(*details, piece("hello", finish="stop")), "chat"))
    # Text alone is kept in one piece, however many events bring it.
    assert asked(events(*[piece("a,")] * 600, piece(finish="stop"))).text == "a," * 600


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("kind", ["application/json", "text/plain", "Text/Event-Stream; charset=utf-8"])
def test_a_stream_is_read_whatever_its_type_says(start: str, kind: str) -> None:
    told = start + 'data: {"choices": [{"delta": {"content": "hello"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
    assert asked(body(200, told.encode(), kind=kind)).text == "hello"


def test_halves_of_a_sign_in_two_pieces_are_one_sign() -> None:
    assert asked(events(piece("a\ud83d"), piece("\ude00b\ud83d"), piece(finish="stop"))).text == "a\U0001f600b?"


@pytest.mark.parametrize(
    "told",
    [
        # vLLM up to 0.9 (entrypoints/openai/protocol.py, ErrorResponse)
        'data: {"object": "error", "message": "out of memory", "type": "ServerError", "code": 500}\n\n',
        'event: error\ndata: {"message": "out of memory"}\n\n',
        "event: error\ndata: out of memory\n\n",
    ],
)
def test_an_error_amid_a_stream_is_no_reply_however_it_is_told(told: str) -> None:
    failure = failed(events(piece("Hel"), told), "chat")
    assert isinstance(failure, ModelUnavailable)
    assert "out of memory" in str(failure)
    assert failure.begun


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
def test_numbers_that_no_file_can_hold_go_back_to_no_server(number: str) -> None:
    """They came in what a server wants back, and the next request could not be written."""
    call = piece(tool_calls=[{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}])
    details = piece(reasoning_details=[{"type": "reasoning.text", "text": "hm", "at": 12345.5}])
    lines = [f"data: {json.dumps(one).replace('12345.5', number)}\n\n" for one in (call, details)]
    reply = asked(events(*lines, piece(finish="tool_calls")))
    assert reply.carried == ({"reasoning_details": [{"type": "reasoning.text", "text": "hm", "at": None}]},)


@given(
    st.lists(st.text(alphabet=st.characters(exclude_characters="\r\n\ufeff", exclude_categories=["Cs"]))),
    st.lists(st.sampled_from(["\r\n", "\n", "\r"]), min_size=1),
    st.lists(st.integers(0, 200)),
)
def test_lines_are_the_same_wherever_they_are_cut(lines: list[str], ends: list[str], cuts: list[int]) -> None:
    # An empty line after a lone return would be taken for the rest of its end.
    ends = ["\r\n"] * len(ends) if "" in lines else ends
    content = "".join(line + ends[number % len(ends)] for number, line in enumerate(lines)).encode()
    places = sorted({0, *(cut for cut in cuts if cut < len(content)), len(content)})

    async def pieces() -> AsyncIterator[bytes]:
        for begin, end in pairwise(places):
            yield content[begin:end]

    async def read() -> list[str]:
        return [line async for line in event_lines(pieces())]

    found = asyncio.run(read())
    # A return at the very end may be the first half of an end: what is behind it is no line of its own.
    assert found == [*lines, ""] or (content.endswith(b"\r") and found == lines)
