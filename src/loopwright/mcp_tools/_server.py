"""One server of tools: a task of its own holds the connection, as the protocol's package wants it in one task."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from loopwright.errors import LoopwrightError, SandboxLost, ToolServerFailed

if TYPE_CHECKING:
    from mcp import Client
    from mcp.client._transport import TransportStreams
    from mcp_types import CallToolResult
    from mcp_types import Tool as McpTool

_START = 60.0
"""Seconds until a server has said what its tools are."""
_END = 10.0
"""Seconds until a connection has ended: a program outside has two times two to end by itself."""
_PAGES = 20
"""Pages of a list of tools."""
_TOOLS = 128
"""Tools of one server."""
_PROBE = 10.0
"""Seconds in which a server says that it is still there."""
_ANSWERED_BADLY = "Server returned an error response"
_NO_SESSION = "Session terminated"
"""How the package tells a status from 400 on, and one of 404 in a session."""


class CallFailed(Exception):
    """A call that gave no result; the text tells a model why.

    Attributes:
        gone: Whether the server is, too.
    """

    def __init__(self, message: str, *, gone: bool = False) -> None:
        super().__init__(message)
        self.gone = gone


class _Anew(Exception):
    """The server must be spoken to from the beginning: it does not know its session any more, or has ended.

    Its text is what the call fails with that met it. The call is not made again, as it may have been carried out.
    """


@dataclass(frozen=True, slots=True)
class _Call:
    tool: str
    arguments: Mapping[str, Any]
    answer: asyncio.Future[CallToolResult]
    failed: str = ""
    """Why it gives no result, once the server was started again."""

    def fails(self, error: CallFailed) -> None:
        """Tells whoever still waits."""
        if not self.answer.done():
            self.answer.set_exception(error)


class McpServer:
    """A connection to a server."""

    def __init__(
        self,
        name: str,
        transport: Callable[[], AbstractAsyncContextManager[TransportStreams]],
        *,
        timeout: float,
        last_words: Callable[[], Awaitable[str]],
        anew: bool = False,
    ) -> None:
        """Makes one; `open` connects.

        Args:
            name: As the task names it.
            transport: Carries messages.
            timeout: Seconds for one call.
            last_words: What the server's process wrote to stderr, once it has ended.
            anew: Whether a server that ended is started again, and only the call fails in which it did.
        """
        self._name = name
        self._transport = transport
        self._timeout = timeout
        self._last_words = last_words
        self._anew = anew
        self._calls: asyncio.Queue[_Call | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[list[McpTool]] = asyncio.get_running_loop().create_future()

    async def open(self) -> list[McpTool]:
        """Connects and returns the tools.

        Raises:
            SandboxLost: The sandbox in which it runs is gone.
            ToolServerFailed: The server does not start, or does not answer as one.
        """
        self._task = asyncio.create_task(self._hold())
        waited: tuple[asyncio.Future[Any], ...] = (self._ready, self._task)
        await asyncio.wait(waited, timeout=_START, return_when=asyncio.FIRST_COMPLETED)
        if self._ready.done():
            return self._ready.result()
        why = f"it said nothing about its tools in {_START:g} s"
        if self._task.done() and (error := self._task.exception()):
            why = _flat(error)
        _raise_loss(self._task)
        await self.close()
        said = (await self._last_words()).strip()
        raise ToolServerFailed(
            f"mcp_servers.{self._name}: the server does not answer: {why}{f': {said[-600:]}' if said else ''}",
            remedy="Its program and all that the program needs must be there: inside of the sandbox, or on this "
            "machine with `outside: true`.",
        )

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> CallToolResult:
        """Calls a tool.

        Raises:
            CallFailed: There is no result.
            SandboxLost: The sandbox in which the server runs is gone.
        """
        task = self._task
        if task is None or task.done():
            _raise_loss(task)
            raise CallFailed("its server has ended", gone=True)
        asked = _Call(tool, arguments, asyncio.get_running_loop().create_future())
        self._calls.put_nowait(asked)
        waited: tuple[asyncio.Future[Any], ...] = (asked.answer, task)
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if asked.answer.done():
                return asked.answer.result()
        except CallFailed as error:
            if not error.gone:
                raise
            await asyncio.wait([task], timeout=_END)  # why it is gone is known when the connection has ended
        finally:
            asked.answer.cancel()  # nobody waits for it any more
        _raise_loss(task)
        raise CallFailed("its server ended", gone=True)

    async def close(self) -> None:
        """Ends the connection; harmless when called twice."""
        task, self._task = self._task, None
        if task is None:
            return
        self._calls.put_nowait(None)
        done, _ = await asyncio.wait({task}, timeout=_END)
        if not done:
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def _hold(self) -> None:
        from mcp import Client

        failed: _Call | None = None
        while True:
            async with Client(self._transport(), read_timeout_seconds=self._timeout, cache=None) as client:
                tools = await _listed(client)
                if not self._ready.done():
                    self._ready.set_result(tools)
                if failed is not None:
                    failed.fails(CallFailed(failed.failed))
                failed = await self._serve(client)
            if failed is None:
                return

    async def _serve(self, client: Client) -> _Call | None:
        """Makes calls until none is wanted or the server is gone; returns the one that met the end of the session."""
        while (asked := await self._calls.get()) is not None:
            try:
                result = await self._result(client, asked)
            except _Anew as ended:
                return replace(asked, failed=str(ended))
            except CallFailed as error:
                asked.fails(error)
                if error.gone:
                    return None
            else:
                if not asked.answer.done():
                    asked.answer.set_result(result)
        return None

    async def _result(self, client: Client, asked: _Call) -> CallToolResult:
        from mcp import MCPError
        from mcp_types import (
            CONNECTION_CLOSED,
            REQUEST_TIMEOUT,
            CallToolRequest,
            CallToolRequestParams,
            CallToolResult,
        )
        from pydantic import ValidationError

        request = CallToolRequest(params=CallToolRequestParams(name=asked.tool, arguments=dict(asked.arguments)))
        try:
            # `Client.call_tool` would check the result by the server's own schema, whose patterns and references can
            # take hours in this process.
            return await client.session.send_request(request, CallToolResult, self._timeout)
        except MCPError as error:
            if error.code == REQUEST_TIMEOUT:
                raise CallFailed(f"it gave no answer in {self._timeout:g} s") from None
            if error.message == _NO_SESSION:
                raise _Anew("its session ended, and a new one was begun; call it again") from None
            told = error.message[:1000]
            if error.code == CONNECTION_CLOSED or error.message == _ANSWERED_BADLY:
                # The call may have been carried out, so it is not made again.
                gone = not await _is_there(client)
                if gone and self._anew:
                    raise _Anew("its server ended, and was started again") from None
                raise CallFailed(told, gone=gone) from None
            raise CallFailed(told) from None
        except (ValidationError, RuntimeError, ValueError) as error:  # of a result that is none
            raise CallFailed(f"its result cannot be read: {str(error)[:300]}") from None


async def _is_there(client: Client) -> bool:
    """Whether a server answers still, if only that it knows no `ping`."""
    from mcp import MCPError
    from mcp_types import CONNECTION_CLOSED, REQUEST_TIMEOUT

    try:
        async with asyncio.timeout(_PROBE):
            await client.session.send_ping()
    except TimeoutError:
        return False
    except MCPError as error:
        return error.code not in (CONNECTION_CLOSED, REQUEST_TIMEOUT) and error.message != _ANSWERED_BADLY
    return True


async def _listed(client: Client) -> list[McpTool]:
    """All tools of a server, as it tells them when it starts.

    Raises:
        ToolServerFailed: There are more than anybody should be asked to look at.
    """
    found: list[McpTool] = []
    cursor: str | None = None
    for _ in range(_PAGES):
        page = await client.list_tools(cursor=cursor)
        found += page.tools
        cursor = page.next_cursor
        if len(found) > _TOOLS:
            break  # a page may take seconds of the process, so that no other is asked for
        if cursor is None:
            return found
    raise ToolServerFailed(f"it has more than {_TOOLS} tools, or more than {_PAGES} pages of them")


def _raise_loss(task: asyncio.Task[None] | None) -> None:
    """Tells of a sandbox that was lost under a server, which is no result of a tool.

    Raises:
        SandboxLost: The connection ended because the sandbox is gone.
    """
    if task is None or not task.done() or task.cancelled():
        return
    error = task.exception()
    while isinstance(error, BaseExceptionGroup):
        error = (error.subgroup(SandboxLost) or error).exceptions[0]
    if isinstance(error, SandboxLost):
        raise error


def _flat(error: BaseException) -> str:
    """The first cause in a group of errors."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    told = error.args[0] if isinstance(error, LoopwrightError) else error
    return str(told)[:600] or type(error).__name__
