"""The one place where calls of models are retried and held back."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar, runtime_checkable

from loopwright.errors import LoopwrightError, ModelRateLimited, ModelUnavailable
from loopwright.models._limits import Breaker, CallOutcome, Limiter
from loopwright.models.chat._types import AtEndpoint, Model, Reply, Request, calls_tools, gives_logprobs
from loopwright.models.image._types import ImageModel, ImageReply, ImageRequest

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How failures that can pass are met."""

    max_attempts: int = 6
    """Calls made for one request, the first included."""
    max_elapsed: float = 600.0
    """Seconds from a request's first call after which no other is begun."""
    base_delay: float = 1.0
    """Seconds: the wait before retry n is drawn evenly from 0 to base_delay * 2^(n-1) (full jitter)."""
    max_delay: float = 30.0
    """Upper bound of that range, in seconds."""
    max_retry_after: float = 120.0
    """Longest wait that a provider's Retry-After can ask for, in seconds."""
    limited_elapsed: float = 60.0
    """Seconds from a request's first call before which a rate limit ends nothing, however many calls that takes:
    servers count requests by the minute."""
    breaker_failures: int = 8
    """Failed calls in a row (not rate limits) after which the endpoint is left alone."""
    breaker_cooldown: float = 15.0
    """Seconds for which it is left alone before one call is let through."""
    initial_concurrency: int = 8
    """Calls at once to begin with; a model with slots begins and stays at its number of slots."""
    max_concurrency: int = 64


OnFailure = Callable[[LoopwrightError, int, bool], Awaitable[None] | None]
"""Told of each failed call: the error, which attempt it was (from 1), and whether another one follows.

What it returns is waited for before that one."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Time and chance; tests bring their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    rng: random.Random = field(default_factory=random.Random)


@runtime_checkable
class _Served(Protocol):
    """What a model may tell about where it runs."""

    endpoint: str
    slots: int | None


class Retries:
    """Makes the calls of a model, retried by cause, at most as many at once as its provider bears.

    Make one per model and share it, so that all callers are held back together. Only errors that say so
    (`retry`) are retried. After a rate limit all calls of the model wait, not only the one that met it.

    Attributes:
        slots: Requests that the model takes at once; None where it does not say.
    """

    def __init__(
        self,
        model: Model | ImageModel,
        policy: RetryPolicy | None = None,
        *,
        on_failure: OnFailure | None = None,
        breakers: dict[str, Breaker] | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Begins with the concurrency that the model names, or that of the policy.

        Args:
            model: The model whose calls are made.
            policy: What to do about failures.
            on_failure: Called at each failed call, in the task of the caller.
            breakers: Circuit breakers by endpoint; give the same to all models, so that those behind the
                same server share one.
            clock: Time and chance.
        """
        self._name = model.name
        self._on_failure = on_failure
        self._policy = policy = policy or RetryPolicy()
        self._clock = clock = clock or Clock()
        self.slots: int | None = getattr(model, "slots", None)
        slots = self.slots if isinstance(model, _Served) else None
        self._limiter = Limiter(initial=slots or policy.initial_concurrency, most=slots or policy.max_concurrency)
        endpoint = model.endpoint if isinstance(model, _Served) else model.name
        self._breaker = ({} if breakers is None else breakers).setdefault(
            endpoint,
            Breaker(failures=policy.breaker_failures, cooldown=policy.breaker_cooldown, clock=clock.now),
        )
        self._held_until = 0.0

    @property
    def concurrency(self) -> int:
        """Calls that may be made at once at present."""
        return int(self._limiter.limit)

    async def call(self, make: Callable[[], Awaitable[T]]) -> T:
        """Makes one call, as often as it takes.

        Raises:
            ModelError: The last call's failure, where no other call could help or is allowed.
        """
        begun: float | None = None
        attempt = 0
        while True:
            round_ = await self._limiter.acquire()
            begun = self._clock.now() if begun is None else begun
            wait = self._closed_for()
            if wait > 0:
                self._limiter.release(round_, "other")
                if self._too_late(begun, wait):
                    raise ModelUnavailable(
                        f"{self._name}: no call was possible for {self._policy.max_elapsed:g} s: {self._why_closed()}",
                        remedy="Check the provider, then resume.",
                    )
                await self._clock.sleep(wait)
                continue
            attempt += 1
            try:
                return await self._once(make, round_)
            except LoopwrightError as error:
                next_wait = self._wait_after(error, attempt, begun)
                if self._on_failure and (ready := self._on_failure(error, attempt, next_wait is not None)):
                    await ready
                if next_wait is None:
                    raise
            await self._clock.sleep(next_wait)

    async def _once(self, make: Callable[[], Awaitable[T]], round_: int) -> T:
        """Makes one call, and tells limiter and breaker how it went."""
        outcome: CallOutcome = "other"
        try:
            result = await make()
            outcome = "answered"
            self._breaker.answered()
        except ModelRateLimited as error:
            outcome = "limited"
            self._breaker.answered()
            if error.retry_after:
                pause = min(error.retry_after, self._policy.max_retry_after)
                self._held_until = max(self._held_until, self._clock.now() + pause)
            raise
        except LoopwrightError as error:
            if error.retry:
                self._breaker.failed(str(error))
            else:
                self._breaker.answered()
            raise
        except BaseException:
            self._breaker.left()
            raise
        finally:
            self._limiter.release(round_, outcome)
        return result

    def _closed_for(self) -> float:
        """Seconds for which no call may be made: the provider asked to wait, or the circuit is open."""
        held = self._held_until - self._clock.now()
        return held if held > 0 else self._breaker.enter()

    def _why_closed(self) -> str:
        return self._breaker.why if self._breaker.is_open else "its provider asked to wait"

    def _wait_after(self, error: LoopwrightError, attempt: int, begun: float) -> float | None:
        """Seconds before the next call, or None if there is to be none."""
        policy = self._policy
        limited = isinstance(error, ModelRateLimited) and self._clock.now() - begun < policy.limited_elapsed
        if not error.retry or (attempt >= policy.max_attempts and not limited):
            return None
        if isinstance(error, ModelRateLimited) and error.retry_after is not None:
            asked = min(error.retry_after, policy.max_retry_after)
            wait = asked + self._clock.rng.uniform(0, policy.base_delay)
        else:
            longest = min(policy.max_delay, policy.base_delay * 2 ** (attempt - 1))
            wait = self._clock.rng.uniform(0, longest)
        return None if self._too_late(begun, wait) else wait

    def _too_late(self, begun: float, wait: float) -> bool:
        return self._clock.now() + wait - begun > self._policy.max_elapsed


