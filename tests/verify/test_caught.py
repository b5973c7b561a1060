"""A failed assertion is not caught as an exception class that the candidate chose."""

from __future__ import annotations

import pytest

from tests.verify.conftest import Judge

pytestmark = pytest.mark.anyio

TESTS = """
    import contextlib, unittest, unittest.mock
    from checks import raises
    from solution import Empty, pop
    def test_assert():
        try:
            pop([])
            assert False, "it should raise"
        except Empty:
            pass
    def test_raise():
        try:
            pop([])
            raise AssertionError("it should raise")
        except Empty:
            pass
    def test_suppress():
        with contextlib.suppress(Empty):
            assert pop([1]) == 1
            pop([])
            assert False
    def test_raises():
        with raises(Empty):
            assert pop([1]) == 1
            pop([])
            raise AssertionError
    def test_unittest():
        case = unittest.TestCase()
        try:
            pop([])
            case.fail("it should raise")
        except Empty as error:
            case.assertIsInstance(error, Empty)
    def test_mock():
        told = unittest.mock.Mock()
        try:
            pop([])
            told.assert_called()
        except Empty:
            pass
"""


@pytest.mark.parametrize("empty", ["AssertionError", "Exception", "BaseException"])
async def test_an_alias_catches_no_failure(judge: Judge, empty: str) -> None:
    verdict = await judge.verdict(f"Empty = {empty}\ndef pop(items): return None\n", TESTS)
    assert [check.score for check in verdict.checks] == [0] * 6
    assert all("an exception class of the candidate" in check.evidence for check in verdict.checks)


@pytest.mark.parametrize("empty", ["class Empty(Exception): pass", "Empty = IndexError", "Empty = Exception"])
async def test_what_is_raised_is_caught(judge: Judge, empty: str) -> None:
    await judge.passes(f"{empty}\ndef pop(items):\n    if not items: raise Empty()\n    return items.pop()\n", TESTS)


async def test_tests_may_catch_their_own_failures(judge: Judge) -> None:
    await judge.passes(
        """
        class Empty(Exception): pass
        def pop(items, on_empty):
            try: on_empty()
            except AssertionError as error: return type(error).__name__, str(error)
        """,
        """
        from solution import pop, Empty
        def test_own():
            try: assert pop == 3
            except AssertionError: pass
            def on_empty(): raise AssertionError("empty")
            assert pop([], on_empty) == ("AssertionError", "empty")
        """,
    )
