"""Tools of servers of the protocol in episodes: real servers, inside of the sandbox and outside of it."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import loopwright
from loopwright import EpisodeResult, Task
from loopwright.errors import CallInDoubt, SandboxLost, TaskError, ToolServerFailed
from loopwright.mcp_tools import Machine, McpToolbox
from loopwright.models import FunctionCall, Reply, Scripted
from loopwright.sandbox import SandboxProvider, SandboxSpec
from loopwright.store import CallIntended, Event, read_run
from loopwright.task import McpServerOptions
from tests.conftest import PROVIDERS
from tests.mcp_tools.conftest import SERVER

pytest.importorskip("mcp", reason="the extra mcp is not installed")
INSIDE = {"command": ["python3", "/opt/shelf.py"], "env": {"PYTHONPATH": "/opt/packages"}, "timeout": 5}


def call(tool: str, number: int = 0, **arguments: Any) -> Reply:
    made = FunctionCall(id=f"c{number}", name=tool, arguments=json.dumps(arguments))
    return Reply(text="", model="m", tool_calls=(made,))


def task(packages: Path, servers: Mapping[str, Any], **more: Any) -> Task:
    return Task.model_validate(
        {
            "name": "note",
            "goal": "Write the sum of 2 and 3 into /opt/note.txt.",
            "environment": {
                "name": "bash",
                "fixture": str(packages),
                "files": {"/opt/shelf.py": SERVER},
                "hidden": {"gold": "echo -n 5 > /opt/note.txt"},
            },
            "loop": {"strategy": "react", "max_iterations": 6},
            "agents": {"proposer": "actor"},
            "sandbox": {"provider": "bubblewrap", "scratch_mb": 256},
            "mcp_servers": servers,
            **more,
        }
    )


def run(task: Task, replies: list[Reply | str], out: Path) -> tuple[EpisodeResult, Scripted]:
    model = Scripted(replies)
    (episode,) = loopwright.run(task, model=model, out=out, project=out.parent)
    return episode, model


def seen(episode: EpisodeResult) -> list[str]:
    return [attempt.observation.text for attempt in episode.attempts]


@pytest.mark.slow
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_server_works_in_the_sandbox_of_the_agent(packages: Path, tmp_path: Path, provider: str) -> None:
    """Its files are the agent's: a note that it writes is what is graded."""
    replies: list[Reply | str] = [
        call("shelf__add", a=2, b=3),
        call("shelf__note", 1, path="/opt/note.txt", text="5"),
        call("execute", 2, command="cat /opt/note.txt; ls /tmp/outside"),
        call("submit", 3),
    ]
    wanted = task(packages, {"shelf": INSIDE}, sandbox={"provider": provider, "scratch_mb": 256})
    episode, model = run(wanted, replies, tmp_path / "run")
    told = seen(episode)
    assert told[:2] == ["5", "noted in /opt/note.txt"]
    assert told[2].startswith("5")
    first = episode.attempts[0].candidate
    assert first is not None
    assert first.text == '```tool\n{"tool": "shelf__add", "arguments": {"a": 2, "b": 3}}\n```'
    tools = {tool.name: tool for tool in model.requests[0].tools}
    assert {"execute", "submit", "shelf__add", "shelf__submit"} <= tools.keys()
    assert tools["shelf__add"].parameters["required"] == ["a", "b"]
    # The next request tells the call and its result as messages.
    assert model.requests[1].messages[-1].role == "tool"
    assert "5" in model.requests[1].messages[-1].content
    assert episode.scored
    assert told[3].startswith("5")


