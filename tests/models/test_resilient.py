from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.errors import LoopwrightError, ModelRateLimited, ModelRejected, ModelUnavailable, UserError
from loopwright.models import Breaker, Clock, Model, Reply, Request, Resilient, RetryPolicy, Scripted
from loopwright.models._limits import Limiter
from tests.models.support import FakeTime, ask

DOWN = ModelUnavailable("it is down")


def call(items: Sequence[object], policy: RetryPolicy, fake: FakeTime) -> tuple[Reply | LoopwrightError, Scripted]:
    model = Scripted(items)  # type: ignore[arg-type]  # the tests write errors and texts side by side

    async def go() -> Reply | LoopwrightError:
        try:
            return await Resilient(model, policy, clock=fake.clock).complete(ask())
        except LoopwrightError as error:
            return error

    return asyncio.run(go()), model


@given(st.integers(0, 2**32), st.integers(1, 12))
def test_the_wait_is_drawn_from_a_range_that_doubles_up_to_a_bound(seed: int, attempts: int) -> None:
    fake = FakeTime(seed=seed)
    policy = RetryPolicy(max_attempts=attempts, base_delay=1, max_delay=20, breaker_failures=100)
    outcome, model = call([DOWN] * attempts, policy, fake)
    assert outcome is DOWN
    assert len(model.requests) == attempts
    assert len(fake.waits) == attempts - 1
    assert all(0 <= wait <= min(20, 2**number) for number, wait in enumerate(fake.waits))


def test_the_jitter_uses_the_whole_range() -> None:
    waits = []
    for seed in range(200):
        fake = FakeTime(seed=seed)
        call([DOWN, "ok"], RetryPolicy(base_delay=1), fake)
        waits += fake.waits
    assert min(waits) < 0.05
    assert max(waits) > 0.95


def test_a_long_retry_after_is_cut() -> None:
    fake = FakeTime()
    call([ModelRateLimited("later", retry_after=9999), "ok"], RetryPolicy(max_retry_after=50, base_delay=1), fake)
    assert 50 <= fake.waits[0] <= 51


@given(st.integers(0, 2**32))
def test_a_rate_limit_without_a_time_is_waited_for_a_minute(seed: int) -> None:
    fake, limited = FakeTime(seed=seed), ModelRateLimited("later")
    outcome, model = call([limited] * 500, RetryPolicy(), fake)
    assert outcome is limited
    assert sum(fake.waits) >= 60
    assert len(model.requests) >= 6
    begun = fake.waits[:-1]
    assert len(begun) < 5 or sum(begun) < 60, "it ends with the first call after that"


def test_no_call_begins_after_the_time_allowed() -> None:
    fake = FakeTime()
    policy = RetryPolicy(max_attempts=100, max_elapsed=60, base_delay=8, max_delay=8, breaker_failures=1000)
    outcome, model = call([DOWN] * 100, policy, fake)
    assert outcome is DOWN
    assert sum(fake.waits) <= 60
    assert 7 < len(model.requests) < 40


@pytest.mark.parametrize("error", [ModelRejected("no"), UserError("no"), ModelUnavailable("no")])
def test_only_errors_that_can_pass_are_retried(error: LoopwrightError) -> None:
    outcome, model = call([error, "ok"], RetryPolicy(), FakeTime())
    assert (len(model.requests) == 2) is error.retry
    assert (outcome is error) is not error.retry


class Server:
    """A model that bears `capacity` calls at once and limits the rest."""

    name = "openai/server"
    repeatable = True

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.active = 0
        self.most = 0
        self.limited = 0

    async def complete(self, request: Request) -> Reply:
        self.active += 1
        self.most = max(self.most, self.active)
        over = self.active > self.capacity
        await asyncio.sleep(0)
        self.active -= 1
        if over:
            self.limited += 1
            raise ModelRateLimited("too many at once")
        return Reply(text="ok", model=self.name)

    async def close(self) -> None: ...


def flood(model: Model, policy: RetryPolicy, calls: int) -> Resilient:
    async def go() -> Resilient:
        resilient = Resilient(model, policy, clock=FakeTime().clock)
        await asyncio.gather(*(resilient.complete(ask(str(number))) for number in range(calls)))
        return resilient

    return asyncio.run(go())


