"""Calls of models while they are under way: what is reserved for them, and what a lost one counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Decimal

from loopwright.budget import Ledger, Reservation, Spend
from loopwright.models import Prices, Usage

_A_MOMENT = 0.001


@dataclass(frozen=True, slots=True)
class LostReply:
    """What a reply counts that nobody can use."""

    usage: Usage
    cost_usd: Decimal | None
    images: int = 0

    @property
    def spend(self) -> Spend:
        """As the ledger counts it: tokens, pictures and money, but no call beside the one that answers in the end."""
        return Spend(
            input=self.usage.input,
            cache_read=self.usage.cache_read,
            cache_write=self.usage.cache_write,
            output=self.usage.output,
            images=self.images,
            usd=self.cost_usd or Decimal(0),
        )


@dataclass(slots=True)
class CallUnderWay:
    """A call between its reservation and its reply; a provider may be asked more than once for it."""

    episode: str
    iteration: int
    node: str
    model: str
    ledger: Ledger
    prices: Prices | None
    reservation: Reservation

    def lost(self, used: Usage | None) -> LostReply:
        """Counts a reply that nobody can use and that the provider may bill.

        Args:
            used: The tokens that the provider reports; None counts all that was reserved.
        """
        most = self.reservation.spend
        usage = used or Usage(input=most.input, output=most.output)
        cost = self.prices.at_most(self.model, usage, images=most.images) if self.prices else None
        if used is None and cost is not None:
            cost = most.usd  # a class of tokens that is dearer than input was reserved for
        lost = LostReply(usage, cost, most.images)
        self.reservation.settle(lost.spend)
        return lost

    async def reserve_again(self) -> None:
        """Reserves as much for the next try, and waits where other calls hold what it needs.

        Raises:
            BudgetExceeded: There is no room for it, whatever the other calls will cost.
        """
        self.reservation = await self.ledger.acquire(self.reservation.spend)

    @contextmanager
    def asked(self) -> Iterator[None]:
        """While a provider is asked; what was not settled by the end is released."""
        under_way = call_under_way.set(self)
        try:
            yield
        finally:
            call_under_way.reset(under_way)
            self.reservation.release()


call_under_way: ContextVar[CallUnderWay | None] = ContextVar("call_under_way", default=None)
"""Set while a provider is asked, so that failures are told where they came from, and what they cost is counted."""


def least_seconds(ledger: Ledger) -> float:
    """The working seconds that a call reserves: it is let finish, and none is begun where no time is left."""
    left = ledger.left.working_seconds
    return _A_MOMENT if left is not None and left <= 0 else 0.0
