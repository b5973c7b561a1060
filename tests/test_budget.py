from __future__ import annotations

import asyncio
import random
import threading
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from loopwright.budget import Caps, Ledger, Reservation, Spend
from loopwright.errors import BudgetExceeded

cents = st.integers(0, 300).map(lambda amount: Decimal(amount) / 100)
spends = st.builds(
    Spend,
    model_calls=st.integers(0, 3),
    input=st.integers(0, 50),
    cache_read=st.integers(0, 50),
    cache_write=st.integers(0, 50),
    output=st.integers(0, 50),
    usd=cents,
    sandbox_seconds=st.integers(0, 20).map(float),
    working_seconds=st.integers(0, 20).map(float),
)
caps = st.builds(
    Caps,
    model_calls=st.none() | st.integers(0, 20),
    tokens=st.none() | st.integers(0, 800),
    usd=st.none() | cents.map(lambda amount: amount * 5),
    sandbox_seconds=st.none() | st.integers(0, 100).map(float),
    working_seconds=st.none() | st.integers(0, 100).map(float),
)
CAPPED = ("model_calls", "tokens", "usd", "sandbox_seconds", "working_seconds")


def part(spend: Spend, data: st.DataObject) -> Spend:
    """Some spend that is nowhere above `spend`."""
    return data.draw(
        st.builds(
            Spend,
            model_calls=st.integers(0, spend.model_calls),
            input=st.integers(0, spend.input),
            output=st.integers(0, spend.output),
            usd=st.sampled_from([Decimal(0), spend.usd / 2, spend.usd]),
            sandbox_seconds=st.sampled_from([0.0, spend.sandbox_seconds]),
        )
    )


def above(spend: Spend, limits: Caps) -> list[str]:
    return [n for n in CAPPED if (cap := getattr(limits, n)) is not None and getattr(spend, n) > cap]


class LedgerMachine(RuleBasedStateMachine):
    """Two episodes under a run: whatever is done in whatever order, no cap is exceeded and nothing is lost."""

    held = Bundle("held")

    @initialize(run=caps, first=caps, second=caps)
    def begin(self, run: Caps, first: Caps, second: Caps) -> None:
        self.run_ledger = Ledger(run)
        self.episodes = [Ledger(first, parent=self.run_ledger), Ledger(second, parent=self.run_ledger)]
        self.spent = [Spend(), Spend()]
        self.reserved: list[list[Spend]] = [[], []]

    @rule(target=held, episode=st.integers(0, 1), spend=spends)
    def reserve(self, episode: int, spend: Spend) -> Any:
        ledger = self.episodes[episode]
        fits = not any(above(level.spent + level.reserved + spend, level.caps) for level in (ledger, self.run_ledger))
        try:
            reservation = ledger.reserve(spend)
        except BudgetExceeded:
            assert not fits
            return (None, episode, spend)
        assert fits
        self.reserved[episode].append(spend)
        return (reservation, episode, spend)

    @rule(held=consumes(held), data=st.data())
    def settle(self, held: tuple[Reservation | None, int, Spend], data: st.DataObject) -> None:
        reservation, episode, spend = held
        if reservation:
            actual = part(spend, data)
            reservation.settle(actual)
            self.reserved[episode].remove(spend)
            self.spent[episode] += actual

    @rule(held=consumes(held))
    def release(self, held: tuple[Reservation | None, int, Spend]) -> None:
        reservation, episode, spend = held
        if reservation:
            with reservation:
                pass
            reservation.release()
            self.reserved[episode].remove(spend)

    @invariant()
    def no_cap_is_exceeded_and_nothing_is_lost(self) -> None:
        if not hasattr(self, "run_ledger"):
            return
        for ledger, spent, reserved in zip(self.episodes, self.spent, self.reserved, strict=True):
            assert ledger.spent == spent
            assert ledger.reserved == sum(reserved, Spend())
        assert self.run_ledger.spent == self.spent[0] + self.spent[1]
        assert self.run_ledger.reserved == self.episodes[0].reserved + self.episodes[1].reserved
        for ledger in (self.run_ledger, *self.episodes):
            assert above(ledger.spent + ledger.reserved, ledger.caps) == []
            assert ledger.overshoot == {}


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


