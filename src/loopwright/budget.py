"""One ledger for everything that is spent: reserve before, settle after."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from operator import add, attrgetter
from types import TracebackType
from typing import Any, Self

from loopwright.errors import BudgetExceeded
from loopwright.task import Caps

__all__ = ["Amount", "Caps", "Ledger", "PausableClock", "Reservation", "Spend"]

Amount = int | float | Decimal


@dataclass(frozen=True, slots=True)
class Spend:
    """What one or more calls cost. No amount is negative."""

    model_calls: int = 0
    cached_calls: int = 0
    """Those of `model_calls` that the response cache answered."""
    unpriced_calls: int = 0
    """Calls of chat and image models whose cost is not known; `usd` holds the most that it may be."""
    input: int = 0
    """Tokens that were neither read from nor written to a cache."""
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    images: int = 0
    """Pictures that image models made; a call that a provider blocked counts as one."""
    usd: Decimal = Decimal(0)
    sandbox_seconds: float = 0.0
    working_seconds: float = 0.0
    """Time of model calls and sandboxes, without waiting for a slot, a rate limit or a retry."""

    def __post_init__(self) -> None:
        for name, amount in zip(_AMOUNTS, _amounts(self), strict=True):
            if not amount >= 0:
                raise ValueError(f"{name} is {amount}; nothing spent is negative")

    def __add__(self, other: Spend) -> Spend:
        return Spend(*map(add, _amounts(self), _amounts(other)))

    def __sub__(self, other: Spend) -> Spend:
        """The difference, with nothing below zero."""
        return Spend(*(max(one - another, 0) for one, another in zip(_amounts(self), _amounts(other), strict=True)))

    @property
    def tokens(self) -> int:
        """Tokens of all four classes."""
        return self.input + self.cache_read + self.cache_write + self.output


# Found once: these sums are made several times for each of thousands of small calls.
_AMOUNTS = tuple(field.name for field in fields(Spend))
_amounts = attrgetter(*_AMOUNTS)

_PATIENCE = 0.02
"""Seconds between looks at whether other calls gave back what they held."""

_SPENT = tuple(name for name in Caps.model_fields if hasattr(Spend, name))
"""Caps on what is spent; `seconds` passes by itself."""


class PausableClock:
    """Seconds that pass while nothing is paused. One thread stops it and lets it go on."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lost = 0.0
        self._paused_at: float | None = None

    def __call__(self) -> float:
        """Seconds from an instant that never changes."""
        paused_at = self._paused_at
        return (self._clock() if paused_at is None else paused_at) - self._lost

    def pause(self) -> None:
        """Stops the clock."""
        if self._paused_at is None:
            self._paused_at = self._clock()

    def proceed(self) -> None:
        """Lets it go on where it stopped."""
        if self._paused_at is not None:
            self._lost += self._clock() - self._paused_at
            self._paused_at = None


