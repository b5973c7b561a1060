"""Whether answers are what the tasks ask, piece by piece."""

from __future__ import annotations

from decimal import Decimal

import pytest

from loopwright.environments import QueryOutcome, ShellOutcome, ShellState
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


@pytest.mark.parametrize(
    ("agent", "gold", "exact"),
    [
        (1541815603606036480, 1541815603606036481, 0.0),
        (2**53 + 1, float(2**53), 0.0),
        (Decimal("12345678901234567890.12"), Decimal("12345678901234567890.13"), 0.0),
        (Decimal("0.00000001"), Decimal("0.00000002"), 0.0),
        (Decimal("2.50"), Decimal("2.5"), 1.0),
        (3, Decimal("3.0"), 1.0),
        (3, 3.0, 1.0),
        (0.1 + 0.2, 0.3, 1.0),
        (Decimal("2.333333"), 7 / 3, 1.0),
        (0.33, 0.34, 0.0),
        (float("inf"), 1e308, 0.0),
        (float("inf"), float("inf"), 1.0),
        (-0.0, 0, 1.0),
        (None, "NULL", 0.0),
        (None, 0, 0.0),
        ("3", 3, 0.0),
        ("a", b"a", 0.0),
        ("a", "A", 0.0),
        ("a", "a ", 0.0),
    ],
)
async def test_values_are_compared_exactly(agent: object, gold: object, exact: float) -> None:
    assert (await QueryOutcome([("x", agent)], [("x", gold)], "SELECT 1").exact()).value == exact
    assert (await QueryOutcome([("x", gold)], [("x", agent)], "SELECT 1").exact()).value == exact


async def test_rows_that_were_left_out_are_not_the_same() -> None:
    assert (await QueryOutcome([(1,)], [(1,)], "SELECT 1", whole=False).exact()).value == 0.0


@pytest.mark.parametrize(
    ("agent", "gold", "exact"),
    [
        (b"seven\n", b"seven", 1.0),
        (b"seven \r\n", b"seven", 1.0),
        (b"\xff", b"\xfe", 0.0),
        (b"a\x0cb", b"a\nb", 0.0),
        ("a\u2028b".encode(), b"a\nb", 0.0),
        ("a\u00a0".encode(), b"a", 0.0),
    ],
)
async def test_outputs_are_compared_exactly(agent: bytes, gold: bytes, exact: float) -> None:
    sides = [ShellState(raw.decode("utf-8", "replace"), {}, raw) for raw in (agent, gold)]
    assert (await ShellOutcome(sides[0], sides[1], {}).exact()).value == exact


async def test_an_output_that_was_cut_or_late_is_no_answer() -> None:
    whole, cut = ShellState("x", {}, b"x"), ShellState("x", {}, b"x", whole=False)
    for sides in ((whole, cut), (cut, whole), (cut, cut)):
        assert (await ShellOutcome(sides[0], sides[1], {}).exact()).value == 0.0


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


@pytest.mark.parametrize(
    ("query", "dialect", "ordered"),
    [
        ("SELECT a FROM t -- it's sorted\nORDER BY a, b = 'x'", "sqlite", True),
        ("SELECT a FROM t ORDER/**/BY a", "sqlite", True),
        ("SELECT a FROM t WHERE b = 'C:\\' ORDER BY a, b = 'x'", "sqlite", True),
        ("SELECT a FROM t WHERE b = 'it\\'s' ORDER BY a", "mariadb", True),
        ("SELECT a FROM t /* no order by */", "sqlite", False),
        ("SELECT a FROM t -- no order by", "sqlite", False),
        ("SELECT a FROM t # order by a", "mariadb", False),
        ("SELECT a FROM t # order by a\nORDER BY 1", "mariadb", True),
        ("SELECT [order by] FROM t", "sqlite", False),
        ("SELECT a FROM (SELECT a FROM t ORDER BY ')' LIMIT 3)", "sqlite", False),
    ],
)
def test_comments_and_strings_order_nothing(query: str, dialect: str, ordered: bool) -> None:
    assert orders(query, dialect) is ordered


def test_a_query_of_many_parentheses_is_read_at_once() -> None:
    assert not orders("SELECT " + "(" * 200_000 + "order by" + ")" * 200_000)


def test_the_normalisation_of_answers() -> None:
    assert normalised("a  \nb\t\n\n") == normalised("a\nb")
    assert normalised(" a") != normalised("a")
