"""The matrix of servers: every cell of the table in docs/models.md."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from pydantic import BaseModel

from loopwright.errors import ModelError, ModelRejected, ModelUnavailable
from loopwright.models import (
    Endpoint,
    Message,
    Model,
    ModelCheck,
    ModelOptions,
    Request,
    Sampling,
    Tool,
    Usage,
    complete_as,
    open_model,
)
from tests.models.servers.description import Effort, Fault, Server
from tests.models.servers.listed import SERVERS
from tests.models.servers.stub import Stub
from tests.models.servers.table import PAGE, matrix
from tests.models.servers.turn import ANSWER, CALLS, LONG, THOUGHT

T = TypeVar("T")
every_server = pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.slug)


EXECUTE = Tool(
    name="execute",
    description="Runs a command.",
    parameters={"type": "object", "properties": {"command": {"type": "string"}}},
)


class Number(BaseModel):
    n: int


async def _picture(reference: str) -> bytes:
    return b"\x89PNG" + reference.encode()


def ask(text: str = "Say hello.", *, images: tuple[str, ...] = (), effort: Effort | None = None) -> Request:
    """A request with all that cards set."""
    sampling = Sampling(temperature=0, seed=3, max_tokens=400, stop=("END",), reasoning_effort=effort)
    return Request(model="mine/m", messages=(Message(role="user", content=text, images=images),), sampling=sampling)


def _options(stub: Stub, server: Server, *, timeout: float = 30.0) -> ModelOptions:
    endpoint = Endpoint(base_url=stub.provider.base_url, api=server.api, timeout=timeout, body=server.own)
    return ModelOptions(endpoints={"mine": endpoint}, artifact=_picture)


def played(server: Server, use: Callable[[Stub, Model], Awaitable[T]]) -> T:
    """What comes of using a model at a stub of the server."""

    async def go() -> T:
        async with Stub(server) as stub:
            model = open_model(f"mine/{server.model}", options=_options(stub, server))
            try:
                return await use(stub, model)
            finally:
                await model.close()

    return asyncio.run(go())


@every_server
def test_plain_reply(server: Server) -> None:
    """Everything that the server refuses is left out and told, and the next call loses nothing more."""

    async def use(stub: Stub, model: Model) -> tuple[tuple[str, ...], int]:
        replies = [await model.complete(ask()) for _ in range(2)]
        assert {reply.text for reply in replies} == {ANSWER}
        assert {(reply.finish, reply.model) for reply in replies} == {("stop", server.model)}
        return replies[1].left_out, len(stub.provider.requests)

    left_out, calls = played(server, use)
    unknown = {"responses": {"seed", "stop"}, "anthropic": {"seed"}}.get(server.api, set())
    refused = server.refuses.keys() - {"max_tokens", "response_format"}
    assert set(left_out) == refused | unknown
    assert calls == 2 + len(server.refuses.keys() - {"response_format"})


@every_server
def test_structured_reply(server: Server) -> None:
    """By the server's own schema, by one in the prompt, or after one repair that tells it."""

    async def use(stub: Stub, model: Model) -> tuple[int, int, tuple[str, ...]]:
        structured = await complete_as(model, ask("Name a number."), Number)
        return structured.value.n, len(structured.replies), structured.replies[-1].left_out

    number, replies, left_out = played(server, use)
    assert number == 7
    assert replies == (2 if server.schema == "passed over" else 1)
    assert ("response_format" in left_out) == (server.schema == "refused")


@every_server
def test_tools(server: Server) -> None:
    """Two calls at once, then their results, with whatever the server wants back."""

    async def use(stub: Stub, model: Model) -> tuple[list[tuple[str, str]], str]:
        request = ask("List the files.").model_copy(update={"tools": (EXECUTE,)})
        called = await model.complete(request)
        results = [Message(role="tool", content="done", call_id=call.id) for call in called.tool_calls]
        messages = (*request.messages, called.message, *results)
        answered = await model.complete(request.model_copy(update={"messages": messages}))
        return [(call.id, call.arguments) for call in called.tool_calls], answered.text

    assert played(server, use) == (list(CALLS), ANSWER)


