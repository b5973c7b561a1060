"""Model calls of one node: budgeted before, journalled around, charged after."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random
from typing import Any

from pydantic import ValidationError

from loopwright.agents import NamedModels
from loopwright.budget import Ledger, Reservation, Spend
from loopwright.candidate import Candidate
from loopwright.errors import BudgetExceeded, StoreError, ToolsRefused, UserError
from loopwright.loop._gate import Gate
from loopwright.loop._image_calls import ImageCalls
from loopwright.loop._program_calls import Program, ProgramCalls, asked_hash
from loopwright.loop._under_way import CallUnderWay, least_seconds
from loopwright.models import (
    AtEndpoint,
    Message,
    Model,
    Prices,
    Reply,
    Request,
    Usage,
    calls_tools,
    fit_picture,
    gives_logprobs,
    request_hash,
)
from loopwright.models.image import ImageModel, ImageReply, ImageRequest, image_request_hash
from loopwright.store import CallKey, RunStore

REUSED = Spend(model_calls=1, cached_calls=1)
"""A call that the response cache answered: it counts as a call and costs nothing."""

# Output reserved for a request that does not limit its reply.
_UNLIMITED_OUTPUT = 8192
_CALLS_OF_A_PART = 8
"""Room for the calls of one part: that and the repairs of its replies."""
_PICTURE = 50_000
"""Tokens reserved for a picture. The most that OpenAI documents is 2,833 and 5,667 for each of up to 8 tiles."""


@dataclass(slots=True)
class NodeCalls:
    """How the agent of one node reaches its models: the `ModelClient` of the agent contract."""

    models: Mapping[str, Model]
    store: RunStore
    ledger: Ledger
    prices: Prices | None
    episode: str
    iteration: int
    node: str
    seed: int | None
    on_reserved: Callable[[], None] | None = None
    kept: int = 0
    """Calls that have to be left after each of these: a candidate that nobody can judge is not worth its price."""
    image_models: Mapping[str, ImageModel] = field(default_factory=dict)
    named: NamedModels = field(default_factory=NamedModels)
    gate: Gate = field(default_factory=Gate)
    """Where calls wait while the run is paused, before anything of them is recorded."""
    environment: object = None
    """Where programs may work on the files of the instance."""
    tokens: int = field(default=0, init=False)
    """What the answered calls of chat models took, also those that the record answers."""
    usd: Decimal | None = field(default=Decimal(0), init=False)
    """What they cost; None where one has no price."""
    _attempt: int = field(default=0, init=False)

    def part(self, number: int) -> NodeCalls:
        """The same for one part of a step that makes many calls at once: its calls have places of their own."""
        part = replace(self)
        part._attempt = number * _CALLS_OF_A_PART
        return part

    def can_call_tools(self, model: str) -> bool:
        """Whether the model of that name can be offered tools."""
        return calls_tools(self.models[model])

    def can_give_logprobs(self, model: str) -> bool:
        """Whether replies of the model of that name have log-probabilities where they are wanted."""
        return gives_logprobs(self.models[model])

    def random(self) -> Random:
        """Random numbers that are fixed by the task's seed and the place of the node in the run."""
        return Random(f"{self.seed}/{self.episode}/{self.iteration}/{self.node}")

    async def put(self, data: bytes) -> str:
        """Stores bytes in the run and returns their artifact reference.

        Raises:
            StoreError: The disk is full.
        """
        return await asyncio.to_thread(self.store.put, data)

    async def picture(self, reference: str, max_side: int | None) -> str:
        """The reference of a picture whose longer side has so many pixels at most.

        Raises:
            ValueError: It is no picture that models take.
            MissingExtra: A limit is set, and Pillow is not installed.
            StoreError: There is no such artifact.
        """
        data = await asyncio.to_thread(self.store.get, reference)
        fitted = await asyncio.to_thread(fit_picture, data, max_side)
        return reference if fitted == data else await self.put(fitted)

    async def get(self, reference: str) -> bytes:
        """The bytes of an artifact of the run.

        Raises:
            StoreError: There is no such artifact.
        """
        return await asyncio.to_thread(self.store.get, reference)

    async def draw(self, request: ImageRequest) -> ImageReply:
        """Makes or changes pictures, from the record where that was done before a crash.

        Raises:
            BudgetExceeded: The call does not fit the budget any more; it was not made.
            ModelError: The provider failed for good.
            UserError: There is no such model, or its key is not set.
        """
        await self.gate.before_call()
        model = self.image_models[request.model]
        if request.seed is None and self.seed is not None:
            request = request.model_copy(update={"seed": self._seed()})
        key = CallKey(self.episode, self.iteration, self.node, self._attempt, image_request_hash(request))
        self._attempt += 1
        return await ImageCalls(self.store, self.ledger, self.prices).draw(model, request, key)

    async def run_program(
        self, asked: Mapping[str, Any], start: Candidate | None, program: Program
    ) -> Mapping[str, Any]:
        """Has a program work on the files of the instance; see `RunsPrograms`."""
        key = CallKey(self.episode, self.iteration, self.node, self._attempt, asked_hash(asked))
        self._attempt += 1
        return await ProgramCalls(self.store, self.ledger, self.environment).run(key, asked, start, program)

    async def complete(self, request: Request) -> Reply:
        """Answers one request, from the record where it was answered before a crash.

        Raises:
            BudgetExceeded: The call does not fit the budget any more; it was not made.
            ModelError: The provider failed for good.
            UserError: There is no such model, or its key is not set.
        """
        await self.gate.before_call()
        model = self.models[request.model]
        endpoint = model if isinstance(model, AtEndpoint) else None
        limit = endpoint.reply_limit if endpoint else None
        request = self._seeded(request)
        key = self._key(request)
        limited = self._limited(request, limit)
        if limited is not request and not self.store.knows(key):
            # A call that was made before there was a cap is not paid again because a cap limits replies now.
            request, key = limited, self._key(limited)
        self._attempt += 1
        try:
            result = await self.store.once(
                key,
                lambda: self._paid(model, request, limit),
                kind="model",
                repeatable=model.repeatable,
                request=request.model_dump(mode="json", exclude_defaults=True),
                served_by=endpoint.fingerprint if endpoint else "",
                reuse=self._reused,
            )
        except ToolsRefused:
            # Which call meets the refusal is chance: the same question in text has one place, whoever asked before.
            self._attempt -= 1
            raise
        reply = _replied(result, "record")
        self.tokens += reply.usage.total
        self.usd = None if self.usd is None or reply.cost_usd is None else self.usd + reply.cost_usd
        return reply

    def _key(self, request: Request) -> CallKey:
        return CallKey(self.episode, self.iteration, self.node, self._attempt, request_hash(request))

    def _seeded(self, request: Request) -> Request:
        """Fixes the seed by position, so that a repeat draws anew and a rerun draws the same."""
        if self.seed is None or request.sampling.seed is not None:
            return request
        return request.model_copy(update={"sampling": request.sampling.model_copy(update={"seed": self._seed()})})

    @property
    def turn_seed(self) -> int | None:
        """From which an agent draws what it chooses by chance; None where the task has no seed."""
        return None if self.seed is None else self._seed()

    def _seed(self) -> int:
        place = f"{self.seed}/{self.episode}/{self.iteration}/{self.node}/{self._attempt}"
        return int.from_bytes(hashlib.sha256(place.encode()).digest()[:4], "big") >> 1

    def _limited(self, request: Request, limit: int | None) -> Request:
        """Asks for no longer a reply than is reserved for it, where a cap depends on its length."""
        if request.sampling.max_tokens or limit or not (self.ledger.capped("tokens") or self.ledger.capped("usd")):
            return request
        return request.model_copy(
            update={"sampling": request.sampling.model_copy(update={"max_tokens": _UNLIMITED_OUTPUT})}
        )

    async def _paid(self, model: Model, request: Request, limit: int | None) -> dict[str, Any]:
        reservation = await self._reserved(request, limit)
        call = CallUnderWay(
            self.episode, self.iteration, self.node, request.model, self.ledger, self.prices, reservation
        )
        with call.asked():
            if self.on_reserved:
                self.on_reserved()
            reply = await model.complete(request)
            if reply.usage_reported:
                cost = self.prices.cost(request.model, reply.usage) if self.prices else None
                reply = reply.model_copy(update={"cost_usd": cost})
            else:
                # A cap holds although nobody says what was used: the call counts at all that was reserved for it.
                most = Usage(input=reservation.spend.input, output=reservation.spend.output)
                reply = reply.model_copy(update={"usage": most})
            call.reservation.settle(spend_of(reply, request.model, self.prices))
        return reply.model_dump(mode="json")

    async def _reserved(self, request: Request, limit: int | None) -> Reservation:
        left = self.ledger.unspent.model_calls
        if left is not None and 0 < left <= self.kept:
            raise BudgetExceeded(
                f"the cap on model_calls has {left} left, and {self.kept + 1} are needed, with the verifier's after "
                "this one; nothing was spent on this",
                remedy="Raise `model_calls` in the task's budget.",
            )
        if self.ledger.capped("usd") and (self.prices is None or self.prices.at_most(request.model, Usage()) is None):
            raise UserError(
                f"a cap on cost needs prices, and {request.model} has none",
                remedy="Add the model to your price file.",
            )
        most = replace(most_of_call(request, limit, self.prices), working_seconds=least_seconds(self.ledger))
        return await self.ledger.acquire(most)

    def _reused(self, result: Mapping[str, Any]) -> Mapping[str, Any]:
        """Counts a call that the response cache answers, so that loops of equal numbers of calls stay comparable."""
        paid = _replied(result, "response cache").usage
        with self.ledger.reserve(REUSED) as reservation:
            reservation.settle(REUSED)
        return {**result, "usage": {}, "cached_output": paid.output, "cost_usd": "0", "seconds": 0.0}


