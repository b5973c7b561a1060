"""Calls of image models by one node: budgeted before, journalled around, charged after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from loopwright.budget import Ledger, Spend
from loopwright.errors import StoreError, UserError
from loopwright.loop._under_way import CallUnderWay, least_seconds
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
            lambda: self._paid(model, request, key),
            kind="image",
            repeatable=model.repeatable,
            request=request.model_dump(mode="json", exclude_defaults=True),
            served_by=getattr(model, "fingerprint", ""),
            reuse=self._reused,
        )
        return _replied(result, "record")

    def _reused(self, result: Mapping[str, Any]) -> Mapping[str, Any]:
        """Counts pictures of the response cache, so that loops of equal numbers of pictures stay comparable."""
        spend = Spend(images=made(_replied(result, "response cache")))
        with self.ledger.reserve(spend) as reservation:
            reservation.settle(spend)
        return {**result, "usage": {}, "cost_usd": "0", "seconds": 0.0}

    async def _paid(self, model: ImageModel, request: ImageRequest, key: CallKey) -> Mapping[str, Any]:
        most = self._worst_case(request, getattr(model, "most_tokens", 0))
        held = await self.ledger.acquire(most)
        call = CallUnderWay(key.episode, key.iteration, key.node, request.model, self.ledger, self.prices, held)
        with call.asked():
            reply = await (model.edit(request) if request.images else model.generate(request))
            reply = self._priced(reply, request.model, most)
            call.reservation.settle(spend_of_images(reply, request.model, self.prices))
        return reply.model_dump(mode="json")

    def _priced(self, reply: ImageReply, model: str, most: Spend) -> ImageReply:
        """The reply with its cost; tokens that nobody reports are all that were reserved, and their cost is unknown."""
        usage = reply.usage if reply.usage_reported else Usage(input=most.input, output=most.output)
        cost = self.prices.cost(model, usage, images=made(reply)) if self.prices else None
        if self.prices and not reply.usage_reported and cost != self.prices.cost(model, Usage(), images=made(reply)):
            cost = None
        return reply.model_copy(update={"usage": usage, "cost_usd": cost})

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
        return Spend(
            images=request.count,
            input=usage.input,
            output=usage.output,
            usd=bound or Decimal(0),
            working_seconds=least_seconds(self.ledger),
        )


def _replied(result: Mapping[str, Any], source: str) -> ImageReply:
    try:
        return ImageReply.model_validate(result)
    except ValidationError as error:
        raise StoreError(
            f"the {source} holds a result that is no reply of an image model: {error.errors()[0]['msg']}",
            remedy="Restore the run folder from a backup."
            if source == "record"
            else "Empty the folder of the response cache.",
        ) from None


def made(reply: ImageReply) -> int:
    """Pictures that a call counts: a blocked one counts as one, so that a cap ends a loop of blocked calls, too."""
    return max(len(reply.images) + reply.surplus, 1)


def spend_of_images(reply: ImageReply, model: str, prices: Prices | None) -> Spend:
    """What a call cost, as the ledger counts it.

    Args:
        reply: The reply, with its cost where that is known.
        model: `provider/model` that was asked.
        prices: Bound the cost where it is not known.
    """
    usage = reply.usage
    bound = prices.at_most(model, usage, images=made(reply)) if prices and reply.cost_usd is None else None
    return Spend(
        unpriced_calls=int(reply.cost_usd is None),
        images=made(reply),
        input=usage.input,
        cache_read=usage.cache_read,
        cache_write=usage.cache_write,
        output=usage.output,
        usd=reply.cost_usd or bound or Decimal(0),
        working_seconds=reply.seconds,
    )