@every_server
def test_picture(server: Server) -> None:
    async def use(stub: Stub, model: Model) -> str:
        reply = await model.complete(ask("Which colour?", images=("abc",)))
        shown = base64.b64encode(await _picture("abc")).decode()
        assert shown in json.dumps(stub.provider.requests[-1].body)
        return reply.text

    if server.blind is None:
        assert played(server, use) == "red"
    else:
        with pytest.raises(ModelRejected, match="image_url"):
            played(server, use)


@every_server
def test_reasoning_kept(server: Server) -> None:
    async def use(stub: Stub, model: Model) -> tuple[str, str]:
        reply = await model.complete(ask(effort=server.effort))
        return reply.text, reply.reasoning

    shown = "" if server.thoughts.startswith("none") else THOUGHT
    assert played(server, use) == (ANSWER, shown)


@every_server
def test_cut_reply(server: Server) -> None:
    async def use(stub: Stub, model: Model) -> tuple[str, str]:
        reply = await model.complete(ask("Count to a hundred."))
        return reply.finish, reply.text

    assert played(server, use) == ("length", LONG)


@every_server
def test_usage(server: Server) -> None:
    """All classes that the server tells, and the whole reserve where it tells none."""

    async def use(stub: Stub, model: Model) -> tuple[object, bool]:
        reply = await model.complete(ask())
        return reply.usage, reply.usage_reported

    assert played(server, use) == (server.counted, server.counted != Usage())


def _met(server: Server, fault: Fault) -> ModelError:
    async def use(stub: Stub, model: Model) -> ModelError:
        await model.complete(ask())  # what is refused is agreed on
        stub.mood = fault
        with pytest.raises(ModelError) as caught:
            await model.complete(ask())
        return caught.value

    return played(server, use)


@pytest.mark.parametrize(
    ("server", "fault"),
    [
        pytest.param(server, fault, id=f"{server.slug}-{fault.what.replace(' ', '-')}")
        for server in SERVERS
        for fault in server.faults
    ],
)
def test_error_bodies(server: Server, fault: Fault) -> None:
    """The server's own words and the right class, whatever the form of its answer."""
    error = _met(server, fault)
    assert type(error) is fault.error
    assert fault.says in str(error)
    assert "{'" not in str(error), "the message is read, not printed as Python writes it"
    if fault.inside:
        assert error.partial, "what had arrived is kept"


@every_server
def test_rate_limits(server: Server) -> None:
    fault = server.limited
    if isinstance(fault, str):
        pytest.skip(f"{server.name}: {fault}")
    error = _met(server, fault)
    assert type(error) is fault.error
    assert error.retry
    assert fault.says in str(error)
    assert getattr(error, "retry_after", None) == fault.wait


@pytest.mark.slow
def test_stall() -> None:
    """Silence in the midst of a reply ends the call; what had arrived is kept. All at once, as it takes time."""

    async def lost(server: Server) -> ModelUnavailable:
        async with Stub(server) as stub:
            stub.mood = "stall"
            model = open_model(f"mine/{server.model}", options=_options(stub, server, timeout=12.0))
            with pytest.raises(ModelUnavailable) as caught:
                await model.complete(ask())
            await model.close()
            return caught.value

    async def go() -> list[ModelUnavailable]:
        return await asyncio.gather(*map(lost, SERVERS))

    errors = dict(zip([server.slug for server in SERVERS], asyncio.run(go()), strict=True))
    assert [name for name, error in errors.items() if not (error.partial and error.retry)] == []


def test_the_page_on_models_shows_what_is_tested_here() -> None:
    """`python -m tests.models.servers.table` writes it."""
    assert matrix() in PAGE.read_text()


@every_server
def test_models_check_tells_usage_as_runs_count_it(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    async def use(stub: Stub, model: Model) -> tuple[bool, str]:
        reported = (await model.complete(ask())).usage_reported
        check = ModelCheck.open(model.name, _options(stub, server))
        try:
            found = await check.run(None)
        finally:
            await check.model.close()
        told = {finding.name: finding for finding in found.findings}
        assert ("unknown number" in told["token limit"].detail) is not reported
        return reported, told["usage"].answer

    assert played(server, use) in {(True, "yes"), (False, "no")}
