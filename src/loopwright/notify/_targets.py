"""Where notices go: a command or a webhook."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shlex
import shutil
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from loopwright._addresses import http_host
from loopwright.errors import UserError

_PATIENCE = 10.0
"""Seconds that a notice may take."""


class NotDelivered(Exception):
    """A notice was not taken; the text says why, without an address or an argument, as those can hold secrets."""


class Target(Protocol):
    """Takes notices."""

    @property
    def name(self) -> str:
        """What messages call it."""
        ...

    async def deliver(self, body: bytes) -> None:
        """Sends one notice.

        Raises:
            NotDelivered: It was not taken.
        """
        ...


def parse_target(text: str) -> Target:
    """A webhook for an address with http:// or https://, else a command with its arguments.

    Raises:
        UserError: It is neither. The message holds no address and no argument.
    """
    text = text.strip()
    if "://" in text.partition(" ")[0]:
        return _webhook(text)
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UserError(f"--notify: this is no command: {error}", remedy="Close each quotation.") from None
    if not words or shutil.which(words[0]) is None:
        program = words[0] if words else ""
        # An address without its https:// is no program, and its path may be a secret.
        shown = program if program.startswith((".", "/", "~")) else program.partition("/")[0]
        raise UserError(
            f"--notify: there is no program {shown!r}",
            remedy="Name a command, such as `--notify './tell-me --quietly'`, or an address with https://.",
        )
    return Command(tuple(words))


def _webhook(address: str) -> Webhook:
    host = http_host(address)
    if host is None:
        raise UserError("--notify: this is no address of a webhook", remedy="Write https://HOST/PATH.")
    return Webhook(address, host)


@dataclass(frozen=True, slots=True)
class Command:
    """A program that reads the notice from its standard input; no shell reads its arguments."""

    words: tuple[str, ...]

    @property
    def name(self) -> str:
        """The program."""
        return f"the command {self.words[0]}"

    async def deliver(self, body: bytes) -> None:
        """Runs the program, and ends it with its children where it takes too long."""
        quiet = asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(
                *self.words, stdin=asyncio.subprocess.PIPE, stdout=quiet, stderr=quiet, start_new_session=True
            )
        except OSError as error:
            raise NotDelivered(f"it cannot be started: {error.strerror}") from None
        try:
            async with asyncio.timeout(_PATIENCE):
                await process.communicate(body)
        except TimeoutError:
            raise NotDelivered(f"it took longer than {_PATIENCE:g} s and was ended") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        if process.returncode:
            raise NotDelivered(f"it ended with code {process.returncode}")


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that notices are posted to as JSON. It is never told whole: its path is often a secret."""

    url: str
    host: str

    @property
    def name(self) -> str:
        """The host."""
        return f"the webhook at {self.host}"

    async def deliver(self, body: bytes) -> None:
        """Posts the notice; no redirect is followed, and nothing of the answer is read but its status."""
        import httpx2

        try:
            async with (
                asyncio.timeout(_PATIENCE),
                _unlogged(self.url),
                httpx2.AsyncClient(timeout=_PATIENCE, follow_redirects=False) as client,
                client.stream("POST", self.url, content=body, headers={"content-type": "application/json"}) as response,
            ):
                status = response.status_code
        except TimeoutError:
            raise NotDelivered(f"no answer in {_PATIENCE:g} s") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise NotDelivered(f"it cannot be reached ({type(error).__name__})") from None
        if not 200 <= status < 300:
            raise NotDelivered(f"it answered {status}")


@contextlib.asynccontextmanager
async def _unlogged(address: str) -> AsyncIterator[None]:
    """Keeps the HTTP library from writing the address into the log, which it does for each request at level INFO."""
    import httpx2

    told = str(httpx2.URL(address))

    def is_harmless(record: logging.LogRecord) -> bool:
        return told not in record.getMessage()

    log = logging.getLogger("httpx2")
    log.addFilter(is_harmless)
    try:
        yield
    finally:
        log.removeFilter(is_harmless)
