"""`human/terminal`: a person answers."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time

from loopwright.errors import MissingContent, UserError
from loopwright.models._options import ModelOptions
from loopwright.models.chat._types import Reply, Request, refuse_tools
from loopwright.secrets import scrub
from loopwright.text import printable_lines

_END = "."


class Human:
    """A person at the terminal, asked one question at a time.

    Attributes:
        name: `human/terminal`.
        slots: One.
        endpoint: The terminal.
    """

    name = "human/terminal"
    endpoint = "terminal"
    repeatable = True
    slots = 1

    def __init__(self) -> None:
        """Makes a model that asks at the terminal of this process."""
        self._turn = asyncio.Lock()

    @classmethod
    def open(cls, model: str, options: ModelOptions) -> Human:
        """Makes the model.

        Raises:
            MissingContent: The model's name is not `terminal`.
        """
        if model != "terminal":
            raise MissingContent(f"human/{model}: there is only human/terminal")
        return cls()

    async def complete(self, request: Request) -> Reply:
        """Shows the messages and reads lines up to one with a single full stop.

        Raises:
            ToolsRefused: The request offers tools.
            UserError: Standard input is not a terminal.
        """
        refuse_tools(request)
        if not sys.stdin.isatty():
            raise UserError(
                "human/terminal needs a terminal, and standard input is none",
                remedy="Run the command in a terminal, or choose another model for this role.",
            )
        async with self._turn:
            started = time.monotonic()
            _show(request)
            text = await _read_lines(sys.stdin.fileno())
        return Reply(text=text, model=self.name, seconds=time.monotonic() - started)

    async def close(self) -> None:
        """Does nothing: the terminal stays open."""


def _show(request: Request) -> None:
    parts = [f"--- {message.role}\n{message.content}" for message in request.messages]
    if request.json_schema is not None:
        parts.append(f"--- reply with JSON that fits\n{json.dumps(request.json_schema, indent=2)}")
    parts.append(f"--- your reply; end it with a line that holds only {_END!r}")
    print(printable_lines(scrub("\n".join(parts))), file=sys.stderr, flush=True)


async def _read_lines(fd: int) -> str:
    """Reads from a terminal without a thread, so that the wait can be cancelled."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    read = bytearray()

    def take() -> None:
        data = os.read(fd, 65536)
        read.extend(data)
        if not done.done() and (not data or f"\n{_END}\n".encode() in b"\n" + read):
            done.set_result(None)

    loop.add_reader(fd, take)
    try:
        await done
    finally:
        loop.remove_reader(fd)
    text, ended, _ = ("\n" + read.decode("utf-8", "replace")).partition(f"\n{_END}\n")
    return text.removeprefix("\n") if ended else text.removeprefix("\n").removesuffix("\n")