def test_a_refusal_names_the_cap_and_what_is_left() -> None:
    ledger = Ledger(Caps(model_calls=10, usd=Decimal("1.00")))
    ledger.charge(Spend(model_calls=1, usd=Decimal("0.70")))
    ledger.reserve(Spend(usd=Decimal("0.10")))
    with pytest.raises(BudgetExceeded, match=r"cap on usd of 1\.0 has 0\.20 left .*nothing was spent") as caught:
        ledger.reserve(Spend(model_calls=1, usd=Decimal("0.25")))
    assert "usd" in caught.value.remedy
    assert ledger.left.model_calls == 9


def test_a_refusal_by_the_parent_reserves_nothing_in_the_child() -> None:
    run = Ledger(Caps(tokens=100))
    episode = Ledger(Caps(tokens=1000), parent=run)
    with pytest.raises(BudgetExceeded, match="cap on tokens of 100 has 100 left"):
        episode.reserve(Spend(input=60, output=41))
    assert episode.reserved == run.reserved == Spend()
    episode.reserve(Spend(input=60, output=40))
    assert episode.left == Caps(tokens=0)


def test_what_is_left_is_that_of_the_tightest_cap() -> None:
    run = Ledger(Caps(usd=Decimal(2), model_calls=3))
    episode = Ledger(Caps(usd=Decimal(5), sandbox_seconds=9.0), parent=run)
    assert episode.left == Caps(usd=Decimal(2), model_calls=3, sandbox_seconds=9.0)
    assert Ledger(Caps()).left == Caps()


def test_an_overshoot_is_reported_and_stops_further_spending() -> None:
    run = Ledger(Caps(usd=Decimal(1)))
    episode = Ledger(Caps(tokens=10), parent=run)
    episode.reserve(Spend(usd=Decimal(1), output=5)).settle(Spend(usd=Decimal("1.25"), output=5))
    assert run.overshoot == {"usd": Decimal("0.25")}
    assert episode.overshoot == {}
    assert run.left == Caps(usd=Decimal(0))
    with pytest.raises(BudgetExceeded, match="usd"):
        episode.reserve(Spend(usd=Decimal("0.01")))
    episode.reserve(Spend(sandbox_seconds=1.0)).release()  # what was paid for may still be executed


async def wait_for_what_is_held() -> tuple[float, Ledger]:
    run = Ledger(Caps(tokens=100))
    one, other = (Ledger(Caps(), parent=run) for _ in range(2))
    first = one.reserve(Spend(output=80))
    second = asyncio.ensure_future(other.acquire(Spend(output=80)))
    await asyncio.sleep(0.1)
    assert not second.done()
    assert run.unspent == Caps(tokens=100)
    first.settle(Spend(output=10))
    reservation = await second
    reservation.settle(Spend(output=10))
    return run.spent.tokens, other


def test_a_call_waits_for_what_is_only_held_for_others() -> None:
    spent, other = asyncio.run(wait_for_what_is_held())
    assert spent == 20
    with pytest.raises(BudgetExceeded, match="of 100 has 80 left"):
        asyncio.run(other.acquire(Spend(output=81)))


def test_an_exception_releases_and_a_settlement_stays() -> None:
    ledger = Ledger(Caps())
    with pytest.raises(KeyError), ledger.reserve(Spend(model_calls=1)):
        raise KeyError
    assert (ledger.spent, ledger.reserved) == (Spend(), Spend())
    with ledger.reserve(Spend(model_calls=5)) as reservation:
        reservation.settle(Spend(model_calls=2))
    assert (ledger.spent, ledger.reserved) == (Spend(model_calls=2), Spend())
    with pytest.raises(RuntimeError, match="once"):
        reservation.settle(Spend())