@pytest.mark.slow
def test_a_resumed_episode_calls_servers_inside_again_and_those_outside_not(packages: Path, tmp_path: Path) -> None:
    shelf = tmp_path / "shelf.py"
    shelf.write_text(SERVER)
    outside = {"command": [sys.executable, str(shelf)], "outside": True}
    inside_note, outside_note = "/opt/note.txt", str(tmp_path / "outside.txt")
    replies: list[Any] = [
        call("in__note", path=inside_note, text="5"),
        call("out__note", 1, path=outside_note, text="once"),
        OSError("the process dies here"),
    ]
    wanted = task(packages, {"in": INSIDE, "out": outside})
    episode, _ = run(wanted, replies, tmp_path / "run")
    assert not episode.scored
    assert Path(outside_note).read_text() == "once"
    going_on = Scripted([call("execute", 2, command=f"cat {inside_note}"), call("submit", 3)])
    (episode,) = loopwright.resume(tmp_path / "run", model=going_on, project=tmp_path)
    assert seen(episode)[:3] == [f"noted in {inside_note}", f"noted in {outside_note}", "5"]
    assert Path(outside_note).read_text() == "once"
    kinds = [event.data for event in read_run(tmp_path / "run").events if isinstance(event.data, CallIntended)]
    asked = [data.request for data in kinds if data.kind == "other"]
    assert {"tool": "out__note", "arguments": {"path": outside_note, "text": "once"}} in asked