def most_of_call(request: Request, limit: int | None, prices: Prices | None) -> Spend:
    """The most that a call can use; its cost is 0 where no price is known.

    Args:
        request: The request.
        limit: Tokens of a reply, at most, where the request does not say; None for those that are reserved then.
        prices: Say what it costs.
    """
    # A token is at least one byte of the prompt, so the byte count bounds the input whatever the tokenizer.
    prompt = sum(_bytes_of(message) + 16 for message in request.messages)
    prompt += sum(len(tool.model_dump_json().encode()) for tool in request.tools)
    prompt += len(json.dumps(request.json_schema, default=dict).encode()) if request.json_schema else 0
    output = request.sampling.max_tokens or limit or _UNLIMITED_OUTPUT
    usd = Decimal(0)
    if prices:
        usages = (
            Usage(input=prompt, output=output),
            Usage(cache_read=prompt, output=output),
            Usage(cache_write=prompt, output=output),
        )
        bounds = [prices.at_most(request.model, usage) for usage in usages]
        usd = max((bound for bound in bounds if bound is not None), default=usd)
    return Spend(model_calls=1, input=prompt, output=output, usd=usd)


def _replied(result: Mapping[str, Any], where: str) -> Reply:
    """The reply in a recorded result.

    Raises:
        StoreError: It holds none.
    """
    try:
        return Reply.model_validate(result)
    except ValidationError as error:
        first = error.errors()[0]
        raise StoreError(
            f"the {where} holds a result that is no reply: {'.'.join(map(str, first['loc']))}: {first['msg']}",
            remedy="Restore the run folder from a backup, or delete the response cache.",
        ) from None


def _bytes_of(message: Message) -> int:
    """What a message can count at most, in tokens: its bytes, with those of its calls and of what goes back with it."""
    calls = message.model_dump_json(include={"tool_calls", "carried"}) if message.tool_calls else ""
    return len((message.content + calls).encode("utf-8", "replace")) + len(message.images) * _PICTURE


def spend_of(reply: Reply, model: str, prices: Prices | None) -> Spend:
    """What a reply cost, as the ledger counts it.

    Args:
        reply: The reply, with its cost where that is known.
        model: `provider/model` that was asked.
        prices: Bound the cost where it is not known.
    """
    usage = reply.usage
    bound = prices.at_most(model, usage) if prices and reply.cost_usd is None else None
    return Spend(
        model_calls=1,
        unpriced_calls=int(reply.cost_usd is None),
        input=usage.input,
        cache_read=usage.cache_read,
        cache_write=usage.cache_write,
        output=usage.output,
        usd=reply.cost_usd or bound or Decimal(0),
        working_seconds=reply.seconds,
    )
