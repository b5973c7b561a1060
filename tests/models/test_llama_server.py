"""llama.cpp's own server, for real, over HTTP: an endpoint as any other."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterator

import pytest

from loopwright.errors import ModelUnauthorized
from loopwright.models import Endpoint, ModelOptions, Reply, Request, list_models, open_model
from tests.models.support import ask

WEIGHTS = next(model.path for model in list_models() if model.name == "smollm2-135m")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.local_model,
    pytest.mark.skipif(WEIGHTS is None, reason="the local model's weights are not here: run `loopwright models pull`"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, str]]:
    """Address and key of a running server."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(WEIGHTS)
    params.n_parallel = 2
    params.n_ctx = 2 * 2048
    params.cpuparams.n_threads = 1
    params.verbosity = -1
    key = secrets.token_hex(16)
    params.api_keys = [key]
    params.endpoint_metrics = True
    running = xllamacpp.Server(params)
    running.handle_metrics()  # returns when the queue has started
    yield running.listening_address, key
    del running


def asked(server: tuple[str, str], *requests: Request, monkeypatch: pytest.MonkeyPatch) -> list[Reply]:
    address, key = server
    monkeypatch.setenv("LLAMA_KEY", key)

    async def go() -> list[Reply]:
        endpoint = Endpoint(base_url=f"{address}/v1", api_key_env="LLAMA_KEY")
        model = open_model("llama/smollm2", options=ModelOptions(endpoints={"llama": endpoint}))
        try:
            return list(await asyncio.gather(*map(model.complete, requests)))
        finally:
            await model.close()

    return asyncio.run(go())


def test_replies_are_streamed_counted_and_repeat_with_their_seed(
    server: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ask("Say hello.", temperature=0.8, seed=7, max_tokens=12)
    first, again = (asked(server, request, monkeypatch=monkeypatch)[0] for _ in range(2))
    assert first.text
    assert first.text == again.text
    assert (first.usage_reported, first.left_out) == (True, ())
    assert first.usage.input + first.usage.cache_read > 0
    assert 0 < first.usage.output <= 12


def test_a_reply_that_is_cut_says_so(server: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    (reply,) = asked(server, ask("Count from one to a hundred.", temperature=0, max_tokens=5), monkeypatch=monkeypatch)
    assert (reply.finish, reply.usage.output) == ("length", 5)


def test_a_schema_holds(server: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    request = ask("Name a number.", temperature=0, max_tokens=60).model_copy(update={"json_schema": schema})
    (reply,) = asked(server, request, monkeypatch=monkeypatch)
    assert isinstance(json.loads(reply.text)["n"], int)
    assert reply.left_out == ()


def test_a_wrong_key_is_told_with_the_variable(server: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelUnauthorized) as caught:
        asked((server[0], "wrong-key-0123"), ask("Hi", max_tokens=2), monkeypatch=monkeypatch)
    assert "LLAMA_KEY" in caught.value.remedy
    assert "wrong-key" not in str(caught.value)