def test_concurrency_grows_while_the_provider_bears_it() -> None:
    server = Server(capacity=1000)
    assert flood(server, RetryPolicy(initial_concurrency=2, max_concurrency=20), 400).concurrency == 20
    assert server.most == 20


def test_concurrency_settles_at_what_the_provider_bears() -> None:
    server = Server(capacity=8)
    policy = RetryPolicy(initial_concurrency=64, max_concurrency=64, max_attempts=50)
    assert 4 <= flood(server, policy, 2000).concurrency <= 9
    assert server.limited < 300


def test_concurrency_does_not_grow_unused() -> None:
    async def go() -> int:
        resilient = Resilient(Server(capacity=1000), RetryPolicy(initial_concurrency=4), clock=FakeTime().clock)
        for _ in range(50):
            await resilient.complete(ask())
        return resilient.concurrency

    assert asyncio.run(go()) == 4


class Slots(Server):
    """A server that tells how much it bears."""

    endpoint = "slots"
    slots = 3


def test_a_model_with_slots_is_asked_that_often_at_once() -> None:
    server = Slots(capacity=1000)
    flood(server, RetryPolicy(initial_concurrency=50), 100)
    assert server.most == 3


def test_a_burst_of_rate_limits_halves_once() -> None:
    async def go() -> float:
        limiter = Limiter(initial=16, most=64)
        rounds = [await limiter.acquire() for _ in range(16)]
        for begun in rounds:
            limiter.release(begun, "limited")
        return limiter.limit

    assert asyncio.run(go()) == 8


def test_a_rate_limit_with_retry_after_holds_back_all_calls_of_the_model() -> None:
    model = Scripted([ModelRateLimited("wait", retry_after=30), "one", "two"])
    waits: list[float] = []

    async def go() -> None:
        over = asyncio.Event()
        now = [1000.0]

        async def sleep(seconds: float) -> None:
            waits.append(seconds)
            await over.wait()

        resilient = Resilient(model, clock=Clock(now=lambda: now[0], sleep=sleep))
        calls = [asyncio.create_task(resilient.complete(ask("first")))]
        while not waits:
            await asyncio.sleep(0)
        calls.append(asyncio.create_task(resilient.complete(ask("second"))))
        while len(waits) < 2:
            await asyncio.sleep(0)
        assert len(model.requests) == 1
        now[0] += 30
        over.set()
        await asyncio.gather(*calls)

    asyncio.run(go())
    assert waits[0] >= 30
    assert waits[1] == 30
    assert len(model.requests) == 3


@given(st.lists(st.sampled_from(["enter", "ok", "limit", "cancel"]), max_size=60))
def test_the_limiter_never_lets_through_too_many_and_loses_no_turn(steps: list[str]) -> None:
    async def go() -> None:
        limiter = Limiter(initial=2, most=5)
        waiting: list[asyncio.Task[int]] = []
        for step in steps:
            if step == "enter":
                waiting.append(asyncio.create_task(limiter.acquire()))
            elif step == "cancel" and waiting:
                waiting.pop().cancel()
            else:
                done = next((task for task in waiting if task.done()), None)
                if done is not None:
                    waiting.remove(done)
                    limiter.release(done.result(), "answered" if step == "ok" else "limited")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            entered = sum(task.done() for task in waiting)
            assert 1 <= limiter.limit <= 5
            # Whoever waits does so because the limit is reached.
            assert entered == len(waiting) or limiter.active >= int(limiter.limit)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(go())


def test_the_circuit_opens_probes_once_and_closes() -> None:
    fake = FakeTime()
    breaker = Breaker(failures=3, cooldown=10, clock=lambda: fake.now)
    for _ in range(3):
        assert breaker.enter() == 0
        breaker.failed("down")
    assert breaker.enter() == 10
    fake.now += 10
    assert breaker.enter() == 0  # the probe
    assert breaker.enter() > 0  # nobody else meanwhile
    breaker.failed("still down")
    assert breaker.enter() == 10
    fake.now += 10
    assert breaker.enter() == 0
    breaker.left()  # cancelled: the next one probes
    assert breaker.enter() == 0
    breaker.answered()
    assert not breaker.is_open
    assert breaker.enter() == breaker.enter() == 0


