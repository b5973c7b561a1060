"""A server of models: where it is, its key, its clients, and what its failures mean."""

from __future__ import annotations

import asyncio
import codecs
import importlib
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal, Self

from loopwright._addresses import http_host
from loopwright.errors import ModelError, ModelRejected, ModelUnavailable, UserError
from loopwright.models._bounds import UNPACKED, bound, bound_blocking
from loopwright.models._endpoints import OPENAI_URL, builtin_endpoint, endpoints_file, key_variable, url_variable
from loopwright.models._faults import Fault, Fix, may_be_reply, read_fault, shown_url, to_error
from loopwright.models._keys import filled_headers, key_of
from loopwright.models._options import ModelOptions
from loopwright.models._wire import (
    Files,
    HttpAnswer,
    RawResponse,
    RawStream,
    decoded,
    events,
    form_field,
    transport_error,
)
from loopwright.secrets import is_secret, register, register_url, scrub
from loopwright.types import Endpoint

if TYPE_CHECKING:
    import httpx2
    import openai

_LONGEST = 7200.0
"""Seconds after which a reply that still comes in pieces is given up."""

_PATHS = {
    "chat": "/chat/completions",
    "responses": "/responses",
    "anthropic": "/messages",
    "gemini": "/models/MODEL:generateContent",
}
"""What follows the base URL, by API."""

_SENT = frozenset(
    {"host", "authorization", "content-type", "content-length", "transfer-encoding", "accept", "accept-encoding"}
    | {"connection", "user-agent"}
)
"""Headers that every request has."""


