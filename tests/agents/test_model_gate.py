"""The gate in a sandbox, asked by programs there with nothing but the standard library."""

from __future__ import annotations

import asyncio
import json
import textwrap
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from loopwright.agents._model_gate import ModelGate
from loopwright.errors import BudgetExceeded, ModelRejected, ModelUnavailable
from loopwright.models import FunctionCall, Reply, Request, Sampling, Scripted, Usage
from loopwright.sandbox import Completed, GuestProgram, SandboxProvider, SandboxSpec
from loopwright.secrets import register
from tests.conftest import on_every_provider

pytestmark = pytest.mark.anyio
pytest_generate_tests = on_every_provider

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="  # 1 x 1, PNG
ASK = """
import json, os, sys, urllib.error, urllib.request
KEY, BASE = os.environ["OPENAI_API_KEY"], os.environ["OPENAI_BASE_URL"]
def send(path, body=None, key=KEY, **more):
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    asked = urllib.request.Request(BASE + path, data, {"Authorization": "Bearer " + key, **more})
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return answer.status, answer.read().decode(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), dict(error.headers)
def chat(**more):
    return send("/chat/completions", {"model": "replies", "messages": [{"role": "user", "content": "hi"}], **more})
def tell(value):
    print(json.dumps(value))
"""


@dataclass
class Client:
    """A way to a scripted model, without a budget."""

    model: Scripted
    stored: list[bytes] = field(default_factory=list)
    answered: int = 0

    async def complete(self, request: Request) -> Reply:
        reply = await self.model.complete(request)
        self.answered += 1
        return reply

    async def put(self, data: bytes) -> str:
        self.stored.append(data)
        return f"{len(self.stored):064d}"

    async def picture(self, reference: str, max_side: int | None) -> str:
        return reference


@dataclass
class Asked:
    """What came of a program."""

    done: Completed
    told: list[Any]
    gate: ModelGate
    client: Client


async def ask(
    provider: SandboxProvider, script: str, *items: Any, most: int = 10, timeout: float = 60.0, cycle: bool = False
) -> Asked:
    """Runs a program in a sandbox with a gate to a model that answers with the items."""
    client = Client(Scripted(items, cycle=cycle))
    sandbox = await provider.open(SandboxSpec())
    try:
        gate = await ModelGate.open(sandbox, client, "scripted/replies", Sampling(max_tokens=77), most=most)
        env = {"OPENAI_BASE_URL": gate.address, "OPENAI_API_KEY": gate.key}
        program = sandbox.run(["python3", "-c", ASK + textwrap.dedent(script)], env=env, timeout=timeout)
        done = await gate.serve(program)
        await gate.close()
    finally:
        await sandbox.close()
    assert done.timed_out or done.stderr.text == ""
    return Asked(done, [json.loads(line) for line in done.stdout.text.splitlines()], gate, client)


async def test_an_answer_has_the_form_of_chat_completions(provider: SandboxProvider) -> None:
    reply = Reply(text="hello", model="m", usage=Usage(input=5, cache_read=2, output=3))
    asked = await ask(provider, "tell(chat(temperature=0.5, stop='x', seed=4)); tell(send('/models'))", reply)
    (status, body, _), (listed, models, _) = asked.told
    answer = json.loads(body)
    assert (status, listed) == (200, 200)
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "hello", "refusal": None}
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"]["prompt_tokens"] == 7
    assert answer["usage"]["completion_tokens"] == 3
    assert [one["id"] for one in json.loads(models)["data"]] == ["replies"]
    (request,) = asked.client.model.requests
    assert request.model == "scripted/replies"
    # What the request leaves open is the card's.
    assert request.sampling == Sampling(temperature=0.5, stop=("x",), seed=4, max_tokens=77)
    # What a server refuses of it says nothing of what others ask.
    assert not request.teaches


