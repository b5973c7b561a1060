"""The tools of all servers that a task names, for one episode."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from loopwright.errors import MissingExtra, SandboxLost, ToolServerFailed
from loopwright.mcp_tools._http import http_transport
from loopwright.mcp_tools._pipe import MOST, pipe_transport
from loopwright.mcp_tools._program import Program
from loopwright.mcp_tools._result import told_result
from loopwright.mcp_tools._server import CallFailed, McpServer
from loopwright.sandbox import Process, Sandbox
from loopwright.task import McpServerOptions
from loopwright.types import Observation, Tool

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams
    from mcp_types import Tool as McpTool

_LIFETIME = 24 * 3600.0  # its sandbox ends sooner
_DESCRIPTION = 2000
"""Characters of a description that models are shown."""
_SCHEMA = 20_000
"""Characters of a schema of arguments."""
_NAME = 64
"""Characters of a name that servers of models take."""
_SILENT = logging.NullHandler()
"""Keeps what the protocol's package logs of bad messages off the terminal of who set up no logging."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Where servers inside run."""

    sandbox: Sandbox
    folder: str
    """Where they start."""
    own: bool = False
    """Whether it is there for servers alone, and ends with them."""


@dataclass(frozen=True, slots=True)
class _Offered:
    server: str
    tool: str
    """As the server calls it."""
    shown: Tool


class McpToolbox:
    """Starts the servers when their tools are first asked for, and calls them.

    The list of tools is what the servers say then; it does not change in the episode.
    """

    def __init__(
        self,
        servers: Mapping[str, McpServerOptions],
        machine: Callable[[], Awaitable[Machine]],
        put: Callable[[bytes], str],
    ) -> None:
        """Makes a toolbox.

        Args:
            servers: By name.
            machine: Gives the sandbox for those inside; asked once, and only if there are some.
            put: Stores bytes and returns their artifact reference.
        """
        self._options = servers
        self._machine = machine
        self._put = put
        self._servers: dict[str, McpServer] = {}
        self._offered: dict[str, _Offered] | None = None
        self._opening = asyncio.Lock()
        self._own: Sandbox | None = None

    async def tools(self) -> tuple[Tool, ...]:
        """The tools of all servers; see `Toolbox.tools`."""
        async with self._opening:
            if self._offered is None:
                self._offered = await self._open()
        return tuple(offered.shown for offered in self._offered.values())

    def is_outside(self, tool: str) -> bool:
        """Whether a call acts outside of the sandbox; see `Toolbox.is_outside`."""
        options = self._options.get(tool.partition("__")[0])
        return options is not None and options.outside

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> Observation:
        """Calls a tool; see `Toolbox.call`."""
        await self.tools()
        offered = (self._offered or {}).get(tool)
        if offered is None:
            return Observation(text=f"[there is no tool {tool[:80]!r}]")
        try:
            result = await self._servers[offered.server].call(offered.tool, arguments)
        except CallFailed as error:
            if error.gone and self._options[offered.server].outside:
                raise ToolServerFailed(
                    f"mcp_servers.{offered.server}: {tool} gave no result: {error}",
                    remedy="Start the server again, and go on with `loopwright resume RUN`.",
                ) from None
            return Observation(text=f"[{tool} gave no result: {error}]")
        return Observation(text=told_result(result, self._put))

    async def close(self) -> None:
        """Ends all servers, which begin anew where a tool is asked for again; harmless when called twice."""
        servers, self._servers = self._servers, {}
        self._offered = None
        await asyncio.gather(*(server.close() for server in servers.values()), return_exceptions=True)
        if self._own is not None:
            own, self._own = self._own, None
            await own.close()

    async def _open(self) -> dict[str, _Offered]:
        needs_mcp()
        for name in ("mcp", "client"):  # the package logs by both
            logging.getLogger(name).addHandler(_SILENT)
        inside = any(not options.outside for options in self._options.values())
        machine = await self._machine() if inside else None
        if machine is not None and machine.own:
            self._own = machine.sandbox
        found: dict[str, _Offered] = {}
        for name, options in self._options.items():
            server = await self._server(name, options, None if options.outside else machine)
            self._servers[name] = server
            for tool in await server.open():
                if not options.only or tool.name in options.only:
                    offered = _offer(name, tool, found)
                    found[offered.shown.name] = offered
            _refuse_missing(name, options, found)
        return found

    async def _server(self, name: str, options: McpServerOptions, machine: Machine | None) -> McpServer:
        process: Process | None = None
        if machine is not None:
            process = await machine.sandbox.start(
                options.command, timeout=_LIFETIME, cwd=machine.folder, env=dict(options.env)
            )

        async def last_words() -> str:
            if process is None:
                return ""
            try:
                done = await asyncio.wait_for(process.wait(), 5.0)
            except (TimeoutError, SandboxLost):
                return ""
            return done.stderr.text

        def transport() -> AbstractAsyncContextManager[TransportStreams]:
            return pipe_transport(process, MOST) if process else _outside(options)

        anew = options.outside and options.url is None
        return McpServer(name, transport, timeout=options.timeout, last_words=last_words, anew=anew)


def needs_mcp() -> None:
    """Says that the package of the protocol is missing.

    Raises:
        MissingExtra: It is not installed.
    """
    if find_spec("mcp") is None:
        raise MissingExtra("mcp_servers need the package mcp", remedy="Run: pip install 'loopwright[mcp]'")


@asynccontextmanager
async def _outside(options: McpServerOptions) -> AsyncIterator[TransportStreams]:
    """The way to a server that the task wants outside of the sandbox."""
    if options.url is not None:
        async with http_transport(options.url) as streams:
            yield streams
    else:
        # What a model asks of it may be much, and to end it would take the episode out of the count.
        async with pipe_transport(await Program.start(options), math.inf) as streams:
            yield streams


def _offer(server: str, tool: McpTool, taken: Mapping[str, object]) -> _Offered:
    """A tool as models are offered it: its name begins with its server's, so that none is called like an action.

    Raises:
        ToolServerFailed: Its schema is none that models can be shown.
    """
    if problem := _problem(tool.input_schema):
        raise ToolServerFailed(
            f"mcp_servers.{server}: the arguments of {tool.name[:80]!r} {problem}",
            remedy="Name the tools that you want in `only`.",
        )
    plain = f"{server}__{re.sub(r'[^A-Za-z0-9_-]', '_', tool.name)}"
    name, number = plain[:_NAME], 2
    while name in taken:
        name, number = f"{plain[: _NAME - 4]}_{number}", number + 1
    described = (tool.description or tool.title or tool.name)[:_DESCRIPTION]
    return _Offered(server, tool.name, Tool(name=name, description=described, parameters=tool.input_schema))


def _problem(schema: Mapping[str, Any]) -> str:
    """Why models cannot be shown a schema of arguments; empty where they can."""
    if schema.get("type") != "object":
        return "are no object"
    try:
        text = json.dumps(schema, allow_nan=False)
    except ValueError:
        return "have a schema with a number that is not finite"
    return f"have a schema of more than {_SCHEMA} characters" if len(text) > _SCHEMA else ""


def _refuse_missing(server: str, options: McpServerOptions, found: Mapping[str, _Offered]) -> None:
    there = {offered.tool for offered in found.values() if offered.server == server}
    if missing := [name for name in options.only if name not in there]:
        raise ToolServerFailed(
            f"mcp_servers.{server}: the server has no tool {missing[0]!r}", remedy="Correct `only`, or leave it out."
        )