class ModelServer:
    """One server, and the clients that speak to it.

    Attributes:
        base_url: The URL before `/chat/completions`, or before what another API has in its place.
        endpoint: The same without what is secret, for messages and for the circuit breaker.
        timeout: Seconds without a word after which one call is given up.
        settings: What the user set about it.
        key: The key; empty for a server that asks for none.
    """

    def __init__(self, name: str, settings: Endpoint, *, base_url: str, api_key: str, fix: Fix) -> None:
        """Names a server; nothing is sent yet.

        Args:
            name: Of the model, for messages.
            settings: How to reach it.
            base_url: As in the settings; may hold a password.
            api_key: The key; any text for a server that asks for none.
            fix: What the reader sets to mend a failure.

        Raises:
            MissingSecret: A variable that a header needs is not set.
        """
        # A server that checks no key is given a word, as programs hold it.
        register(api_key if settings.api_key_env and is_secret(api_key) else "", settings.api_key_env or "")
        register_url(base_url)
        self.base_url = base_url
        self.endpoint = shown_url(base_url)
        self.timeout = settings.timeout
        self.settings = settings
        self.key = api_key if settings.api_key_env else ""
        self._headers = filled_headers(name, settings)
        self._name = name
        self._api_key = api_key
        self._fix = fix
        self._client: openai.AsyncOpenAI | None = None
        self._blocking: openai.OpenAI | None = None
        self._http: httpx2.AsyncClient | None = None

    @classmethod
    def open(
        cls, name: str, options: ModelOptions, *, api: Literal["chat", "responses"] = "chat", path: str = ""
    ) -> Self:
        """Finds the server of `openai/...` and its key in options and environment.

        Args:
            name: Of the model, for messages.
            options: Settings.
            api: What the server speaks.
            path: What follows the base URL, for messages; that of the API where left out.

        Raises:
            MissingSecret: There is no key, or it cannot be one.
            UserError: The base URL is none.
        """
        base_url = options.base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI_URL
        if http_host(base_url) is None:
            raise UserError(
                f"{name}: the base URL is not of the form https://HOST/PATH",
                remedy="Set OPENAI_BASE_URL to the URL before /chat/completions, such as http://127.0.0.1:8000/v1.",
            )
        settings = Endpoint(
            base_url=shown_url(base_url), api=api, api_key_env="OPENAI_API_KEY", timeout=options.timeout
        )
        api_key = key_of(name, "OPENAI_API_KEY", options.api_key)
        fix = Fix(
            key="OPENAI_API_KEY",
            url="OPENAI_BASE_URL",
            timeout=f"an endpoint of your own in {endpoints_file()}",
            path=path or _PATHS[api],
        )
        return cls(name, settings, base_url=base_url, api_key=api_key, fix=fix)

    @classmethod
    def at(cls, name: str, endpoint: str, settings: Endpoint, *, path: str = "") -> Self:
        """A server that has a name of its own: `endpoint`.

        Args:
            name: Of the model, for messages.
            endpoint: The server's name.
            settings: How to reach it.
            path: What follows the base URL, for messages; that of the API where left out.

        Raises:
            MissingSecret: A variable that it needs is not set, or its value cannot be a key.
        """
        where = f"`{endpoint}` in {endpoints_file()}"
        builtin = settings == builtin_endpoint(endpoint)
        variable = settings.api_key_env
        api_key = key_of(name, variable, None) if variable else "none"
        fix = Fix(
            key=variable or (key_variable(endpoint) if builtin else f"`api_key_env` of {where}"),
            url=url_variable(endpoint) if builtin else f"`base_url` of {where}",
            timeout=f"an endpoint of your own in {endpoints_file()}" if builtin else where,
            path=path or _PATHS[settings.api],
        )
        return cls(name, settings, base_url=settings.base_url, api_key=api_key, fix=fix)

    async def ask(self, call: Callable[[openai.AsyncOpenAI], Awaitable[RawResponse]]) -> bytes:
        """Makes one call and returns the body of the answer.

        Raises:
            ModelError: The server failed or refused; the class tells whether to retry.
        """
        client = await self.client()
        try:
            async with asyncio.timeout(self.timeout):
                return await self._answer(client, call)
        except TimeoutError:
            raise self._silent() from None

    @asynccontextmanager
    async def called(self, call: AbstractAsyncContextManager[RawStream]) -> AsyncIterator[RawStream]:
        """A call by the library of OpenAI, with its failures told as Loopwright tells them."""
        import openai

        # No `from error`: the client's exceptions hold the request with its key.
        try:
            async with call as response:
                yield response
        except openai.APIError as error:
            raise self._failure(error) from None
        except transport_error() as error:
            raise self._lost(error) from None

    @asynccontextmanager
    async def posted(
        self, path: str, headers: Mapping[str, str], body: Mapping[str, Any], files: Files = ()
    ) -> AsyncIterator[RawStream]:
        """A call that the library of OpenAI does not make.

        Args:
            path: After the base URL.
            headers: Those of the API; the user's own come before them.
            body: What is sent: as JSON, or as a form if there are files.
            files: What is sent beside it.
        """
        import httpx2

        if self._http is None:
            limits = httpx2.Limits(max_connections=1000, max_keepalive_connections=100)
            self._http = httpx2.AsyncClient(
                timeout=None,
                follow_redirects=False,
                limits=limits,
                headers=UNPACKED,
                event_hooks={"response": [bound]},
            )
        sent = {**headers, **self._headers}
        if files:
            fields = {name: form_field(value) for name, value in body.items()}
            content: dict[str, Any] = {"data": fields, "files": list(files)}
        else:
            sent = {"content-type": "application/json", **sent}
            content = {"content": json.dumps(body).encode()}
        # No `from error`: the library's exceptions hold the request with its key.
        try:
            async with self._http.stream("POST", self.base_url + path, headers=sent, **content) as response:
                answer = HttpAnswer(response)
                if not response.is_success:
                    said = decoded(await self._whole(answer, bytearray()))
                    raise self.error(read_fault(response.status_code, said, response.headers))
                yield answer
        except httpx2.HTTPError as error:
            raise self._lost(error) from None

    async def stream(self, call: AbstractAsyncContextManager[RawStream], take: Callable[[str], bool]) -> bytes | None:
        """Makes one call whose answer comes in pieces, and hands on each piece; silence ends it, slowness does not.

        Whoever cancels it closes the connection, so that the server stops.

        Args:
            call: The call, which begins when it is entered.
            take: Gets the data of each server-sent event; says whether nothing more comes.

        Returns:
            The body of an answer that does not come in pieces, as some servers send it; None where it does.

        Raises:
            ModelError: The server failed, refused or fell silent; the class tells whether to retry. It has begun if
                something of an answer that does not come in pieces had arrived.
        """
        content = bytearray()
        try:
            async with asyncio.timeout(max(_LONGEST, self.timeout)), asyncio.timeout(self.timeout) as silence:
                return await self._events(call, take, silence, content)
        except TimeoutError:
            failure: ModelError = self._silent()
        except ModelError as error:
            failure = error
        failure.begun = may_be_reply(content)
        raise failure from None

    def _silent(self) -> ModelUnavailable:
        return ModelUnavailable(
            f"{self._name} at {self.endpoint}: no reply within {self.timeout:g} s",
            remedy=f"If it is only slow, set a longer `timeout` for {self._fix.timeout}.",
        )

    async def _events(
        self,
        call: AbstractAsyncContextManager[RawStream],
        take: Callable[[str], bool],
        silence: asyncio.Timeout,
        content: bytearray,
    ) -> bytes | None:
        loop = asyncio.get_running_loop()
        async with call as response:
            pieces = response.iter_bytes()
            if not response.headers.get("content-type", "").lower().startswith("text/event-stream"):
                whole = await self._whole(response, content)
                if not whole.removeprefix(codecs.BOM_UTF8).lstrip().startswith((b"data:", b"event:")):
                    return whole
                pieces = _one(whole)  # Some servers give a stream another type.
            async for event in events(pieces, lambda: silence.reschedule(loop.time() + self.timeout)):
                if take(event):
                    return None
            return None

    async def _whole(self, response: RawStream, content: bytearray) -> bytes:
        """Reads an answer into `content`, so that a caller knows what had arrived when it breaks off."""
        async for piece in response.iter_bytes():
            content += piece
        return bytes(content)

    def ask_blocking(self, call: Callable[[openai.OpenAI], RawResponse], *, attempts: int) -> bytes:
        """As `ask`, for callers that do not run in an event loop; the client itself tries again.

        Args:
            call: Makes the call.
            attempts: Calls that are made at most.

        Raises:
            ModelError: The server failed or refused; the class tells whether another call could help.
        """
        import openai

        if self._blocking is None:
            self._blocking = openai.OpenAI(
                api_key=self._api_key,
                base_url=self.base_url,
                default_headers=self._headers,
                max_retries=attempts - 1,
                timeout=self.timeout,
                http_client=openai.DefaultHttpxClient(
                    follow_redirects=False,
                    headers=UNPACKED,
                    event_hooks={"response": [lambda response: bound_blocking(response, self.timeout)]},
                ),
            )
        try:
            return bytes(call(self._blocking).content)
        except openai.APIError as error:
            raise self._failure(error) from None

    def error(self, fault: Fault) -> ModelError:
        """The error that an answer of the server is."""
        return to_error(fault, model=self._name, base_url=self.base_url, fix=self._fix)

    async def close(self) -> None:
        """Closes the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def client(self) -> openai.AsyncOpenAI:
        """The client of OpenAI's library; its import takes about a second when it is first asked for."""
        if self._client is None:
            # Neither other calls nor this one's timeout wait for the import.
            library: Any = await asyncio.to_thread(importlib.import_module, "openai")
            self._client = self._client or library.AsyncOpenAI(
                api_key=self._api_key,
                base_url=self.base_url,
                default_headers=self._headers,
                max_retries=0,
                timeout=None,
                http_client=self._http_client(library),
            )
        return self._client

    def _http_client(self, library: Any) -> Any:
        """A client that follows no redirect: headers and prompts go where the user said, and nowhere else."""
        own = {*_SENT, *(name.lower() for name in self._headers)}

        async def strip(request: Any) -> None:
            # The library adds headers from the environment that are meant for OpenAI alone.
            for name in [name for name in request.headers if name not in own and not name.startswith("x-stainless")]:
                del request.headers[name]

        hooks: dict[str, list[Any]] = {"response": [bound]}
        if self._fix.url != "OPENAI_BASE_URL":
            hooks["request"] = [strip]
        return library.DefaultAsyncHttpxClient(follow_redirects=False, headers=UNPACKED, event_hooks=hooks)

    async def _answer(
        self, client: openai.AsyncOpenAI, call: Callable[[openai.AsyncOpenAI], Awaitable[RawResponse]]
    ) -> bytes:
        import openai

        # No `from error`: the client's exceptions hold the request with its key.
        try:
            return bytes((await call(client)).content)
        except openai.APIError as error:
            raise self._failure(error) from None

    def _failure(self, error: openai.APIError) -> ModelError:
        import openai

        if isinstance(error, openai.APIStatusError):
            fault = read_fault(
                error.status_code, error.body or error.response.text, dict(error.response.headers.items())
            )
            return self.error(fault)
        return self._lost(error.__cause__ or error)

    def _lost(self, cause: BaseException) -> ModelError:
        import httpx2

        if isinstance(cause, httpx2.DecodingError):
            return ModelRejected(
                f"{self._name} at {self.endpoint}: {cause}",
                remedy=f"Check that {self.endpoint} is the base URL of a server of models ({self._fix.url}).",
            )
        return ModelUnavailable(
            scrub(f"{self._name} at {self.endpoint}: {type(cause).__name__}: {cause}"),
            remedy=f"Check that a server answers at {self.endpoint} ({self._fix.url}).",
        )


async def _one(content: bytes) -> AsyncIterator[bytes]:
    yield content
