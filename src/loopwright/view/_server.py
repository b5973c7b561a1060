"""The server: pages of runs for whoever has the token, on the loopback address alone."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from loopwright.control import LARGEST_REQUEST, Command, ControlReply, ControlRequest, ask
from loopwright.errors import MissingExtra, StoreError, UserError
from loopwright.report import compare, render_comparison, render_live, render_runs
from loopwright.text import encodable
from loopwright.view._followed import FollowedRun
from loopwright.view._limits import KNOWN, LARGEST_HEAD, MOST_STREAMS, PATIENCE
from loopwright.view._list import RunList
from loopwright.view._streams import lists, sent, states

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

HOST = "127.0.0.1"
_COMMAND: TypeAdapter[Command] = TypeAdapter(Command)
_FOLLOWED = 4
"""Runs that are kept in memory, at most, beside those that are being watched: the last ones that were asked for."""
_POLICY = "frame-ancestors 'none'"
"""What the policy in a page cannot say."""
_PART_POLICY = f"default-src 'none'; {_POLICY}"
"""Of what is no page by itself, and has no policy in it."""
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def serve(runs: Path, token: str, *, port: int = 0, ready: Callable[[int], None]) -> None:
    """Serves the runs of a folder until it is interrupted.

    Args:
        runs: The folder that holds run folders.
        token: What a browser must show.
        port: 0 for any that is free.
        ready: Called with the port once the server listens.

    Raises:
        MissingExtra: The extra `view` is not installed.
        UserError: The port is taken.
    """
    try:
        import uvicorn

        from loopwright.view._connections import BoundedProtocol
    except ImportError:
        raise _missing() from None
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise UserError(f"port {port} cannot be used: {error.strerror}", remedy="Name another one, or none.") from None
    bound = listener.getsockname()[1]
    app = make_app(runs, token, bound)
    # Addresses hold the token once: they are not logged. Pages that are open hold a stream that has no end.
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_level="critical",
        access_log=False,
        server_header=False,
        h11_max_incomplete_event_size=LARGEST_HEAD,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    listener.listen()
    ready(bound)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


def make_app(runs: Path, token: str, port: int) -> Starlette:
    """The application.

    Args:
        runs: The folder that holds run folders.
        token: What a browser must show: once in the address as `?token=`, then as a cookie.
        port: At which it is served; requests for other hosts are refused.

    Raises:
        MissingExtra: The extra `view` is not installed.
    """
    try:
        from starlette.applications import Starlette
        from starlette.middleware import Middleware
        from starlette.routing import Route
    except ImportError:
        raise _missing() from None
    pages = _Pages(RunList(runs))
    return Starlette(
        routes=[
            Route("/", pages.list_runs),
            Route("/events", pages.follow_list),
            Route("/compare", pages.compare),
            Route("/runs/{run}/", pages.show_run),
            Route("/runs/{run}/events", pages.stream),
            Route("/runs/{run}/episodes", pages.index),
            Route("/runs/{run}/episode", pages.show_episode),
            Route("/runs/{run}/numbers", pages.numbers),
            Route("/runs/{run}/command", pages.steer, methods=["POST"]),
        ],
        middleware=[Middleware(_Guard, token=token, port=port)],
    )


def _missing() -> MissingExtra:
    return MissingExtra("a page of runs needs Starlette and uvicorn", remedy="Run: pip install 'loopwright[view]'")


class _Guard:
    """Lets through who shows the token. Other pages of the browser cannot: their requests bear no cookie."""

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self._app, self._token = app, token
        # Cookies are shared by all ports of a host.
        self._cookie = f"loopwright-view-{port}"
        self._hosts = {f"{HOST}:{port}", f"localhost:{port}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.requests import Request

        answer = self._answer(Request(scope))
        if answer is self._app:
            scope[KNOWN] = True
        await answer(scope, receive, send)

    def _answer(self, request: Request) -> ASGIApp:
        from starlette.responses import PlainTextResponse, RedirectResponse

        if request.headers.get("host", "") not in self._hosts:
            return PlainTextResponse("This server answers for 127.0.0.1 and localhost only.", 400, _HEADERS)
        if request.method not in ("GET", "HEAD") and not _is_own(request):
            return PlainTextResponse("Commands come from the page of the run alone.", 403, _HEADERS)
        if self._is_token(request.query_params.get("token", "")):
            # Two slashes in front would name another host.
            answer = RedirectResponse(f"/{request.url.path.lstrip('/')}", 303, _HEADERS)
            answer.set_cookie(self._cookie, self._token, httponly=True, samesite="strict", path="/")
            return answer
        if self._is_token(request.cookies.get(self._cookie, "")):
            return self._app
        return PlainTextResponse("Open the address that `loopwright view` printed: it holds the token.", 401, _HEADERS)

    def _is_token(self, shown: str) -> bool:
        return hmac.compare_digest(shown.encode("utf-8", "replace"), self._token.encode())


def _is_own(request: Request) -> bool:
    """Whether a page of this server sent it. Pages at other ports of this machine bear the cookie, too."""
    own = f"http://{request.headers.get('host', '')}"
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    return request.headers.get("origin") == own and kind == "application/json"


class _Pages:
    """Answers to requests. What takes long is done in threads."""

    def __init__(self, runs: RunList) -> None:
        self._runs = runs
        self._followed: dict[Path, FollowedRun] = {}
        self._streams = 0
        self._comparing = asyncio.Lock()

    async def list_runs(self, request: Request) -> Response:
        found = await asyncio.to_thread(self._runs.look)
        return _html(await asyncio.to_thread(render_runs, found))

    async def follow_list(self, request: Request) -> Response:
        return self._stream(lists(self._runs))

    async def compare(self, request: Request) -> Response:
        """The comparison of two runs, or of the variants of one."""
        names = request.query_params.getlist("run")
        folders = [await asyncio.to_thread(self._runs.find, name) for name in names]
        found = [folder for folder in folders if folder is not None]
        if not 1 <= len(found) == len(names) <= 2:
            return _plain("A comparison is of one run, or of two, that are in the list.", 404)
        try:
            async with self._comparing:
                return _html(await asyncio.to_thread(lambda: render_comparison(compare(*found))))
        except (UserError, StoreError) as error:
            return _plain(f"{error.args[0]}\n{error.remedy}", 409)

    async def show_run(self, request: Request) -> Response:
        return await self._with_run(request, self._page)

    async def _page(self, run: FollowedRun, request: Request) -> Response:
        live = f"/runs/{quote(encodable(run.folder.name), safe='')}"
        return _html(await asyncio.to_thread(render_live, run.run, live))

    async def numbers(self, request: Request) -> Response:
        return await self._with_run(request, self._numbers)

    async def _numbers(self, run: FollowedRun, request: Request) -> Response:
        # Whoever waits for the same numbers keeps no thread from others.
        async with run.counting:
            return _part(await asyncio.to_thread(run.numbers))

    async def index(self, request: Request) -> Response:
        return await self._with_run(request, self._index)

    async def _index(self, run: FollowedRun, request: Request) -> Response:
        since = request.query_params.get("since", "")
        reader, version = (
            request.query_params.get("reader", ""),
            int(since) if since.isdecimal() and len(since) < 16 else 0,
        )
        return _json(await asyncio.to_thread(lambda: json.dumps(run.index(reader, version), separators=(",", ":"))))

    async def show_episode(self, request: Request) -> Response:
        return await self._with_run(request, self._episode)

    async def _episode(self, run: FollowedRun, request: Request) -> Response:
        found = await asyncio.to_thread(run.episode, request.query_params.get("id", ""))
        return _plain("There is no such episode.", 404) if found is None else _json(found)

    async def steer(self, request: Request) -> Response:
        """Gives a command of the page to the process that works on the run."""
        folder = await asyncio.to_thread(self._runs.find, request.path_params["run"])
        if folder is None:
            return _plain("There is no such run.", 404)
        body = bytearray()
        try:
            async with asyncio.timeout(PATIENCE):
                async for part in request.stream():
                    body += part
                    if len(body) > LARGEST_REQUEST:
                        return _plain("The command is too long.", 413)
        except TimeoutError:
            return _plain("The command did not come in time.", 408)
        reply = await asyncio.to_thread(_commanded, folder, bytes(body))
        return _json(reply.line().decode()) if reply else _plain("This is no command.", 400)

    async def stream(self, request: Request) -> Response:
        return await self._with_run(request, self._news)

    async def _news(self, run: FollowedRun, request: Request) -> Response:
        return self._stream(states(run))

    def _stream(self, news: AsyncGenerator[object]) -> Response:
        """The news as server-sent events."""
        if self._streams >= MOST_STREAMS:
            return _plain("Too many pages are open.", 503)
        from starlette.responses import StreamingResponse

        pages = self

        class Stream(StreamingResponse):
            """Counts until it ends, also where it could not begin."""

            async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
                try:
                    await super().__call__(scope, receive, send)
                finally:
                    pages._streams -= 1

        self._streams += 1
        return Stream(sent(news), media_type="text/event-stream", headers=_HEADERS)

    async def _with_run(
        self, request: Request, answer: Callable[[FollowedRun, Request], Awaitable[Response]]
    ) -> Response:
        folder = await asyncio.to_thread(self._runs.find, request.path_params["run"])
        if folder is None:
            return _plain("There is no such run.", 404)
        try:
            run = await self._follow(folder)
            await asyncio.to_thread(run.look)
            return await answer(run, request)
        except StoreError as error:
            return _plain(str(error), 500)

    async def _follow(self, folder: Path) -> FollowedRun:
        """The run, which is now the one that was looked at last."""
        known = self._followed.get(folder)
        made = known
        if made is None or made.replaced:
            made = await asyncio.to_thread(FollowedRun, folder)
            if self._followed.get(folder) is known:
                self._followed[folder] = made
        # Others may have let it go meanwhile.
        run = self._followed.pop(folder, made)
        self._followed[folder] = run
        for other in [path for path, one in self._followed.items() if not one.watchers and path != folder]:
            if len(self._followed) > _FOLLOWED:
                del self._followed[other]
        return run


def _commanded(folder: Path, body: bytes) -> ControlReply | None:
    """What a run answers to a command in JSON, or why it does not; None for what is no command."""
    try:
        order = _COMMAND.validate_json(body)
    except ValidationError:
        return None
    try:
        return ask(folder, ControlRequest(command=order, by="view"))
    except UserError as error:
        return ControlReply(done=False, told=str(error.args[0]), remedy=error.remedy)


def _json(text: str) -> Response:
    from starlette.responses import Response

    return Response(text, media_type="application/json", headers=_HEADERS)


def _part(markup: str) -> Response:
    from starlette.responses import HTMLResponse

    return HTMLResponse(markup, headers={**_HEADERS, "Content-Security-Policy": _PART_POLICY})


def _html(page: str) -> Response:
    from starlette.responses import HTMLResponse

    return HTMLResponse(page, headers=_HEADERS)


def _plain(text: str, status: int) -> Response:
    from starlette.responses import PlainTextResponse

    return PlainTextResponse(text, status, _HEADERS)