async def test_tools_are_offered_and_called_and_what_models_want_back_is_kept(provider: SandboxProvider) -> None:
    call = FunctionCall(id="c1", name="look", arguments='{"at": 1}', extra={"signature": "s"})
    first = Reply(text="", model="m", tool_calls=(call,), carried=({"thought": "t"},))
    script = """
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
    said = json.loads(chat(tools=tools, tool_choice="required")[1])["choices"][0]
    tell(said)
    messages = [{"role": "user", "content": "hi"}, said["message"]]
    messages.append({"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "a wall"}]})
    tell(json.loads(chat(tools=tools, messages=messages)[1])["choices"][0]["message"]["content"])
    """
    asked = await ask(provider, script, first, "done")
    assert asked.told[0]["finish_reason"] == "tool_calls"
    assert asked.told[0]["message"]["tool_calls"][0]["function"] == {"name": "look", "arguments": '{"at": 1}'}
    assert asked.told[1] == "done"
    before, after = asked.client.model.requests
    assert (before.tools[0].name, before.tool_choice) == ("look", "required")
    assert after.messages[1].tool_calls == (call,)
    assert after.messages[1].carried == first.carried
    assert (after.messages[2].role, after.messages[2].call_id, after.messages[2].content) == ("tool", "c1", "a wall")