def test_wall_time_counts_what_passed_before_a_resume_and_never_backwards() -> None:
    now = 100.0
    ledger = Ledger(Caps(seconds=60), clock=lambda: now)
    ledger.charge(Spend(), seconds=20.0)
    now = 130.0
    assert ledger.left.seconds == 10.0
    ledger.reserve(Spend(model_calls=1)).release()
    now = 141.0
    with pytest.raises(BudgetExceeded, match="seconds of 60"):
        ledger.reserve(Spend(model_calls=1))
    ledger.reserve(Spend(sandbox_seconds=1)).release()
    now = 50.0
    assert ledger.seconds == 20.0


def test_the_clock_of_an_episode_that_waited_for_its_turn_starts_late() -> None:
    now = 100.0
    ledger = Ledger(Caps(seconds=60), clock=lambda: now)
    ledger.charge(Spend(), seconds=5.0)
    now = 150.0
    ledger.restart_clock()
    assert ledger.seconds == 5.0


def test_rounding_errors_do_not_pile_up() -> None:
    ledger = Ledger(Caps(sandbox_seconds=1.0))
    for _ in range(100):
        # 0.1 + 0.2 + 0.3 - 0.1 - 0.2 - 0.3 is 1e-16.
        for reservation in [ledger.reserve(Spend(sandbox_seconds=amount)) for amount in (0.1, 0.2, 0.3)]:
            reservation.release()
    assert ledger.left.sandbox_seconds == 1.0


@given(spends, spends)
def test_spends_add_up(one: Spend, two: Spend) -> None:
    assert (one + two) - two == one
    assert (one + two).tokens == one.tokens + two.tokens
    assert one - (one + two) == Spend()


@pytest.mark.parametrize("amount", [{"usd": Decimal(-1)}, {"output": -1}, {"sandbox_seconds": float("nan")}])
def test_nothing_spent_is_negative(amount: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(amount))):
        Spend(**amount)


@pytest.mark.parametrize("cap", [{"usd": -1}, {"euros": 1}])
def test_caps_are_checked(cap: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(cap))):
        Caps(**cap)


def test_threads_never_get_more_than_the_cap() -> None:
    ledger = Ledger(Caps(model_calls=100))
    granted: list[int] = []

    def work() -> None:
        for _ in range(50):
            try:
                ledger.reserve(Spend(model_calls=1)).settle(Spend(model_calls=1))
            except BudgetExceeded:
                return
            granted.append(1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(granted) == 100
    assert ledger.spent == Spend(model_calls=100)


def test_calls_in_flight_never_get_more_than_the_cap() -> None:
    ledger = Ledger(Caps(usd=Decimal(1)))
    chance = random.Random(7)
    most = Decimal(0)

    async def call(worst: Decimal) -> None:
        nonlocal most
        with ledger.reserve(Spend(usd=worst)) as reservation:
            await asyncio.sleep(0)
            actual = worst * chance.randint(0, 100) / 100
            if chance.random() < 0.8:
                reservation.settle(Spend(usd=actual))
        most = max(most, ledger.spent.usd)

    async def main() -> list[BaseException | None]:
        worst = [Decimal(chance.randint(1, 30)) / 100 for _ in range(200)]
        return await asyncio.gather(*(call(amount) for amount in worst), return_exceptions=True)

    outcomes = asyncio.run(main())
    assert any(isinstance(outcome, BudgetExceeded) for outcome in outcomes)
    assert Decimal("0.2") < most <= 1
    assert ledger.reserved == Spend()


def test_a_cap_on_cost_is_held_to_the_cent_whatever_floats_add_up_to() -> None:
    ledger = Ledger(Caps(usd=0.3))
    for _ in range(3):
        ledger.reserve(Spend(usd=Decimal("0.1"))).settle(Spend(usd=Decimal("0.1")))
    assert (ledger.left, ledger.overshoot) == (Caps(usd=0), {})
    with pytest.raises(BudgetExceeded, match=r"cap on usd of 0\.3 has 0"):
        ledger.reserve(Spend(usd=Decimal("0.0001")))
