"""Log-probabilities of a reply's tokens: asked for, read, recorded, and done without."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.models import (
    Endpoint,
    ModelOptions,
    Recorder,
    Replay,
    Reply,
    Request,
    Resilient,
    Scripted,
    TokenLogprobs,
    gives_logprobs,
    open_model,
    request_hash,
)
from loopwright.models.chat._format import read_completion
from tests.models.provider import Answer, Provider, Received, body, completion, events, fault, piece, reply
from tests.models.support import ask

WANTED = ask().model_copy(update={"top_logprobs": 2})
YES = {
    "token": "yes",
    "logprob": -0.1,
    "top_logprobs": [{"token": "yes", "logprob": -0.1}, {"token": "no", "logprob": -2}],
}
DOT = {"token": ".", "logprob": 0, "bytes": [46], "top_logprobs": [{"token": "!", "logprob": -9999.0}]}
READ = (TokenLogprobs(token="yes", top={"yes": -0.1, "no": -2.0}), TokenLogprobs(token=".", top={".": 0.0}))


def whole(logprobs: object) -> dict[str, Any]:
    answer = completion("yes.")
    answer["choices"][0]["logprobs"] = logprobs
    return answer


def asked(*answers: Answer, request: Request = WANTED) -> tuple[Reply, list[Received]]:
    async def go() -> tuple[Reply, list[Received]]:
        async with Provider(*answers) as provider:
            endpoint = Endpoint(base_url=provider.base_url)
            model = open_model("mine/m", options=ModelOptions(endpoints={"mine": endpoint}))
            try:
                return await model.complete(request), provider.requests
            finally:
                await model.close()

    return asyncio.run(go())


def chunk(text: str, *tokens: object) -> dict[str, Any]:
    sent = piece(text)
    sent["choices"][0]["logprobs"] = {"content": list(tokens)}
    return sent


@pytest.mark.parametrize(
    "answer",
    [
        body(200, json.dumps(whole({"content": [YES, DOT]})).encode()),
        events(chunk("yes", YES), chunk(".", DOT), piece(finish="stop")),
    ],
    ids=["whole", "in-pieces"],
)
def test_likely_tokens_are_read(answer: Answer) -> None:
    made, received = asked(answer)
    assert made.logprobs == READ
    assert Reply.model_validate_json(made.model_dump_json()) == made
    assert (received[0].body["logprobs"], received[0].body["top_logprobs"]) == (True, 2)


def test_nothing_is_asked_for_where_none_are_wanted() -> None:
    made, received = asked(reply("yes."), request=ask())
    assert made.logprobs == ()
    assert "logprobs" not in received[0].body
    assert request_hash(ask()) != request_hash(WANTED)
    assert "logprobs" not in ask().model_dump_json() + made.model_dump_json()


def test_a_server_that_refuses_them_answers_without() -> None:
    refusals = (fault(400, f"Unsupported parameter: {name}") for name in ("logprobs", "top_logprobs"))
    made, received = asked(*refusals, reply("yes."))
    assert (made.text, made.logprobs, len(received)) == ("yes.", (), 3)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["content", "token", "logprob", "top_logprobs", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON)
def test_whatever_a_server_sends_in_their_place_is_passed_over(sent: object) -> None:
    made = read_completion(whole(sent))
    assert made.text == "yes."
    assert all(logprob <= 0 for one in made.logprobs for logprob in one.top.values())


def test_recordings_hold_them(tmp_path: Path) -> None:
    made = Reply(text="yes.", model="m", logprobs=READ)
    recorder = Recorder(Resilient(Scripted([made])), tmp_path / "calls.jsonl")
    assert not gives_logprobs(recorder), "nobody measured it"
    asyncio.run(recorder.complete(WANTED))
    replay = Replay(tmp_path / "calls.jsonl")
    assert gives_logprobs(replay)
    assert asyncio.run(replay.complete(WANTED)) == made