async def test_a_stream_has_the_same_in_events(provider: SandboxProvider) -> None:
    call = FunctionCall(id="c1", name="look", arguments="{}")
    script = """
    told = chat(stream=True, stream_options={"include_usage": True})
    assert told[2]["Content-Type"] == "text/event-stream"
    lines = [line[6:] for line in told[1].split("\\n") if line]
    assert lines.pop() == "[DONE]"
    for line in lines:
        tell(json.loads(line))
    """
    asked = await ask(provider, script, Reply(text="hello", model="m", tool_calls=(call,), usage=Usage(output=3)))
    deltas = [one["choices"][0]["delta"] for one in asked.told[:-1]]
    assert deltas[0]["content"] == "hello"
    assert deltas[1]["tool_calls"][0]["index"] == 0
    assert deltas[1]["tool_calls"][0]["function"]["name"] == "look"
    assert asked.told[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert asked.told[-1]["choices"] == []
    assert asked.told[-1]["usage"]["completion_tokens"] == 3


async def test_a_picture_is_stored_and_an_address_of_one_is_not_asked(provider: SandboxProvider) -> None:
    script = f"""
    def see(url):
        part = {{"type": "image_url", "image_url": {{"url": url}}}}
        return chat(messages=[{{"role": "user", "content": [{{"type": "text", "text": "what?"}}, part]}}])
    tell(see("data:image/png;base64,{PIXEL}")[0])
    tell(see("https://example.com/a.png"))
    tell(see("data:image/png;base64,AAAA")[0])
    """
    asked = await ask(provider, script, "a dot")
    assert asked.told[0] == 200
    assert asked.told[1][0] == 400
    assert "data: URL" in asked.told[1][1]
    assert asked.told[2] == 400
    assert asked.client.model.requests[0].messages[0].images == (f"{1:064d}",)
    assert len(asked.client.stored) == 1


async def test_other_models_keys_and_addresses_are_refused(provider: SandboxProvider) -> None:
    script = """
    tell(chat(model="gpt-9"))
    tell(send("/chat/completions", {}, key="wrong"))
    tell(send("/chat/completions", {}, key="\\xe9"))
    tell(send("/embeddings", {}))
    tell(send("/chat/completions", b"{"))
    tell(send("/chat/completions", b"[" * 100000))
    tell(chat(n=2))
    tell(chat(messages=[]))
    tell(chat(messages=[{"role": "user", "content": "\\ud800"}]))
    tell(chat(temperature=float("nan")))
    """
    asked = await ask(provider, script)
    assert [status for status, _, _ in asked.told] == [404, 401, 401, 404, 400, 400, 400, 400, 400, 400]
    errors = [json.loads(body)["error"] for _, body, _ in asked.told]
    assert errors[0]["code"] == "model_not_found"
    assert errors[1]["code"] == "invalid_api_key"
    assert all(headers["x-should-retry"] == "false" for _, _, headers in asked.told)
    assert asked.client.model.requests == []
    assert (asked.gate.calls, asked.gate.refused) == (0, 10)


async def test_a_spent_cap_is_told_as_openai_tells_it(provider: SandboxProvider) -> None:
    cap = BudgetExceeded("the cap on tokens of 10 has 0 left", remedy="Raise it.")
    asked = await ask(provider, "tell(chat()); tell(chat()); tell(chat())", "one", cap, "two", most=2)
    assert [status for status, _, _ in asked.told] == [200, 429, 200]
    error = json.loads(asked.told[1][1])["error"]
    assert (error["type"], error["code"]) == ("insufficient_quota", "insufficient_quota")
    assert "cap on tokens" in error["message"]
    assert "cap on tokens" in asked.gate.spent


async def test_requests_are_counted(provider: SandboxProvider) -> None:
    asked = await ask(provider, "for _ in range(5): tell(chat()[0])", "one", cycle=True, most=3)
    assert asked.told == [200, 200, 200, 429, 429]
    assert "allows 3 requests" in asked.gate.spent


@pytest.mark.usefixtures("secret_registry")
async def test_what_the_provider_says_of_a_request_is_told_without_keys(provider: SandboxProvider) -> None:
    register("a-key-of-the-gates-own-test", "A_KEY")
    said = ModelRejected("too long, for a-key-of-the-gates-own-test", remedy="Shorten it.")
    asked = await ask(provider, "tell(chat())", said)
    assert asked.told[0][0] == 400
    assert json.loads(asked.told[0][1])["error"]["message"] == "too long, for ***"


async def test_a_provider_that_fails_ends_the_program(provider: SandboxProvider) -> None:
    """What the program would make of that is no answer of an agent."""
    with pytest.raises(ModelUnavailable, match="no connection"):
        await ask(provider, "chat(); import time; time.sleep(50)", ModelUnavailable("no connection"))


@pytest.mark.slow
async def test_a_program_that_ends_loses_no_call_under_way(provider: SandboxProvider) -> None:
    script = """
    import threading, time
    threading.Thread(target=chat, daemon=True).start()
    time.sleep(30)
    """
    client = Client(Scripted(["late"], delay=8.0))
    sandbox = await provider.open(SandboxSpec())
    gate = await ModelGate.open(sandbox, client, "scripted/replies", Sampling(), most=10)
    env = {"OPENAI_BASE_URL": gate.address, "OPENAI_API_KEY": gate.key}
    program = sandbox.run(["python3", "-c", ASK + textwrap.dedent(script)], env=env, timeout=4)
    done = await gate.serve(program)
    await gate.close()
    await sandbox.close()
    assert done.timed_out
    assert (gate.calls, client.answered) == (1, 1)


@pytest.mark.slow
async def test_a_cap_on_time_loses_no_call_under_way(provider: SandboxProvider) -> None:
    """It cancels the program; a call that is cancelled with it would be paid and counted under no cap."""
    client = Client(Scripted(["late"], delay=3.0))
    sandbox = await provider.open(SandboxSpec())
    gate = await ModelGate.open(sandbox, client, "scripted/replies", Sampling(), most=10)
    env = {"OPENAI_BASE_URL": gate.address, "OPENAI_API_KEY": gate.key}
    serving = asyncio.ensure_future(gate.serve(sandbox.run(["python3", "-c", ASK + "chat()"], env=env)))
    while not gate.calls:
        await asyncio.sleep(0.01)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    await gate.close()
    await sandbox.close()
    assert client.answered == 1


async def test_large_requests_are_refused_in_the_sandbox(provider: SandboxProvider) -> None:
    script = """
    import http.client, urllib.parse
    at = urllib.parse.urlsplit(BASE)
    def raw(**headers):
        there = http.client.HTTPConnection(at.hostname, at.port, timeout=30)
        there.putrequest("POST", "/v1/chat/completions")
        for name, value in headers.items():
            there.putheader(name.replace("_", "-"), value)
        there.endheaders()
        return there.getresponse().status
    tell(raw(Content_Length=str(10 ** 12)))
    tell(raw(Content_Length="-1"))
    tell(raw(Transfer_Encoding="chunked"))
    tell(chat(messages=[{"role": "user", "content": "x" * 7_000_000}])[0])
    """
    asked = await ask(provider, script, "much")
    assert asked.told == [413, 411, 411, 200]
    assert len(asked.client.model.requests[0].messages[0].content) == 7_000_000


@pytest.mark.slow
async def test_a_length_that_is_none_is_told_and_a_request_that_broke_off_is_not_paid(
    provider: SandboxProvider,
) -> None:
    script = """
    import socket
    from urllib.parse import urlsplit
    body = json.dumps({"model": "replies", "messages": [{"role": "user", "content": "hi"}]}).encode()
    def raw(*lengths):
        lines = ["POST /v1/chat/completions HTTP/1.1", "Host: x", "Authorization: Bearer " + KEY]
        lines += ["Content-Length: " + length for length in lengths]
        with socket.create_connection(("127.0.0.1", urlsplit(BASE).port), timeout=30) as connection:
            connection.sendall(("\\r\\n".join(lines) + "\\r\\n\\r\\n").encode("latin-1"))
            connection.sendall(body)
            connection.shutdown(socket.SHUT_WR)
            with connection.makefile("rb") as answer:
                tell(answer.readline().decode("latin-1")[9:12])
    size = len(body)
    raw("\\xb2")
    raw("9" * 6000)
    raw("-1")
    raw("5", str(size))
    raw(str(size + 10))
    raw("000" + str(size))
    """
    asked = await ask(provider, script, "ok")
    assert asked.told == ["411", "413", "411", "411", "400", "200"]
    assert (asked.gate.calls, asked.client.answered) == (1, 1)


async def test_a_flood_of_bad_requests_closes_the_gate(provider: SandboxProvider) -> None:
    script = """
    import concurrent.futures
    def one(_):
        try:
            return chat(model="gpt-9")[0]
        except Exception:
            return 0
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        told = list(pool.map(one, range(1300)))
    tell([told.count(404), told.count(0)])
    """
    asked = await ask(provider, script, timeout=120.0)
    refused, unanswered = asked.told[0]
    assert 1000 <= refused <= 1020
    assert refused + unanswered == 1300
    assert asked.gate.refused <= 1020


async def test_a_flood_of_connections_leaves_the_sandbox_alive(provider: SandboxProvider) -> None:
    script = """
    import socket, urllib.parse
    at = urllib.parse.urlsplit(BASE)
    held = []
    try:
        for _ in range(400):
            held.append(socket.create_connection((at.hostname, at.port), timeout=0.2))
    except OSError:
        pass
    for one in held:
        one.close()
    tell(chat()[0])
    """
    assert (await ask(provider, script, "still there")).told == [200]


async def test_who_writes_to_the_gates_own_pipe_gets_nothing_by_it(provider: SandboxProvider) -> None:
    """Where the program shares its user with the server, it can replace it: it still needs the key to ask anything."""
    script = """
    import struct, glob
    body = json.dumps({"number": 1, "method": "GET", "path": "/v1/models", "key": "Bearer wrong"}).encode() + b"\\n"
    frames = struct.pack(">I", len(body)) + body + struct.pack(">I", 5) + b"[1]\\n{" + struct.pack(">I", 1 << 31)
    wrote = 0
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            if b"-I" in open(path, "rb").read().split(b"\\0"):
                with open(path.replace("cmdline", "fd/1"), "wb", buffering=0) as pipe:
                    pipe.write(frames)
                    wrote += 1
        except OSError:
            pass
    tell("done")
    """
    asked = await ask(provider, script)
    assert asked.told == ["done"]
    assert asked.gate.calls == 0


async def test_what_a_server_forges_is_refused_and_ends_no_run(provider: SandboxProvider) -> None:
    """Where a sandbox shares its user with its runner, the program can write into the server's pipe."""
    script = r"""
    import struct, sys, time
    heads = [b'{"number": Infinity}', b'{"number": 1.5}', b'{"number": 1, "key": "\ud800"}', b'{"number": []}']
    heads.append(b'{"number": 1, "more": [%s]}' % b",".join([b"[]"] * 10_000))
    sys.stdout.buffer.write(b"".join(struct.pack(">I", len(head) + 1) + head + b"\n" for head in heads))
    sys.stdout.flush()
    time.sleep(30)
    """
    sandbox = await provider.open(SandboxSpec())

    async def when_refused(number: int) -> Completed:
        while gate.refused < number:
            await asyncio.sleep(0.01)
        return await sandbox.run(["true"])

    try:
        server = GuestProgram(await sandbox.start(["python3", "-c", textwrap.dedent(script)]), 100_000)
        gate = ModelGate(server, 1, Client(Scripted([])), "scripted/replies", Sampling(), 10)
        done = await gate.serve(when_refused(5))
        await gate.close()
    finally:
        await sandbox.close()
    assert done.ok
    assert (gate.calls, gate.refused) == (0, 5)


async def test_requests_of_very_many_values_are_refused_before_they_are_read(provider: SandboxProvider) -> None:
    """Of 8 MB of small values the reading took minutes and gigabytes here, in which no sandbox's lease was renewed."""
    script = """
    status, told, _ = chat(messages=[1] * 60_000)
    assert "at most 50,000 values" in told
    tell(status)
    tell(send("/chat/completions", b'{"x": [' + b"[]," * 2_000_000 + b"[]]}")[0])
    tell(send("/chat/completions", b'"' + b'\\\\"' * 3_000_000)[0])
    tell(chat(messages=[{"role": "user", "content": ',[{"' * 100_000}])[0])
    """
    asked = await ask(provider, script, "hello")
    assert asked.told == [400, 400, 400, 200]


@pytest.mark.slow
async def test_a_flood_of_questions_for_models_closes_the_gate(provider: SandboxProvider) -> None:
    script = """
    told = []
    for _ in range(1100):
        try:
            told.append(send("/models")[0])
        except OSError:
            told.append(0)
    tell([told.count(200), told.count(0)])
    """
    asked = await ask(provider, script, timeout=120.0)
    assert asked.told == [[1000, 100]]


@pytest.mark.parametrize("network", ["host"])
async def test_openais_own_client_reads_what_the_gate_says(provider: SandboxProvider, network: Literal["host"]) -> None:
    from openai import AsyncOpenAI, RateLimitError

    call = FunctionCall(id="c1", name="look", arguments='{"at": 1}')
    usage = Usage(input=5, output=3)
    cap = BudgetExceeded("the cap on tokens of 10 has 0 left")
    items: list[Any] = ["hello", Reply(text="I look.", model="m", tool_calls=(call,), usage=usage), cap]
    client = Client(Scripted(items))
    sandbox = await provider.open(SandboxSpec(network=network))
    gate = await ModelGate.open(sandbox, client, "scripted/replies", Sampling(), most=10)
    tool: Any = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    told: list[Any] = []

    async def program() -> Completed:
        async with AsyncOpenAI(base_url=gate.address, api_key=gate.key) as openai:
            asked: Any = {"model": "replies", "messages": [{"role": "user", "content": "hi"}]}
            told.append(await openai.chat.completions.create(**asked))
            async with openai.chat.completions.stream(
                **asked, tools=[tool], stream_options={"include_usage": True}
            ) as stream:
                told.append(await stream.get_final_completion())
            told.append([model.id async for model in openai.models.list()])
            with pytest.raises(RateLimitError) as refused:
                await openai.chat.completions.create(**asked)
            told.append(refused.value.code)
        return await sandbox.run(["true"])

    try:
        await gate.serve(program())
        await gate.close()
    finally:
        await sandbox.close()
    whole, streamed, models, code = told
    assert whole.choices[0].message.content == "hello"
    assert streamed.choices[0].message.content == "I look."
    assert streamed.choices[0].message.tool_calls[0].function.arguments == '{"at": 1}'
    assert streamed.usage.total_tokens == 8
    assert models == ["replies"]
    assert code == "insufficient_quota"
    assert len(client.model.requests) == 3  # the client made no second try
