"""Calls of image models by one node: budgeted before, journalled around, charged after."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from loopwright.budget import Ledger, Spend
from loopwright.errors import StoreError, UserError
from loopwright.models import Prices, Usage
from loopwright.models.image import ImageModel, ImageReply, ImageRequest
from loopwright.store import CallKey, RunStore


@dataclass(frozen=True, slots=True)
class ImageCalls:
    """Makes the calls of image models that the record does not know."""

    store: RunStore
    ledger: Ledger
    prices: Prices | None

    async def draw(self, model: ImageModel, request: ImageRequest, key: CallKey) -> ImageReply:
        """Makes or changes pictures, from the record where that was done before a crash.

        Args:
            model: Who draws.
            request: What; one with pictures asks to change the first of them.
            key: The place of the call in the run.

        Raises:
            BudgetExceeded: The call does not fit the budget any more; it was not made.
            ModelError: The provider failed for good.
        """
        result = await self.store.once(
            key,
            lambda: self._paid(model, request),
            kind="image",
            repeatable=model.repeatable,
            request=request.model_dump(mode="json", exclude_defaults=True),
        )
        try:
            return ImageReply.model_validate(result)
        except ValidationError as error:
            raise StoreError(
                f"the record holds a result that is no reply of an image model: {error.errors()[0]['msg']}",
                remedy="Restore the run folder from a backup.",
            ) from None

    async def _paid(self, model: ImageModel, request: ImageRequest) -> Mapping[str, Any]:
        most = self._worst_case(request, getattr(model, "most_tokens", 0))
        with await self.ledger.acquire(most) as reservation:
            reply = await (model.edit(request) if request.images else model.generate(request))
            cost = self.prices.cost(request.model, reply.usage, images=made(reply)) if self.prices else None
            reply = reply.model_copy(update={"cost_usd": cost})
            reservation.settle(spend_of_images(reply))
        return reply.model_dump(mode="json")

    def _worst_case(self, request: ImageRequest, most_tokens: int) -> Spend:
        usage = Usage()
        if most_tokens:
            prompt = len((request.prompt + request.negative_prompt).encode("utf-8", "replace"))
            usage = Usage(input=prompt + most_tokens * len(request.images), output=most_tokens * request.count)
        bound = self.prices.at_most(request.model, usage, images=request.count) if self.prices else None
        if bound is None and self.ledger.capped("usd"):
            raise UserError(
                f"a cap on cost needs prices, and {request.model} has none",
                remedy="Add the model to your price file: `{image: USD per picture}`.",
            )
        return Spend(images=request.count, input=usage.input, output=usage.output, usd=bound or Decimal(0))


def made(reply: ImageReply) -> int:
    """Pictures that a call counts: a blocked one counts as one, so that a cap ends a loop of blocked calls, too."""
    return max(len(reply.images), 1)


def spend_of_images(reply: ImageReply) -> Spend:
    """What a call cost, as the ledger counts it."""
    usage = reply.usage
    return Spend(
        images=made(reply),
        input=usage.input,
        cache_read=usage.cache_read,
        cache_write=usage.cache_write,
        output=usage.output,
        usd=reply.cost_usd or Decimal(0),
        working_seconds=reply.seconds,
    )


def image_request_hash(request: ImageRequest) -> str:
    """sha256 of the canonical JSON of a request, as 64 hexadecimal digits."""
    text = json.dumps(request.model_dump(mode="json", exclude_defaults=True), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