@pytest.mark.slow
def test_arguments_too_large_to_be_recorded_do_not_leave_the_sandbox(packages: Path, tmp_path: Path) -> None:
    (tmp_path / "shelf.py").write_text(SERVER)
    outside = {"command": [sys.executable, str(tmp_path / "shelf.py")], "outside": True}
    replies: list[Any] = [call("out__note", path=str(tmp_path / "a"), text="x" * 4 * 1024 * 1024), call("submit", 1)]
    episode, _ = run(task(packages, {"out": outside}), replies, tmp_path / "run")
    assert "the tool was not called" in seen(episode)[0]
    assert not (tmp_path / "a").exists()


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where a server answers by streamable HTTP."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = SERVER.replace("server.run(*sys.argv[1:])", f"server.run('streamable-http', port={port})")
    (tmp_path / "served.py").write_text(program)
    process = subprocess.Popen([sys.executable, str(tmp_path / "served.py")], stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.kill()
        process.wait()


def bare(servers: Mapping[str, Any]) -> McpToolbox:
    options = {name: McpServerOptions.model_validate(one) for name, one in servers.items()}

    async def machine() -> Machine:
        raise AssertionError("no server runs inside")

    return McpToolbox(options, machine, lambda data: f"<{len(data)}>")


@pytest.mark.anyio
async def test_a_server_is_asked_over_http(address: str) -> None:
    box = bare({"shelf": {"url": address, "outside": True}})
    names = [tool.name for tool in await box.tools()]
    assert "shelf__add" in names
    assert (await box.call("shelf__add", {"a": 1, "b": 2})).text == "3"
    assert (await box.call("shelf__picture", {})).text.startswith("[image/png, 5 bytes, kept as artifact <5>")
    failed = (await box.call("shelf__add", {"a": "x"})).text
    assert failed.startswith("[the tool failed]")
    await box.close()


@pytest.mark.anyio
async def test_a_server_over_http_that_goes_is_a_failure_of_infrastructure(address: str) -> None:
    box = bare({"shelf": {"url": address, "outside": True, "timeout": 5}})
    await box.tools()
    with pytest.raises(ToolServerFailed):
        await box.call("shelf__leave", {})
    await box.close()


@pytest.mark.anyio
async def test_nobody_at_an_address_is_told() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    box = bare({"shelf": {"url": f"http://127.0.0.1:{port}/mcp", "outside": True}})
    with pytest.raises(ToolServerFailed, match=r"mcp_servers\.shelf"):
        await box.tools()
    await box.close()


HAND_MADE = """\
import json, sys, time
def answer(asked, result):
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
def tool(name, **more):
    return {"name": name, "inputSchema": {"type": "object"}, **more}
TOOLS = [tool("t")]
RESULT = {"content": [{"type": "text", "text": "done"}]}
for line in sys.stdin:
    asked = json.loads(line)
    method = asked.get("method")
    if method == "initialize":
        answer(asked, {"protocolVersion": asked["params"]["protocolVersion"], "capabilities": {"tools": {}},
                       "serverInfo": {"name": "s", "version": "1"}})
    elif method == "tools/list":
        LIST
    elif method == "tools/call":
        CALL
    elif "id" in asked:
        error = {"code": -32601, "message": "no such method"}
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "error": error}), flush=True)
"""


def hand_made(*, listed: str = 'answer(asked, {"tools": TOOLS})', called: str = "answer(asked, RESULT)") -> list[str]:
    """A program that speaks the protocol as its specification of 2025-06-18 says, with faults."""
    indent = "\n        "
    program = HAND_MADE.replace("LIST", indent.join(listed.split("\n")))
    return ["python3", "-c", program.replace("CALL", indent.join(called.split("\n")))]


async def inside(provider: SandboxProvider, command: list[str], **more: Any) -> tuple[McpToolbox, Any]:
    sandbox = await provider.open(SandboxSpec())

    async def machine() -> Machine:
        return Machine(sandbox, sandbox.workdir, own=True)

    options = McpServerOptions.model_validate({"command": command, "timeout": 2, **more})
    return McpToolbox({"s": options}, machine, lambda data: "<stored>"), sandbox


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("called", "told"),
    [
        ("answer(asked, RESULT)", "done"),
        ("sys.exit(1)", "[s__t gave no result: its server ended]"),
        ("time.sleep(9)", "[s__t gave no result: it gave no answer in 2 s]"),
        ("print('x' * 9_000_000, flush=True)", "[s__t gave no result: its message has more than 8388608 bytes]"),
        ("print('no message', flush=True)\nanswer(asked, RESULT)", "done"),
        ("print('[' * 100_000, flush=True)\nanswer(asked, RESULT)", "done"),
        ("answer(asked, {'content': 7})", "[s__t gave no result: its result cannot be read"),
        ("answer(asked, {'content': [], 'structuredContent': {'a': 1}})", '{"a": 1}'),
        ("answer(asked, {'content': [{'type': 'image', 'data': '?', 'mimeType': 'a'}]})", "[a, which cannot be read]"),
        (
            "while True:\n    print(json.dumps({'jsonrpc': '2.0', 'method': 'notifications/message', "
            "'params': {'level': 'info', 'data': 'x' * 100000}}), flush=True)",
            "[s__t gave no result: ",
        ),
    ],
)
async def test_what_goes_wrong_in_a_server_inside_is_told_to_the_agent(
    provider: SandboxProvider, called: str, told: str
) -> None:
    box, _ = await inside(provider, hand_made(called=called), timeout=2 if "sleep" in called else 60)
    await box.tools()
    assert (await box.call("s__t", {})).text.startswith(told)
    await box.call("s__t", {})  # also of a server that has gone
    await box.close()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("command", "why"),
    [
        (["no-such-program"], "no-such-program"),
        (["python3", "-c", "import no_such_part"], "no_such_part"),
        (hand_made(listed="answer(asked, {'tools': [tool(str(n)) for n in range(200)]})"), "more than 128 tools"),
        (hand_made(listed="answer(asked, {'tools': TOOLS, 'nextCursor': 'x'})"), "pages"),
        (hand_made(listed="answer(asked, {'tools': [{**tool('t'), 'inputSchema': []}]})"), "input"),
        (
            hand_made(
                listed="answer(asked, {'tools': [{'name': 't', 'inputSchema': {'type': 'object', 'x': 'y' * 30000}}]})"
            ),
            "20000 characters",
        ),
        (
            hand_made(
                listed="answer(asked, {'tools': [{'name': 't', 'inputSchema': {'type': 'object', 'x': float('inf')}}]})"
            ),
            "not finite",
        ),
        (hand_made(listed="time.sleep(9)"), "timed out"),
    ],
)
async def test_a_server_that_does_not_begin_well_is_no_score(
    provider: SandboxProvider, command: list[str], why: str
) -> None:
    box, _ = await inside(provider, command)
    with pytest.raises(ToolServerFailed, match=why):
        await box.tools()
    await box.close()