class Resilient:
    """A chat model whose calls are retried and held back.

    Attributes:
        name: The model's name.
        repeatable: As the model's.
        slots: Requests that the model takes at once; None where it does not say.
    """

    def __init__(
        self,
        model: Model,
        policy: RetryPolicy | None = None,
        *,
        on_failure: OnFailure | None = None,
        breakers: dict[str, Breaker] | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Wraps a model, which is closed together with this one; for the arguments see `Retries`."""
        self.name = model.name
        self.repeatable = model.repeatable
        self._model = model
        self._retries = Retries(model, policy, on_failure=on_failure, breakers=breakers, clock=clock)
        self.slots = self._retries.slots

    @property
    def concurrency(self) -> int:
        """Calls that may be made at once at present."""
        return self._retries.concurrency

    @property
    def calls_tools(self) -> bool:
        """As the model's."""
        return calls_tools(self._model)

    @property
    def gives_logprobs(self) -> bool:
        """As the model's."""
        return gives_logprobs(self._model)

    @property
    def fingerprint(self) -> str:
        """As the model's; empty where it has none."""
        return self._model.fingerprint if isinstance(self._model, AtEndpoint) else ""

    @property
    def reply_limit(self) -> int | None:
        """As the model's."""
        return self._model.reply_limit if isinstance(self._model, AtEndpoint) else None

    async def complete(self, request: Request) -> Reply:
        """Answers one request.

        Raises:
            ModelError: The last call's failure, where no other call could help or is allowed.
        """
        return await self._retries.call(lambda: self._model.complete(request))

    async def close(self) -> None:
        """Closes the model."""
        await self._model.close()


class ResilientImages:
    """An image model whose calls are retried and held back.

    Attributes:
        name: The model's name.
        repeatable: As the model's.
        most_tokens: Tokens that a picture can cost, of a model that is paid by the token; 0 of another one.
        fingerprint: Of the settings of the endpoint that it is at; empty without one.
    """

    def __init__(
        self,
        model: ImageModel,
        *,
        on_failure: OnFailure | None = None,
        breakers: dict[str, Breaker] | None = None,
    ) -> None:
        """Wraps a model, which is closed together with this one; for the arguments see `Retries`."""
        self.name = model.name
        self.repeatable = model.repeatable
        self.most_tokens: int = getattr(model, "most_tokens", 0)
        self.fingerprint: str = getattr(model, "fingerprint", "")
        self._model = model
        self._retries = Retries(model, on_failure=on_failure, breakers=breakers)

    async def generate(self, request: ImageRequest) -> ImageReply:
        """Makes pictures of a prompt.

        Raises:
            ModelError: The last call's failure, where no other call could help or is allowed.
        """
        return await self._retries.call(lambda: self._model.generate(request))

    async def edit(self, request: ImageRequest) -> ImageReply:
        """Changes a picture.

        Raises:
            ModelError: The last call's failure, where no other call could help or is allowed.
        """
        return await self._retries.call(lambda: self._model.edit(request))

    async def close(self) -> None:
        """Closes the model."""
        await self._model.close()
