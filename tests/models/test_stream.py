"""Replies that come in pieces: put together, waited for while they come, and lost with what had arrived."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from loopwright.errors import ModelRateLimited, ModelUnavailable
from loopwright.models import Endpoint, Model, ModelOptions, Reply, Usage, open_model
from tests.models.provider import Answer, Provider, events, piece
from tests.models.support import ask

USAGE = {"model": "the-model", "choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 4}}


def served(*answers: Answer, timeout: float = 30.0) -> Reply:
    async def go() -> Reply:
        async with Provider(*answers) as provider:
            model = opened(provider, timeout)
            try:
                return await model.complete(ask())
            finally:
                await model.close()

    return asyncio.run(go())


def opened(provider: Provider, timeout: float = 30.0) -> Model:
    endpoint = Endpoint(base_url=provider.base_url, timeout=timeout)
    return open_model("mine/the-model", options=ModelOptions(endpoints={"mine": endpoint}))


@pytest.mark.parametrize(
    ("pieces", "text", "reasoning"),
    [
        ([piece("", role="assistant"), piece("Hel"), piece("lo"), piece(finish="stop"), USAGE], "Hello", ""),
        # Comments keep the connection alive (openrouter.ai/docs, streaming).
        ([": OPENROUTER PROCESSING\n\n", piece("Hello", finish="stop"), USAGE], "Hello", ""),
        # DeepSeek, vLLM, llama.cpp: thoughts first, in a field of their own.
        (
            [piece(reasoning_content="Say "), piece(reasoning_content="it"), piece("Hello", finish="stop"), USAGE],
            "Hello",
            "Say it",
        ),
        (
            [
                piece([{"type": "thinking", "thinking": [{"type": "text", "text": "Say it"}]}]),
                piece("Hel"),
                piece("lo", finish="stop"),
                USAGE,
            ],
            "Hello",
            "Say it",
        ),
        # Data over two lines, and a carriage return at each line's end.
        (
            ['data: {"choices": [{"delta": {"content": "Hello"},\r\ndata: "finish_reason": "stop"}]}\r\n\r\n', USAGE],
            "Hello",
            "",
        ),
    ],
)
def test_pieces_make_the_reply(pieces: list[Any], text: str, reasoning: str) -> None:
    reply = served(events(*pieces))
    assert (reply.text, reply.reasoning, reply.finish) == (text, reasoning, "stop")
    assert (reply.usage, reply.usage_reported) == (Usage(input=10, output=4), True)


def test_a_stream_that_is_not_told_to_be_done_is_whole_where_the_reason_is_told() -> None:
    assert served(events(piece("Hello", finish="length"), done=False)).finish == "length"


@pytest.mark.parametrize("done", [True, False])
def test_a_whole_reply_counts_though_the_connection_stays_open(done: bool) -> None:
    """Nothing is paid again because a proxy does not hang up."""
    answer = events(piece("Hello", finish="stop"), USAGE, done=done, then="hang")
    assert served(answer, timeout=30.0 if done else 1.0).text == "Hello"


@pytest.mark.parametrize(
    "odd",
    [
        {"choices": [{"delta": "hello"}]},
        {"choices": [{"delta": {}, "finish_reason": {"why": 1}}]},
        {"choices": ["x"]},
        {"choices": None, "usage": 5},
    ],
    ids=str,
)
def test_odd_pieces_are_passed_over(odd: dict[str, Any]) -> None:
    assert served(events(odd, piece("Hello", finish="stop"), USAGE)).text == "Hello"


def test_usage_that_never_comes_is_not_reported() -> None:
    assert not served(events(piece("Hello", finish="stop"))).usage_reported


@pytest.mark.parametrize(
    "lost",
    [
        events(piece("Hel"), done=False),
        events(piece("Hel"), done=False, then="reset"),
        events(piece("Hel"), done=False, then="hang"),
        events(piece("Hel"), "data: {half\n\n"),
    ],
    ids=["broken off", "reset", "silent", "no JSON"],
)
def test_a_reply_that_is_lost_can_be_had_again_and_what_arrived_is_kept(lost: Answer) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        served(lost, timeout=1.0)
    assert caught.value.retry
    assert caught.value.partial == "Hel"


def test_an_error_in_the_stream_is_the_server_s() -> None:
    error = {"error": {"code": 429, "message": "upstream limit"}, "choices": [{"delta": {}, "finish_reason": "error"}]}
    with pytest.raises(ModelRateLimited, match="upstream limit"):
        served(events(piece("Hel"), error))


def test_slow_is_not_silent() -> None:
    """Each piece comes well within the limit; all of them take longer than it."""

    async def slow(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        for _ in range(8):
            writer.write(b'data: {"choices": [{"delta": {"content": "a"}}]}\n\n')
            await writer.drain()
            await asyncio.sleep(0.5)
        writer.write(b"data: [DONE]\n\n")
        writer.close()

    assert served(slow, timeout=3.0).text == "a" * 8


def test_cancelling_closes_the_connection_so_that_the_server_stops() -> None:
    gone = asyncio.Event()

    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        try:
            while not writer.transport.is_closing():
                writer.write(b'data: {"choices": [{"delta": {"content": "a"}}]}\n\n')
                await writer.drain()
                await asyncio.sleep(0.01)
        finally:
            gone.set()

    async def go() -> None:
        async with Provider(endless) as provider:
            model = opened(provider)
            asking = asyncio.create_task(model.complete(ask()))
            while not provider.requests:
                await asyncio.sleep(0.01)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            async with asyncio.timeout(30):
                await gone.wait()
            await model.close()

    asyncio.run(go())


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\x85", "\x0b"])
def test_what_unicode_calls_the_end_of_a_line_is_text(sign: str) -> None:
    whole = f'{{"choices": [{{"delta": {{"content": "a{sign}b"}}, "finish_reason": "stop"}}]}}'
    if sign == "\x0b":
        whole = whole.replace(sign, "\\u000b")
    assert served(events(f"data: {whole}\r\n\r\n")).text == f"a{sign}b"
