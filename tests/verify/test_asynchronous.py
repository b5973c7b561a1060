"""Asynchronous objects on both sides, and what crosses with exceptions and views."""

from __future__ import annotations

import pytest

from tests.verify.conftest import Judge

pytestmark = pytest.mark.anyio


async def test_asynchronous_objects_of_the_candidate(judge: Judge) -> None:
    await judge.passes(
        """
        import asyncio
        async def later(x):
            await asyncio.sleep(0)
            if x < 0: raise ValueError("negative")
            return x + 1
        async def count(n):
            try:
                for i in range(n):
                    await asyncio.sleep(0)
                    yield i
            finally:
                closed.append(n)
        closed = []
        class Pool:
            def __init__(self): self.lock, self.seen = asyncio.Lock(), []
            async def __aenter__(self):
                await self.lock.acquire()
                return self
            async def __aexit__(self, kind, error, trace):
                self.lock.release()
                self.seen.append(kind and kind.__name__)
                return kind is KeyError
        class Countdown:
            def __init__(self, n): self.n = n
            def __aiter__(self): return self
            async def __anext__(self):
                if self.n == 0: raise StopAsyncIteration
                self.n -= 1
                return self.n
        """,
        """
        import asyncio
        import solution
        from checks import raises
        from solution import Countdown, Pool, count, later

        def test_tasks():
            async def main():
                task = asyncio.create_task(later(1))
                return [await task, *await asyncio.gather(later(2), asyncio.wait_for(later(3), 5))]
            assert asyncio.run(main()) == [2, 3, 4]
            assert asyncio.run(later(4)) == 5
            with raises(ValueError, match="negative"):
                asyncio.run(later(-1))

        def test_a_cancelled_task():
            async def main():
                task = asyncio.create_task(later(1))
                task.cancel()
                with raises(asyncio.CancelledError):
                    await task
            asyncio.run(main())

        def test_a_coroutine_by_hand():
            with raises(StopIteration, match="2"):
                later(1).send(None)
            other = later(1)
            other.close()
            with raises(RuntimeError):
                asyncio.run(other)

        def test_asynchronous_iteration():
            async def main():
                assert [item async for item in count(3)] == [0, 1, 2]
                assert [item async for item in Countdown(2)] == [1, 0]
                numbers = count(3)
                assert await anext(numbers) == 0
                await numbers.aclose()
                assert solution.closed == [3, 3] and await anext(numbers, "end") == "end"
            asyncio.run(main())

        def test_asynchronous_context():
            async def main():
                pool = Pool()
                async with pool as entered:
                    assert entered is pool and pool.lock.locked()
                async with pool:
                    raise KeyError
                with raises(ValueError):
                    async with pool:
                        raise ValueError
                assert pool.seen == [None, "KeyError", "ValueError"] and not pool.lock.locked()
            asyncio.run(main())
        """,
    )


async def test_the_candidate_awaits_what_the_test_hands_over(judge: Judge) -> None:
    await judge.passes(
        """
        import asyncio
        async def retry(function, times):
            for left in reversed(range(times)):
                try: return await function()
                except ConnectionError:
                    if not left: raise
        async def gather(function, items):
            gate = asyncio.Semaphore(2)
            async def one(item):
                async with gate: return await function(item)
            return await asyncio.gather(*map(one, items))
        async def both(function):
            return [await asyncio.create_task(function(1)), await function(2)]
        async def total(items): return sum([item async for item in items])
        async def use(manager):
            async with manager as value: return value
        """,
        """
        import asyncio
        from unittest.mock import AsyncMock
        from checks import raises
        from solution import both, gather, retry, total, use

        async def double(x):
            await asyncio.sleep(0.001)
            return x * 2

        class Manager:
            async def __aenter__(self): return "in"
            async def __aexit__(self, *_): self.out = True

        def test_callbacks():
            calls = []
            async def flaky():
                calls.append(1)
                if len(calls) < 3: raise ConnectionError("down")
                return "up"
            async def main():
                assert await retry(flaky, 3) == "up"
                calls.clear()
                with raises(ConnectionError, match="down"):
                    await retry(flaky, 2)
                assert await gather(double, [1, 2, 3]) == [2, 4, 6]
                assert await both(double) == [2, 4]
                assert asyncio.current_task() is not None and await double(1) == 2
            asyncio.run(main())

        def test_a_mock():
            mock = AsyncMock(return_value=7)
            assert asyncio.run(retry(mock, 1)) == 7 and mock.await_count == 1

        def test_asynchronous_iterables_and_contexts():
            async def numbers():
                yield 1
                yield await double(1)
            manager = Manager()
            async def main():
                assert await total(numbers()) == 3 and await use(manager) == "in"
            asyncio.run(main())
            assert manager.out
        """,
    )