def test_only_failures_in_a_row_open_the_circuit() -> None:
    breaker = Breaker(failures=2, cooldown=10, clock=lambda: 0.0)
    for _ in range(5):
        breaker.failed("down")
        breaker.answered()
    assert not breaker.is_open


@pytest.mark.parametrize("error", [ModelRejected("no"), ModelRateLimited("slow down")])
def test_an_endpoint_that_answers_with_an_error_is_up(error: LoopwrightError) -> None:
    breakers: dict[str, Breaker] = {}

    async def go() -> None:
        model = Resilient(
            Scripted([error], cycle=True), RetryPolicy(max_attempts=1, breaker_failures=2), breakers=breakers
        )
        for _ in range(5):
            with pytest.raises(type(error)):
                await model.complete(ask())

    asyncio.run(go())
    (breaker,) = breakers.values()
    assert not breaker.is_open


def test_a_cancelled_probe_lets_the_next_call_probe() -> None:
    fake = FakeTime()
    stuck = asyncio.Event()

    class Stuck(Scripted):
        async def complete(self, request: Request) -> Reply:
            if request.messages[0].content == "stuck":
                await stuck.wait()
            return await super().complete(request)

    async def go() -> Reply:
        policy = RetryPolicy(max_attempts=1, breaker_failures=1, breaker_cooldown=10, max_elapsed=100)
        model = Resilient(Stuck([DOWN, "ok"]), policy, clock=fake.clock)
        with pytest.raises(ModelUnavailable):
            await model.complete(ask())
        probe = asyncio.create_task(model.complete(ask("stuck")))
        while not fake.waits or fake.now < 1010:
            await asyncio.sleep(0)
        for _ in range(5):
            await asyncio.sleep(0)
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
        return await model.complete(ask())

    assert asyncio.run(go()).text == "ok"


def test_an_open_circuit_saves_the_attempts_of_waiting_calls() -> None:
    """Calls wait for the endpoint to come back; while it is down only one call per cooldown reaches it."""
    fake = FakeTime()
    model = Scripted([DOWN] * 6 + ["ok"] * 20)

    async def go() -> list[Reply]:
        policy = RetryPolicy(breaker_failures=4, breaker_cooldown=10, initial_concurrency=4, max_attempts=4)
        resilient = Resilient(model, policy, clock=fake.clock)
        return await asyncio.gather(*(resilient.complete(ask(str(number))) for number in range(10)))

    assert len(asyncio.run(go())) == 10
    assert len(model.requests) == 16
    assert fake.now - 1000 >= 20  # open twice: after the 4 failures, and after the failed probe


def test_a_circuit_that_stays_open_ends_in_an_error_that_says_why() -> None:
    outcome, model = call(
        [DOWN] * 100, RetryPolicy(max_attempts=99, breaker_failures=2, breaker_cooldown=20, max_elapsed=50), FakeTime()
    )
    assert isinstance(outcome, ModelUnavailable)
    assert "it is down" in str(outcome)
    assert len(model.requests) <= 5


def test_models_behind_one_endpoint_share_a_circuit() -> None:
    breakers: dict[str, Breaker] = {}
    fake = FakeTime()
    policy = RetryPolicy(max_attempts=1, breaker_failures=1)

    async def go() -> None:
        first, second = (
            Resilient(Scripted([DOWN, "ok"], name="same"), policy, breakers=breakers, clock=fake.clock)
            for _ in range(2)
        )
        with pytest.raises(ModelUnavailable):
            await first.complete(ask())
        (breaker,) = breakers.values()
        assert breaker.is_open
        with pytest.raises(ModelUnavailable):
            await second.complete(ask())
        assert fake.waits == [policy.breaker_cooldown]

    asyncio.run(go())


def test_a_cancelled_call_gives_its_turn_back() -> None:
    async def go() -> Reply:
        resilient = Resilient(Scripted(["slow", "next"], delay=0.05), RetryPolicy(initial_concurrency=1))
        first = asyncio.create_task(resilient.complete(ask()))
        await asyncio.sleep(0.01)
        first.cancel()
        return await resilient.complete(ask())

    assert asyncio.run(go()).text == "next"