@pytest.mark.anyio
@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}},
        {
            "type": "object",
            "$ref": "#/$defs/a0",
            "$defs": {
                **{f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(40)},
                "a40": {"type": "object"},
            },
        },
        {"type": "object", "properties": {"a": {"pattern": "("}}},
    ],
)
async def test_a_schema_of_results_is_not_worked_out_in_this_process(
    provider: SandboxProvider, schema: dict[str, Any]
) -> None:
    """Both would take years, and hold up all episodes."""
    listed = f'answer(asked, {{"tools": [tool("t", outputSchema=json.loads({json.dumps(schema)!r}))]}})'
    result = {"content": [], "structuredContent": {"a": "a" * 40 + "!"}}
    box, _ = await inside(provider, hand_made(listed=listed, called=f"answer(asked, {result!r})"))
    await box.tools()
    assert (await box.call("s__t", {})).text == json.dumps(result["structuredContent"])
    await box.close()


@pytest.mark.anyio
async def test_a_result_of_many_parts_is_cut_and_few_of_them_are_stored(provider: SandboxProvider) -> None:
    called = "answer(asked, {'content': [{'type': 'image', 'data': 'AAAA', 'mimeType': 'i'}] * PARTS})"
    sandbox = await provider.open(SandboxSpec())
    stored: list[bytes] = []

    async def machine() -> Machine:
        return Machine(sandbox, sandbox.workdir, own=True)

    options = McpServerOptions.model_validate({"command": hand_made(called=called.replace("PARTS", "100_000"))})

    def put(data: bytes) -> str:
        stored.append(data)
        return "<stored>"

    box = McpToolbox({"s": options}, machine, put)
    await box.tools()
    told = (await box.call("s__t", {})).text
    assert told.endswith(
        "not kept, as only 50 of a result are; it cannot be shown here]\n[99000 more parts were left out]"
    )
    assert len(stored) == 50
    await box.close()


@pytest.mark.anyio
async def test_names_cannot_be_those_of_actions_and_differ(provider: SandboxProvider) -> None:
    listed = 'answer(asked, {"tools": [tool("execute"), tool("a.b"), tool("a/b"), tool("x" * 90), tool("x" * 91)]})'
    box, _ = await inside(provider, hand_made(listed=listed))
    names = [tool.name for tool in await box.tools()]
    assert names[:3] == ["s__execute", "s__a_b", "s__a_b_2"]
    assert len(set(names)) == 5
    assert all(len(name) <= 64 for name in names)
    await box.close()


@pytest.mark.anyio
async def test_a_list_that_changes_is_not_looked_at_again(provider: SandboxProvider) -> None:
    called = """TOOLS.append(tool("new"))
print(json.dumps({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}), flush=True)
answer(asked, RESULT)"""
    box, _ = await inside(provider, hand_made(called=called))
    before = await box.tools()
    await box.call("s__t", {})
    assert await box.tools() == before
    assert (await box.call("s__new", {})).text == "[there is no tool 's__new']"
    await box.close()


@pytest.mark.anyio
async def test_only_the_named_tools_are_offered(provider: SandboxProvider) -> None:
    listed = 'answer(asked, {"tools": [tool("a"), tool("b")]})'
    box, _ = await inside(provider, hand_made(listed=listed), only=["b"])
    assert [tool.name for tool in await box.tools()] == ["s__b"]
    await box.close()
    box, _ = await inside(provider, hand_made(listed=listed), only=["c"])
    with pytest.raises(ToolServerFailed, match="no tool 'c'"):
        await box.tools()
    await box.close()


@pytest.mark.anyio
async def test_nothing_of_a_server_stays_alive(provider: SandboxProvider) -> None:
    box, sandbox = await inside(provider, hand_made())
    await box.tools()
    await box.close()
    with pytest.raises(Exception, match="sandbox"):
        await sandbox.run(["true"])


