"""Long replies do not hold up the other episodes."""

from __future__ import annotations

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from loopwright.replies import is_python, read_apart


@pytest.mark.anyio
async def test_a_long_reply_is_read_in_a_thread_of_its_own() -> None:
    def read(text: str) -> int:
        return threading.get_ident()

    assert await read_apart(read, "short") == threading.get_ident()
    assert await read_apart(read, "x" * 30_000) != threading.get_ident()


@pytest.mark.anyio
async def test_what_a_reader_raises_is_raised() -> None:
    def read(text: str) -> int:
        raise ValueError(len(text))

    for length in (3, 30_000):
        with pytest.raises(ValueError, match=str(length)):
            await read_apart(read, "x" * length)


def test_threads_that_read_leave_the_filters_of_warnings() -> None:
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        codes = [f"x = {number}\n" * 2000 for number in range(200)]
        assert all(pool.map(is_python, codes))
    assert list(warnings.filters) == before
