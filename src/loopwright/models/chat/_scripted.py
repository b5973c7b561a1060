"""A model that answers what it was told to, for tests and for examples without a model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

from loopwright.errors import MissingContent, TaskError, UserError
from loopwright.models.chat._types import Reply, Request
from loopwright.types import Usage

_MAX_BYTES = 64_000_000

Item = str | Reply | Exception | Callable[[Request], str]
"""A reply's text, a whole reply, an error to raise, or a function of the request that returns the text."""


class Scripted:
    """Answers with its items, one per call and in their order.

    Attributes:
        requests: The requests that were made, oldest first.
        slots: One: its items stand in the order in which they are asked for, so none is asked for ahead.
    """

    repeatable = True
    slots = 1

    def __init__(
        self, items: Iterable[Item], *, name: str = "scripted/replies", cycle: bool = False, delay: float = 0.0
    ) -> None:
        """Makes a model.

        Args:
            items: What to answer.
            name: `provider/model` that it goes by.
            cycle: Whether to start again after the last item instead of failing.
            delay: Seconds that each call takes.
        """
        self.name = name
        self.requests: list[Request] = []
        self._items = list(items)
        self._cycle = cycle
        self._delay = delay

    @classmethod
    def load(cls, path: Path, *, name: str) -> Scripted:
        """Reads the replies from a YAML or JSON file that holds a list of texts.

        Raises:
            MissingContent: There is no such file.
            UserError: The file does not hold a list of texts.
        """
        if not path.exists():
            raise MissingContent(f"scripted model: there is no file {path}")
        try:
            from loopwright.project import load_document

            items = load_document(path, limit=_MAX_BYTES).data
        except TaskError as error:
            raise UserError(f"scripted model: not YAML or JSON: {error}") from None
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise UserError(
                f"scripted model: {path} does not hold a list of texts",
                remedy="Write one list item per reply, in the order of the calls.",
            )
        return cls(items, name=name)

    @property
    def calls_tools(self) -> bool:
        """Whether one of the items calls a tool."""
        return any(isinstance(item, Reply) and item.tool_calls for item in self._items)

    async def complete(self, request: Request) -> Reply:
        """Answers with the next item.

        Raises:
            UserError: The items have run out.
            Exception: The item is an error.
        """
        number = len(self.requests)
        self.requests.append(request)
        await asyncio.sleep(self._delay)
        if not self._items or (number >= len(self._items) and not self._cycle):
            raise UserError(
                f"{self.name} has {len(self._items)} replies and was asked {number + 1} times",
                remedy="Add replies, or allow fewer model calls.",
            )
        item = self._items[number % len(self._items)]
        if isinstance(item, Exception):
            raise item
        if isinstance(item, Reply):
            return item
        text = item if isinstance(item, str) else item(request)
        words = sum(len(message.content.split()) for message in request.messages)
        return Reply(text=text, model=self.name, usage=Usage(input=words, output=len(text.split())))

    async def close(self) -> None:
        """Does nothing: there is nothing to free."""
