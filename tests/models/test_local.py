"""The real local model; its weights come with `loopwright models pull`."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from pydantic import BaseModel

from loopwright.errors import ModelRejected, ModelUnavailable, UserError
from loopwright.models import (
    Message,
    Model,
    ModelOptions,
    Reply,
    Request,
    Sampling,
    complete_as,
    list_models,
    open_model,
)
from loopwright.models.chat._weights import CATALOGUE
from tests.models.support import ask

T = TypeVar("T")

PRESENT = any(model.name == "smollm2-135m" and model.path for model in list_models())

pytestmark = [
    pytest.mark.local_model,
    pytest.mark.skipif(not PRESENT, reason="the local model's weights are not here: run `loopwright models pull`"),
]

STORY = ask("Tell me a long story about a fox.", max_tokens=250)


def use(work: Callable[[Model], Awaitable[T]], **options: object) -> T:
    # Threads wait for each other in a loop: where other tests take their cores, two take ten times as long as one.
    settings = {"slots": 2, "context": 1024, "threads": 1, **options}

    async def go() -> T:
        model = open_model("local/smollm2-135m", options=ModelOptions(**settings))  # type: ignore[arg-type]
        try:
            return await work(model)
        finally:
            await model.close()

    return asyncio.run(go())


def test_it_answers_and_counts_tokens() -> None:
    request = Request(
        model="local/smollm2-135m",
        messages=(
            Message(role="system", content="You are a helpful assistant."),
            Message(role="user", content="What is the capital of France?"),
        ),
        sampling=Sampling(max_tokens=24, temperature=0),
    )
    reply = use(lambda model: model.complete(request))
    assert "Paris" in reply.text
    assert reply.model == "SmolLM2-135M-Instruct.Q4_1"
    assert reply.usage.input > 5
    assert 0 < reply.usage.output <= 24
    assert reply.seconds > 0


def test_a_common_prefix_is_read_from_the_cache() -> None:
    long = "The fox is red and quick. " * 20

    async def twice(model: Model) -> list[Reply]:
        return [await model.complete(ask(long + end, max_tokens=2)) for end in ("Why?", "How?")]

    first, second = use(twice, slots=1)
    assert first.usage.cache_read == 0
    assert second.usage.cache_read > 100
    assert second.usage.input < 20


def test_the_token_limit_is_told() -> None:
    assert (
        use(lambda model: model.complete(ask("Tell me a long story about a fox.", max_tokens=5, temperature=0))).finish
        == "length"
    )


def test_a_model_of_the_catalogue_gets_no_longer_replies_than_it_is_good_for() -> None:
    reply = use(lambda model: model.complete(ask("Tell me a long story about a fox.", max_tokens=5000, temperature=0)))
    limit = CATALOGUE["smollm2-135m"].sampling.max_tokens
    assert reply.finish == "length"
    assert reply.usage.output == limit


@pytest.mark.slow
def test_one_slot_repeats_itself() -> None:
    async def several(model: Model) -> set[str]:
        request = ask("Invent a word and explain it.", max_tokens=40, temperature=1.0, seed=11)
        return {(await model.complete(request)).text for _ in range(3)}

    threads = ModelOptions().threads  # what users get: they must not change a reply either
    once = use(several, slots=1, threads=threads)
    assert len(once) == 1
    assert use(several, slots=1, threads=threads) == once


def test_another_seed_gives_another_reply() -> None:
    async def several(model: Model) -> set[str]:
        text = "Invent a word and explain it."
        return {(await model.complete(ask(text, max_tokens=40, temperature=1.0, seed=seed))).text for seed in (1, 2)}

    assert len(use(several)) == 2


class Sky(BaseModel):
    blue: bool
    why: str


def test_json_by_a_schema() -> None:
    request = ask("Is the sky blue? Answer in JSON, briefly.", max_tokens=200, temperature=0)
    answer = use(lambda model: complete_as(model, request, Sky))
    assert isinstance(answer.value, Sky)


def test_more_calls_than_slots_all_get_their_own_answer() -> None:
    async def many(model: Model) -> list[Reply]:
        requests = (
            ask(f"Say {word}.", max_tokens=8) for word in ["one", "two", "three", "four", "five", "six", "seven"]
        )
        return await asyncio.gather(*(model.complete(request) for request in requests))

    replies = use(many)
    assert len(replies) == 7
    assert all(reply.usage.output for reply in replies)


def test_a_cancelled_call_frees_its_slot() -> None:
    async def cancel_then_ask(model: Model) -> tuple[int, Reply]:
        await model.complete(ask("Hi", max_tokens=1))
        slow = asyncio.create_task(model.complete(STORY))
        await asyncio.sleep(0.3)
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        return slow.cancelling(), await model.complete(ask("Hi", max_tokens=1))

    assert use(cancel_then_ask, slots=1)[1].usage.output == 1


def test_a_reply_that_takes_too_long_is_given_up() -> None:
    async def impatient(model: Model) -> None:
        await model.complete(STORY)

    with pytest.raises(ModelUnavailable, match=r"no reply within 0\.3 s"):
        use(impatient, timeout=0.3)


def test_a_prompt_beyond_the_context_is_refused() -> None:
    with pytest.raises(ModelRejected, match="exceeds the available context size"):
        use(lambda model: model.complete(ask("word " * 3000)))


def test_a_schema_that_cannot_be_used_is_refused() -> None:
    request = ask("Hi").model_copy(update={"json_schema": {"type": "nonsense"}})
    with pytest.raises(ModelRejected, match="JSON schema"):
        use(lambda model: model.complete(request))


def test_images_are_refused() -> None:
    request = Request(model="local/x", messages=(Message(role="user", content="What is it?", images=("abc",)),))
    with pytest.raises(UserError, match="cannot see images"):
        use(lambda model: model.complete(request))


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"no model " * 100)

    async def go() -> None:
        model = open_model("local/bad.gguf", options=ModelOptions(folder=tmp_path))
        await model.complete(ask())

    with pytest.raises(UserError, match=r"bad\.gguf cannot be loaded"):
        asyncio.run(go())


def test_models_of_equal_settings_share_the_weights_until_the_last_one_closes() -> None:
    from loopwright.models.chat import _local

    async def go() -> list[int]:
        options = ModelOptions(slots=1, context=512)
        one, other = (open_model("local/smollm2-135m", options=options) for _ in range(2))
        loaded = []
        await asyncio.gather(*(model.complete(ask(max_tokens=1)) for model in (one, other, one)))
        loaded.append(len(_local._engines))
        await one.close()
        await one.close()
        await other.complete(ask(max_tokens=1))
        loaded.append(len(_local._engines))
        await other.close()
        loaded.append(len(_local._engines))
        await one.complete(ask(max_tokens=1))
        await one.close()
        return loaded

    assert asyncio.run(go()) == [1, 1, 0]


def test_it_says_nothing_on_the_terminal_and_serves_nobody_else() -> None:
    """llama.cpp logs much, and listens on a port; the port refuses whoever does not know the key."""
    program = """
import asyncio, os, urllib.request, urllib.error
from loopwright.models import Message, ModelOptions, Request, Sampling, open_model
from loopwright.models.chat import _local
model = open_model("local/smollm2-135m", options=ModelOptions(slots=1, context=512))
request = Request(model=model.name, messages=(Message(role="user", content="Hi"),), sampling=Sampling(max_tokens=1))
asyncio.run(model.complete(request))
(engine,) = _local._engines.values()
for path in ("/v1/models", "/slots", "/props"):
    try:
        urllib.request.urlopen(engine.server.listening_address + path, timeout=10)
        print("open", path)
    except urllib.error.HTTPError as error:
        assert error.code == 401
asyncio.run(model.close())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_a_process_ends_cleanly_without_closing_the_model() -> None:
    program = """
import asyncio
from loopwright.models import Message, ModelOptions, Request, Sampling, open_model
model = open_model("local/smollm2-135m", options=ModelOptions(slots=1, context=512))
request = Request(model=model.name, messages=(Message(role="user", content="Hi"),), sampling=Sampling(max_tokens=1))
asyncio.run(model.complete(request))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120)
    assert (done.stderr, done.returncode) == ("", 0)