@pytest.mark.anyio
async def test_a_sandbox_that_is_lost_under_a_server_is_no_result(provider: SandboxProvider) -> None:
    box, sandbox = await inside(provider, hand_made(called="time.sleep(60)"), timeout=60)
    await box.tools()
    asked = asyncio.ensure_future(box.call("s__t", {}))
    await asyncio.sleep(0.5)
    await sandbox.close()
    with pytest.raises(SandboxLost):
        await asked
    with pytest.raises(SandboxLost):
        await box.call("s__t", {})
    await box.close()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({}, "one of both"),
        ({"command": ["a"], "url": "http://x"}, "one of both"),
        ({"url": "http://x:99999/mcp", "outside": True}, "of the form http://HOST"),
        ({"url": "http:///mcp", "outside": True}, "of the form http://HOST"),
        ({"url": "http://127.0.0.1/mcp"}, "outside: true"),
        ({"url": "file:///etc/passwd", "outside": True}, "http"),
        ({"command": ["a"], "key": "OPENAI_API_KEY"}, "key"),
    ],
)
def test_a_server_that_cannot_be_meant_is_refused(options: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        McpServerOptions.model_validate(options)


def test_servers_where_nobody_offers_tools_are_told(packages: Path, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="never"):
        loopwright.run(
            task(packages, {"s": INSIDE}, loop={"strategy": "react", "tools": "never"}),
            model=Scripted(["x"]),
            out=tmp_path / "run",
        )


def by_hand(**loop: Any) -> Task:
    """A task whose server needs nothing but Python."""
    return Task.model_validate(
        {
            "name": "call",
            "goal": "Call the tool.",
            "environment": {"name": "bash", "hidden": {"gold": "true"}},
            "loop": {"strategy": "react", "max_iterations": 4, **loop},
            "agents": {"proposer": "actor"},
            "sandbox": {"provider": "bubblewrap"},
            "mcp_servers": {"s": {"command": hand_made()}},
        }
    )


def test_an_answer_after_calls_alone_is_the_state_and_no_call_is_typed_into_the_shell(tmp_path: Path) -> None:
    episode, _ = run(by_hand(max_iterations=1), [call("s__t")], tmp_path / "run")
    assert seen(episode) == ["done"]
    assert episode.scored
    assert episode.answer is not None


@pytest.mark.parametrize("arguments", ['{"a": 1e999}', '{"a": "\\ud800"}', "[]", "{"])
def test_arguments_that_are_no_plain_json_are_the_agents_mistake(tmp_path: Path, arguments: str) -> None:
    bad = Reply(text="", model="m", tool_calls=(FunctionCall(id="c", name="s__t", arguments=arguments),))
    episode, model = run(by_hand(), [bad, call("s__t"), bad, bad, call("submit")], tmp_path / "run")
    assert seen(episode)[0] == "done"
    assert "Nothing was executed" in model.requests[1].messages[-1].content
    assert episode.attempts[1].candidate is None
    assert episode.scored


def test_servers_of_no_use_are_told_before_a_run() -> None:
    checked = loopwright.check(by_hand(strategy="refine"), model=Scripted(["x"]))
    assert any("mcp_servers: refine offers no tools" in note for note in checked.notes)


@pytest.mark.slow
def test_a_call_outside_whose_end_is_not_known_is_not_made_again(tmp_path: Path) -> None:
    """The process dies while the server works: whether the note was written is not known."""
    shelf = tmp_path / "shelf.py"
    shelf.write_text(SERVER)
    wanted = by_hand().model_dump(mode="json")
    wanted["mcp_servers"] = {"out": {"command": [sys.executable, str(shelf)], "outside": True}}
    folder = tmp_path / "run"

    def dies(event: Event) -> None:
        if isinstance(event.data, CallIntended) and event.data.request.get("tool"):
            os.kill(os.getpid(), signal.SIGKILL)

    def until_then() -> None:
        loopwright.run(
            Task.model_validate(wanted), model=Scripted([call("out__sleep", seconds=0)]), out=folder, on_event=dies
        )

    child = multiprocessing.get_context("fork").Process(target=until_then)
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    with pytest.raises(CallInDoubt, match="other call of act"):
        loopwright.resume(folder, model=Scripted([call("submit")]))
