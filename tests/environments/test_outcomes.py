"""Whether answers are what the tasks ask, piece by piece."""

from __future__ import annotations

import pytest

from loopwright.environments import QueryOutcome
from loopwright.environments.bash._outcome import normalised
from loopwright.environments.sql._outcome import Rows, orders

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("rows", "query", "exact"),
    [
        ([(3,), (2,), (1,)], "SELECT a FROM t", 1.0),
        ([(3,), (2,), (1,)], "SELECT a FROM t ORDER BY a", 0.0),
        ([(1.0,), (2.0,), (3.0,)], "SELECT a FROM t", 1.0),
        (None, "SELECT a FROM t", 0.0),
    ],
)
async def test_rows_keep_order_where_the_query_orders(rows: Rows | None, query: str, exact: float) -> None:
    assert (await QueryOutcome(rows, [(1,), (2,), (3,)], query).exact()).value == exact


async def test_no_rows_are_right_where_the_gold_fails() -> None:
    assert (await QueryOutcome([], None, "SELECT 1", gold_failed=True).exact()).value == 0.0


@pytest.mark.parametrize(
    ("query", "ordered"),
    [
        ("SELECT a FROM t ORDER BY a", True),
        ("SELECT a FROM (SELECT a FROM t ORDER BY a LIMIT 3) AS x", False),
        ("SELECT 'order by' FROM t", False),
        ("select a from t order\n by a desc limit 1", True),
    ],
)
def test_whether_a_query_orders(query: str, ordered: bool) -> None:
    assert orders(query) is ordered


def test_the_normalisation_of_answers() -> None:
    assert normalised("a  \nb\t\n\n") == normalised("a\nb")
    assert normalised(" a") != normalised("a")