async def test_tests_and_candidate_await_each_other(judge: Judge) -> None:
    await judge.passes(
        """
        async def down(n, function): return "end" if n == 0 else await function(n - 1)
        """,
        """
        import asyncio
        from solution import down
        def test_it():
            async def function(n): return await down(n, function)
            assert asyncio.run(down(6, function)) == "end"
        """,
    )


async def test_a_failed_assertion_in_an_asynchronous_callback_counts(judge: Judge) -> None:
    verdict = await judge.verdict(
        """
        class Swallow:
            async def __aenter__(self): return self
            async def __aexit__(self, *_): return True
        async def call(function):
            try: await function(2)
            except BaseException: return 1
        """,
        """
        import asyncio
        from solution import Swallow, call
        def test_callback():
            async def function(x): assert x == 1
            assert asyncio.run(call(function)) == 1
        def test_context():
            async def main():
                async with Swallow():
                    assert 1 == 2
            asyncio.run(main())
        """,
    )
    assert [check.passed for check in verdict.checks] == [False, False]


async def test_an_end_that_the_candidate_forges_ends_no_loop_of_the_test(judge: Judge) -> None:
    verdict = await judge.verdict(
        """
        async def square(x): return x * x
        class End:
            def __await__(self): raise StopAsyncIteration
        def fake(x): return End()
        class coroutine(End): pass
        def task(x): return coroutine()
        """,
        """
        import asyncio
        from solution import fake, square, task
        class Cases:
            def __init__(self, function): self.function, self.left = function, 3
            def __aiter__(self): return self
            async def __anext__(self):
                if not self.left: raise StopAsyncIteration
                self.left -= 1
                return await self.function(self.left)
        async def check(function):
            async for value in Cases(function):
                assert value in (4, 1, 0)
        def test_square(): asyncio.run(check(square))
        def test_fake(): asyncio.run(check(fake))
        def test_task(): asyncio.run(check(lambda x: asyncio.ensure_future(task(x))))
        """,
    )
    assert [check.passed for check in verdict.checks] == [True, False, False]


async def test_causes_views_and_annotations(judge: Judge) -> None:
    await judge.passes(
        """
        def load(text, quiet=False):
            try: return int(text)
            except ValueError as error: raise KeyError(text) from (None if quiet else error)
        def wrap(function):
            try: function()
            except Exception as error: raise RuntimeError("wrapped") from error
        def deep(n):
            try: deep(n - 1) if n else {}["x"]
            except LookupError as error: raise LookupError(n) from error
        def loop():
            error = OSError()
            error.__cause__ = error
            raise error
        def keys(d): return d.keys()
        def items(d): return d.items()
        def typed(x: int, y: "str" = "") -> list: return []
        """,
        """
        from checks import raises
        from solution import *

        def error_of(function, *args):
            try: function(*args)
            except Exception as error: return error

        def test_causes():
            assert isinstance(error_of(load, "x").__cause__, ValueError)
            quiet = error_of(load, "x", True)
            assert quiet.__cause__ is None and quiet.__suppress_context__

        def test_a_cause_of_the_tests():
            own = OSError("mine")
            def fail(): raise own
            assert error_of(wrap, fail).__cause__ is own

        def test_chains_without_an_end():
            assert error_of(deep, 3).__cause__.__cause__.__cause__.__cause__.args == ("x",)
            assert error_of(deep, 200).args == (200,)
            with raises(OSError):
                loop()

        def test_views():
            assert keys({"a": 1}) == {"a"} and keys({"a": 1}) != {"b"} and keys({"a": 1}) - {"a"} == set()
            assert items({"a": [1]}) == {"a": [1]}.items() and list(items({"a": 1})) == [("a", 1)]

        def test_annotations():
            assert typed.__annotations__ == {"x": int, "y": "str", "return": list}
        """,
    )


async def test_causes_of_the_tests_do_not_reach_the_candidate(judge: Judge) -> None:
    await judge.passes(
        """
        def look(function):
            try: function()
            except ValueError as error: return [str(error.__cause__), str(error.__context__)]
        """,
        """
        from solution import look
        def fail():
            try: raise KeyError("expected 42")
            except KeyError as error: raise ValueError("no") from error
        def test_it(): assert look(fail) == ["None", "None"]
        """,
    )
