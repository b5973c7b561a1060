from __future__ import annotations

import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.errors import MissingContent, UserError
from loopwright.models import Price, Prices, Usage

FILE = """
date: 2026-11-01
models:
  openai/gpt: {input: 0.25, output: 2.00, input_cache_read: 0.025}
  local/*: {input: 0, output: 0}
"""

prices = st.decimals(min_value=0, max_value=1000, places=6)
usages = st.builds(
    Usage,
    input=st.integers(0, 10**9),
    cache_read=st.integers(0, 10**9),
    cache_write=st.integers(0, 10**9),
    output=st.integers(0, 10**9),
)
full_prices = st.builds(Price, input=prices, output=prices, input_cache_read=prices, input_cache_write=prices)


def table(**models: Price) -> Prices:
    return Prices(
        date=datetime.date(2026, 11, 1), models={name.replace("_", "/"): price for name, price in models.items()}
    )


def load(tmp_path: Path, text: str) -> Prices:
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    return Prices.load(path)


def test_a_file_is_read(tmp_path: Path) -> None:
    read = load(tmp_path, FILE)
    assert read.date == datetime.date(2026, 11, 1)
    usage = Usage(input=1_000_000, cache_read=1_000_000, output=500_000)
    assert read.cost("openai/gpt", usage) == Decimal("1.275")


@given(full_prices, usages, usages)
def test_costs_are_exact_and_add_up(price: Price, one: Usage, other: Usage) -> None:
    priced = table(openai_gpt=price)
    costs = [priced.cost("openai/gpt", usage) for usage in (one, other, one + other)]
    assert None not in costs
    first, second, both = (Fraction(cost or 0) for cost in costs)
    assert first + second == both
    exact = (
        one.input * Fraction(price.input)
        + one.output * Fraction(price.output)
        + one.cache_read * Fraction(price.input_cache_read or 0)
        + one.cache_write * Fraction(price.input_cache_write or 0)
    )
    assert first == exact / 1_000_000


@given(usages)
def test_nothing_is_guessed(usage: Usage) -> None:
    priced = table(openai_gpt=Price(input=Decimal(1), output=Decimal(2)))
    assert priced.cost("openai/gpt-mini", usage) is None
    assert priced.cost("openai", usage) is None
    assert (priced.cost("openai/gpt", usage) is None) is bool(usage.cache_read or usage.cache_write)


def test_the_own_price_comes_before_that_of_the_provider() -> None:
    priced = Prices(
        date=datetime.date(2026, 11, 1),
        models={
            "openai/*": Price(input=Decimal(1), output=Decimal(1)),
            "openai/gpt": Price(input=Decimal(2), output=Decimal(2)),
        },
    )
    assert priced.cost("openai/gpt", Usage(input=1_000_000)) == 2
    assert priced.cost("openai/other", Usage(input=1_000_000)) == 1
    assert priced.cost("local/other", Usage(input=1_000_000)) is None


def test_a_price_of_nothing_is_a_price(tmp_path: Path) -> None:
    assert load(tmp_path, FILE).cost("local/smollm2-135m", Usage(input=5, output=5)) == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (FILE.replace("date: 2026-11-01", ""), "date"),
        (FILE.replace("output: 2.00, ", ""), r"openai/gpt\.output"),
        (FILE.replace("2.00", "-2"), r"openai/gpt\.output"),
        (FILE.replace("2.00", ".inf"), r"openai/gpt\.output"),
        (FILE.replace("2.00", "two"), r"openai/gpt\.output"),
        (FILE.replace("input_cache_read", "cache_read"), r"openai/gpt\.cache_read"),
        ("- a\n- b\n", "the file"),
        ("date: [", r"prices\.yaml:2"),
        (FILE + "x: &a [1]\ny: *a\n", "alias"),
        (FILE + "#" * 1_000_000, "at most 1000000 are read"),
        ("", "the file"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        load(tmp_path, text)


def test_a_device_is_no_price_file() -> None:
    with pytest.raises(UserError, match="not a regular file"):
        Prices.load(Path("/dev/null"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingContent, match=r"prices\.yaml"):
        Prices.load(tmp_path / "prices.yaml")
