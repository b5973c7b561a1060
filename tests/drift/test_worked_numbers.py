"""The worked numbers of the literature and of the derivations."""

from __future__ import annotations

import math

import pytest

from loopwright.drift import CHANNELS, Category, RateEProcess, combine, jensen_shannon
from loopwright.drift._deviance import Tilted, scan_threshold

VALUES = (0.90, 0.80, 0.95, 0.85, 0.70, 0.90, 0.92, 0.88, 0.95, 0.80, 0.90, 0.95)


def test_the_index_of_the_paper() -> None:
    index = combine(dict(zip(CHANNELS, VALUES, strict=True)))
    assert index.value == pytest.approx(0.875)
    assert index.coverage == pytest.approx(1.0)
    assert 0.30 * index.categories[Category.RESPONSE] == pytest.approx(0.265)
    assert 0.25 * index.categories[Category.TOOLS] == pytest.approx(0.204167, abs=1e-6)
    assert 0.25 * index.categories[Category.COORDINATION] == pytest.approx(0.229167, abs=1e-6)
    assert 0.20 * index.categories[Category.BOUNDARIES] == pytest.approx(0.176667, abs=1e-6)


@pytest.mark.parametrize(
    ("fallen", "value"),
    [(Category.RESPONSE, 0.70), (Category.TOOLS, 0.75), (Category.COORDINATION, 0.75), (Category.BOUNDARIES, 0.80)],
)
def test_a_category_at_zero_hides_in_the_composite(fallen: Category, value: float) -> None:
    order = list(Category)
    scores = {channel: float(order[at // 3] is not fallen) for at, channel in enumerate(CHANNELS)}
    assert combine(scores).value == pytest.approx(value)


def test_what_is_absent_is_left_out_and_told() -> None:
    index = combine(dict(list(zip(CHANNELS, VALUES, strict=True))[:2]))
    assert index.value == pytest.approx(0.85)
    assert index.coverage == pytest.approx(0.2)
    assert combine({}).value is None


def test_jensen_shannon() -> None:
    assert jensen_shannon({"a": 5}, {"b": 3}) == pytest.approx(1.0)
    assert jensen_shannon({"a": 1, "b": 1}, {"a": 10, "b": 10}) == pytest.approx(0.0, abs=1e-15)
    # H(m) - (H(p) + H(q)) / 2 with p = (1, 0), q = (1/2, 1/2)
    assert jensen_shannon({"a": 1}, {"a": 1, "b": 1}) == pytest.approx(0.311278, abs=1e-6)


def test_tilting_a_flag_gives_the_binomial_likelihood_ratio() -> None:
    p, rate, n, baseline = 0.05, 0.12, 250, 1000
    values = [1 - p] * 50 + [-p] * 950
    pooled = (baseline * p + n * rate) / (baseline + n)

    def kl(a: float, b: float) -> float:
        return a * math.log(a / b) + (1 - a) * math.log((1 - a) / (1 - b))

    expected = n * kl(rate, pooled) + baseline * kl(p, pooled)
    assert Tilted.of(values).evidence(rate - p, n, baseline) == pytest.approx(expected, rel=0.02)


def test_a_limit_is_where_the_evidence_is_reached() -> None:
    family = Tilted.of([-1.0] * 30 + [0.0] * 40 + [1.0] * 30)
    for up in (True, False):
        mean = family.limit(8.0, 60, 500, up=up)
        assert (mean > 0) is up
        assert family.evidence(mean, 60, 500) == pytest.approx(8.0, rel=1e-6)
    assert family.limit(8.0, 2, 500, up=True) == 1e300


def test_more_looks_ask_for_more_evidence() -> None:
    short, long = scan_threshold(0.001, 16, 3000), scan_threshold(0.001, 256, 3000)
    assert long < short < scan_threshold(0.001, 16, 30_000)
    assert scan_threshold(0.01, 16, 3000) < short


@pytest.mark.parametrize(
    ("blocks", "values"), [((8, 9, 7), (2.4669, 20.8205, 27.012)), ((2, 3, 2), (0.0847, 0.0674, 0.0589))]
)
def test_evidence_about_a_rate(blocks: tuple[int, ...], values: tuple[float, ...]) -> None:
    process = RateEProcess(10, 190)
    assert [process.update(hits, 50 - hits) for hits in blocks] == pytest.approx(values, rel=1e-3)
    with pytest.raises(ValueError, match="negative"):
        process.update(-1, 3)
