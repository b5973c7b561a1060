"""Calls as a server takes them: each refusal of a field teaches how, and what was learned is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from loopwright.errors import ModelRejected, ToolsRefused
from loopwright.models.chat._agreement import Agreement
from loopwright.models.chat._capabilities import Agreements, ServedModel

T = TypeVar("T")

_ALONE = 2.0
"""Seconds for which the first call of a model goes alone, so that its refusals cost one call and not one for each."""


class AgreedCalls:
    """The calls of one model of a server."""

    def __init__(self, served: ServedModel) -> None:
        """Names the model; nothing is sent yet."""
        self._served = served
        self._begun = False
        self._answered = asyncio.Event()

    async def make(
        self,
        body: Mapping[str, Any],
        needed: frozenset[str],
        call: Callable[[Agreement, str], Awaitable[T]],
        agreements: Agreements,
    ) -> T:
        """Makes a call, and makes it again as long as a refusal tells how.

        Args:
            body: The request with all its fields.
            needed: Fields that the user does not want to do without.
            call: Sends the request as an agreement shapes it; gets the words of the refusal before, if there was one.
            agreements: What is known of servers, and where what refusals teach is noted.

        Raises:
            ModelError: The server failed, or refused something that the request cannot do without.
        """
        if self._begun and not self._answered.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._answered.wait(), _ALONE)
        self._begun = True
        try:
            return await self._agreed(body, needed, call, agreements)
        finally:
            self._answered.set()

    async def _agreed(
        self,
        body: Mapping[str, Any],
        needed: frozenset[str],
        call: Callable[[Agreement, str], Awaitable[T]],
        agreements: Agreements,
    ) -> T:
        before, told = Agreement(), ""
        doubted: Agreement | None = None
        while True:
            agreement = agreements.of(self._served)
            try:
                reply = await call(agreement.without(needed), told)
            except ToolsRefused:
                raise
            except ModelRejected as error:
                if error.begun:
                    raise  # what may be billed is counted before the call is made again
                if agreements.of(self._served) != agreement:
                    continue  # another call was refused the same in the meantime
                learned = agreement.learned(body, error, needed) if error.args[0] != told else None
                if learned is not None:
                    before, told = agreement, error.args[0]
                elif agreement.explains(error) and agreements.doubt(self._served):
                    # What was measured once may hold no longer: the call is made as if nothing was known.
                    doubted, learned, told = agreement, Agreement(), ""
                else:
                    # The last thing that was left out made no difference, so it was not what the server meant.
                    agreements.set(self._served, doubted or (before if told else agreement))
                    raise
                agreements.set(self._served, learned)
            else:
                agreements.holds(self._served)
                return reply