class Ledger:
    """What was spent and reserved under caps, and under the parent's caps.

    A reservation is held by a ledger and all its parents or by none of them. As long as no call costs more than
    was reserved for it, no cap is ever exceeded, however many calls are in flight. Safe to use from threads.
    """

    def __init__(
        self,
        caps: Caps,
        *,
        parent: Ledger | None = None,
        clock: Callable[[], float] = time.monotonic,
        on_full: Callable[[str], None] = lambda name: None,
    ) -> None:
        """Nothing is spent yet; `on_full` is called with the cap's name where something does not fit under it."""
        self.caps = caps
        self._limits = _limits(caps)
        self.parent = parent
        self._clock = clock
        self._on_full = on_full
        self._started = clock()
        self._before = 0.0
        self._spent = Spend()
        self._reserved = Spend()
        self._open = 0
        self._lock: threading.RLock = parent._lock if parent else threading.RLock()

    @property
    def spent(self) -> Spend:
        """What was settled and charged."""
        return self._spent

    @property
    def reserved(self) -> Spend:
        """What is held for calls in flight."""
        return self._reserved

    @property
    def seconds(self) -> float:
        """Wall time used."""
        return self._before + max(self._clock() - self._started, 0.0)

    @property
    def left(self) -> Caps:
        """What may still be reserved here, the parents' caps included; never below zero."""
        return self._left(held=True)

    @property
    def unspent(self) -> Caps:
        """What was not spent yet, whatever is held for calls in flight; never below zero."""
        return self._left(held=False)

    @property
    def overshoot(self) -> Mapping[str, Amount]:
        """By how much each exceeded cap of this ledger was exceeded; empty unless a call cost more than reserved."""
        with self._lock:
            over = {name: getattr(self._spent, name) - cap for name, cap in self._caps()}
        return {name: amount for name, amount in over.items() if amount > 0}

    def capped(self, name: str) -> bool:
        """Whether a cap of that name holds here or in a parent."""
        return any(getattr(ledger.caps, name) is not None for ledger in self._chain())

    def reserve(self, spend: Spend) -> Reservation:
        """Holds the most that a call may cost, before it is made.

        Raises:
            BudgetExceeded: It would go over a cap here or in a parent; nothing was reserved or spent.
        """
        with self._lock:
            for ledger in self._chain():
                ledger._check(spend)
            for ledger in self._chain():
                ledger._reserved += spend
                ledger._open += 1
        return Reservation(self, spend)

    async def acquire(self, spend: Spend) -> Reservation:
        """As `reserve`, but waits where only what is held for other calls stands in the way: most of it comes back.

        Raises:
            BudgetExceeded: It would go over a cap here or in a parent, whatever the other calls will cost.
        """
        while True:
            try:
                return self.reserve(spend)
            except BudgetExceeded:
                with self._lock:
                    for ledger in self._chain():
                        ledger._check(spend, held=False)
            await asyncio.sleep(_PATIENCE)

    def limit(self, caps: Caps) -> None:
        """Puts other caps in the place of its own; what was spent and is held stays counted."""
        with self._lock:
            self.caps, self._limits = caps, _limits(caps)

    def discount(self, seconds: float) -> None:
        """Takes wall time back that nobody worked in, here only."""
        self._started += seconds

    def restart_clock(self) -> None:
        """Begins to count wall time now; what `charge` counted stays."""
        self._started = self._clock()

    def charge(self, spend: Spend, *, seconds: float = 0.0, alone: bool = False) -> None:
        """Counts what was spent before a resume, here and in the parents, whatever the caps say.

        Args:
            spend: Of calls whose results are in the record.
            seconds: Wall time used before, counted here only.
            alone: Whether the spending is counted here only as well: another run paid for it.
        """
        with self._lock:
            self._before += seconds
            for ledger in (self,) if alone else self._chain():
                ledger._spent += spend

    def _close(self, reserved: Spend, actual: Spend) -> None:
        with self._lock:
            for ledger in self._chain():
                ledger._open -= 1
                # Starting from zero again keeps rounding errors of seconds from piling up.
                ledger._reserved = ledger._reserved - reserved if ledger._open else Spend()
                ledger._spent += actual

    def _chain(self) -> Iterator[Ledger]:
        ledger: Ledger | None = self
        while ledger:
            yield ledger
            ledger = ledger.parent

    def _caps(self) -> Iterator[tuple[str, Amount]]:
        for name in _SPENT:
            if (cap := self._limits.get(name)) is not None:
                yield name, cap

    def _check(self, spend: Spend, *, held: bool = True) -> None:
        for name, cap in self._caps():
            spent, reserved, asked = (
                getattr(part, name) for part in (self._spent, self._reserved if held else Spend(), spend)
            )
            # What costs nothing of a kind is not refused for it: a candidate that was paid for is still executed.
            if asked and spent + reserved + asked > cap:
                if spent + asked > cap:
                    self._on_full(name)
                raise BudgetExceeded(
                    f"the cap on {name} of {cap} has {max(cap - spent - reserved, 0)} left "
                    f"({spent} spent, {reserved} reserved), and {asked} are needed; nothing was spent on this",
                    remedy=f"Raise `{name}` in the task's budget.",
                )
        if (spend.model_calls or spend.images) and self.caps.seconds is not None and self.seconds >= self.caps.seconds:
            self._on_full("seconds")
            raise BudgetExceeded(
                f"the cap on seconds of {self.caps.seconds} has 0 left; nothing was spent on this",
                remedy="Raise `seconds` in the task's budget.",
            )

    def _left(self, *, held: bool) -> Caps:
        left: dict[str, Amount] = {}
        with self._lock:
            for ledger in self._chain():
                for name, cap in ledger._limits.items():
                    amount = max(cap - ledger._used(name, held=held), type(cap)(0))
                    left[name] = min(amount, left.get(name, amount))
        return Caps.model_validate(left)

    def _used(self, name: str, *, held: bool) -> Any:
        if name == "seconds":
            return self.seconds
        used = getattr(self._spent, name)
        return used + getattr(self._reserved, name) if held else used


def _limits(caps: Caps) -> dict[str, Any]:
    return {
        # Sums of costs are exact.
        name: Decimal(str(cap)) if name == "usd" else cap
        for name, cap in caps
        if cap is not None and name in Caps.model_fields
    }


class Reservation:
    """What is held for one call. As a context manager it releases what was not settled."""

    def __init__(self, ledger: Ledger, spend: Spend) -> None:
        self.spend = spend
        """The most that the call may cost."""
        self._ledger: Ledger | None = ledger

    def settle(self, actual: Spend) -> None:
        """Turns the reservation into what the call cost; the rest is free again.

        A call that cost more than reserved is counted in full and shows in `Ledger.overshoot`.

        Raises:
            RuntimeError: It was settled or released before.
        """
        if self._ledger is None:
            raise RuntimeError("a reservation is settled once")
        self._ledger._close(self.spend, actual)
        self._ledger = None

    def release(self) -> None:
        """Frees the reservation, as nothing was spent; harmless when it is closed already."""
        if self._ledger is not None:
            self._ledger._close(self.spend, Spend())
            self._ledger = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
