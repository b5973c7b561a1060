"""The worked numbers of the literature and of the derivations."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from loopwright.drift import CHANNELS, Category, combine, jensen_shannon
from loopwright.drift.channels._channels import SIGNALS
from loopwright.drift.channels._deviance import ExponentialTilt, scan_threshold
from loopwright.drift.channels._level import ChannelBaseline
from loopwright.drift.detectors._adwin import Adwin
from loopwright.drift.detectors._cusum import Cusum

VALUES = (0.90, 0.80, 0.95, 0.85, 0.70, 0.90, 0.92, 0.88, 0.95, 0.80, 0.90, 0.95)


def test_the_index_of_the_paper() -> None:
    index = combine(dict(zip(CHANNELS, VALUES, strict=True)))
    assert index.value == pytest.approx(0.875)
    assert index.coverage == pytest.approx(1.0)
    # The fullest transcription leaves the twelfth term out and still divides by three.
    assert index.value is not None
    assert index.value - 0.20 * VALUES[-1] / 3 == pytest.approx(0.811667, abs=1e-6)
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


@pytest.mark.parametrize(("baseline", "score"), [(60, 0.968), (600, 0.989)])
def test_small_samples_of_the_same_tools_diverge(baseline: int, score: float) -> None:
    random = Random(7)

    def calls(count: int) -> Counter[str]:
        return Counter(random.choices("abcdefgh", k=count))

    scores = [1 - jensen_shannon(calls(150), calls(baseline)) for _ in range(400)]
    assert math.fsum(scores) / len(scores) == pytest.approx(score, abs=0.004)


def test_divergence_of_rates() -> None:
    assert ExponentialTilt.of([0.95] * 5 + [-0.05] * 95).evidence(0.10, 1, 1e12) == pytest.approx(0.07025, rel=0.01)


def test_tilting_a_flag_gives_the_binomial_likelihood_ratio() -> None:
    p, rate, n, baseline = 0.05, 0.12, 250, 1000
    values = [1 - p] * 50 + [-p] * 950
    pooled = (baseline * p + n * rate) / (baseline + n)

    def kl(a: float, b: float) -> float:
        return a * math.log(a / b) + (1 - a) * math.log((1 - a) / (1 - b))

    expected = n * kl(rate, pooled) + baseline * kl(p, pooled)
    assert ExponentialTilt.of(values).evidence(rate - p, n, baseline) == pytest.approx(expected, rel=0.02)


def test_a_limit_is_where_the_evidence_is_reached() -> None:
    family = ExponentialTilt.of([-1.0] * 30 + [0.0] * 40 + [1.0] * 30)
    for up in (True, False):
        mean = family.limit(8.0, 60, 500, up=up)
        assert (mean > 0) is up
        assert family.evidence(mean, 60, 500) == pytest.approx(8.0, rel=1e-6)
    assert family.limit(8.0, 2, 500, up=True) == 1e300


def test_more_looks_ask_for_more_evidence() -> None:
    short, long = scan_threshold(0.001, 16, 3000), scan_threshold(0.001, 256, 3000)
    assert long < short < scan_threshold(0.001, 16, 30_000)
    assert scan_threshold(0.01, 16, 3000) < short


@pytest.mark.parametrize(("n1", "cut"), [(50, 0.254), (100, 0.157), (200, 0.101), (400, 0.0685)])
def test_the_cut_of_adaptive_windows(n1: int, cut: float) -> None:
    pytest.importorskip("river", reason="the drift extra is not installed")
    inverse = 1 / 2000 + 1 / n1
    nats = math.log(2 * math.log(2000 + n1) / 0.002)
    assert math.sqrt(2 * inverse * 0.0475 * nats) + 2 / 3 * inverse * nats == pytest.approx(cut, rel=0.02)
    level = _level(0.05, 2000)

    def finds(rate: float) -> bool:
        window = Adwin(level, 0.002)
        return any(window.update(value, at) is not None for at, value in enumerate(_flags(rate, n1)))

    # Windows are cut at the edges of buckets and looked at every 32nd time, so not at the cut to the digit; what comes
    # first is found by what is short, so the cut of a part this long is reached at its end.
    assert finds(0.05 + 1.6 * cut)
    assert not finds(0.05 + 0.6 * cut)


def _flags(rate: float, count: int) -> list[float]:
    """As evenly spread as can be."""
    return [float(math.floor(rate * (at + 1)) - math.floor(rate * at)) for at in range(count)]


def _level(rate: float, count: int) -> ChannelBaseline:
    """A level whose standard scores are the flags themselves."""
    flags = _flags(rate, count)
    level = ChannelBaseline.of(flags, [""] * count, SIGNALS[0], chance=0.01, horizon=3000)
    return replace(level, values=tuple(flags))


def test_the_trace_of_page_and_hinkley() -> None:
    river = pytest.importorskip("river.drift", reason="the drift extra is not installed")
    stream = (0, 0, 0, 1, 0, 1, 1, 1, 1, 1)
    trace = (0, 0, 0, 0.745, 0.54, 1.2017, 1.7681, 2.2631, 2.7025, 3.0975)

    def first(threshold: float) -> int | None:
        test = river.PageHinkley(min_instances=1, delta=0.005, threshold=threshold, alpha=1.0, mode="up")
        for at, value in enumerate(stream):
            test.update(value)
            if test.drift_detected:
                return at
        return None

    for at in (3, 5, 6, 7, 8, 9):
        assert first(trace[at] - 1e-4) == at
    assert first(trace[9] + 1e-4) is None


def test_how_long_a_sum_runs_without_drift() -> None:
    flat = replace(_level(0.05, 400), effective=1e18)
    random, lengths = Random(3), []
    for _ in range(150):
        cusum, count = Cusum(flat, 12.0), 1
        while cusum.update(random.gauss(), count) is None:
            count += 1
        lengths.append(count)
    # Siegmund's formula for k = 0.25, h = 12, two-sided: 2,860.
    assert 2300 < math.fsum(lengths) / len(lengths) < 3500
