"""The published and derived figures of the Davidsonian scene graph come out of the code of checklists."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

import pytest

from bench.images import dsg
from loopwright.images.checklist import Gating, verdict

WHO = ("mPLUG-large", "InstructBLIP", "PaLI-17B", "majority")


@pytest.fixture(scope="module")
def data(published: Path) -> dsg.Data:
    return dsg.load(published / "dsg")


def test_an_example_worked_by_hand(data: dsg.Data) -> None:
    answers = data.answers["PaLI-17B"]["tifa160_6", "sd2dot1"]
    found = [verdict(data.checklists["tifa160_6"], answers, rule).score for rule in Gating]
    assert found == [0.75, 0.5, 0.25]
    assert data.people["tifa160_6", "sd2dot1"] == (4, 4, 5, 5, 4)


@pytest.mark.parametrize(
    ("who", "rhos"),
    [
        ("mPLUG-large", [0.3967, 0.3946, 0.3900]),
        ("InstructBLIP", [0.4602, 0.4713, 0.4670]),
        ("PaLI-17B", [0.5548, 0.5502, 0.5455]),
        ("majority", [0.4965, 0.4968, 0.4928]),
    ],
)
def test_correlation_with_people(data: dsg.Data, who: str, rhos: list[float]) -> None:
    assert len(data.images) == 395
    assert [round(dsg.rho(data, dsg.scores(data, who, rule)), 4) for rule in Gating] == rhos


@pytest.mark.parametrize(
    ("who", "rhos"),
    [("mPLUG-large", (0.4091, 0.4072)), ("InstructBLIP", (0.4703, 0.4809)), ("PaLI-17B", (0.5616, 0.5578))],
)
def test_the_published_convention(data: dsg.Data, who: str, rhos: tuple[float, float]) -> None:
    found = [round(dsg.published(data, who, rule), 4) for rule in (Gating.NONE, Gating.PARENTS)]
    assert tuple(found) == rhos


def test_one_person_against_the_others(data: dsg.Data) -> None:
    assert sum(len(ratings) for ratings in data.people.values()) == 1995
    assert round(dsg.one_person(data), 4) == 0.8006


@pytest.mark.parametrize(
    ("who", "means", "counts"),
    [
        ("mPLUG-large", (0.9390, 0.8998, 0.8971), (293, 101, 135)),
        ("InstructBLIP", (0.9431, 0.9046, 0.9012), (301, 101, 145)),
        ("PaLI-17B", (0.8625, 0.8284, 0.8248), (224, 95, 219)),
        ("majority", (0.9339, 0.8908, 0.8874), (284, 110, 162)),
    ],
)
def test_scores_and_work(data: dsg.Data, who: str, means: tuple[float, ...], counts: tuple[int, ...]) -> None:
    found = dsg.work(data, who)
    assert tuple(round(mean, 4) for mean in found.means) == means
    assert (found.all_yes, found.cancelled, found.below) == counts


@pytest.mark.parametrize(
    ("who", "none", "direct"),
    [
        ("mPLUG-large", (3.840, 73), (3.831, 72)),
        ("InstructBLIP", (3.904, 75), (3.904, 73)),
        ("PaLI-17B", (3.995, 71), (3.989, 69)),
        ("majority", (3.908, 72), (3.896, 70)),
    ],
)
def test_choosing_among_five(data: dsg.Data, who: str, none: tuple[float, int], direct: tuple[float, int]) -> None:
    found = [dsg.choice(data, dsg.scores(data, who, rule)) for rule in (Gating.NONE, Gating.PARENTS)]
    assert [(round(one.rating, 3), one.ties) for one in found] == [none, direct]


def test_choosing_by_chance_and_by_people(data: dsg.Data) -> None:
    rated = {image: data.rating[image] for image in data.images}
    assert round(dsg.choice(data, dict.fromkeys(rated, 0.0)).rating, 3) == 3.779
    assert round(dsg.choice(data, rated).rating, 3) == 4.428


def test_errors_go_together(data: dsg.Data) -> None:
    found = dsg.agreement(data, "InstructBLIP", "PaLI-17B")
    assert (round(found.agree, 3), round(found.kappa, 3)) == (0.894, 0.443)
    assert (found.both_not_yes, round(found.independent)) == (120, 21)


def test_asking_once_is_scoring_by_ancestors(data: dsg.Data) -> None:
    found = dsg.ask(data, ("PaLI-17B",), dsg.once, Gating.ANCESTORS)
    assert found.questions == 2340 - 219
    assert found.scores == dsg.scores(data, "PaLI-17B", Gating.ANCESTORS)


def test_a_third_that_decides_is_the_majority_for_what_failed(data: dsg.Data) -> None:
    order = ("PaLI-17B", "mPLUG-large", "InstructBLIP")
    found = dsg.ask(data, order, dsg.third_decides, Gating.NONE)
    most = dsg.scores(data, "majority", Gating.NONE)
    # What the first affirms stands, also against the other two.
    assert all(found.scores[image] >= most[image] for image in most)
    assert found.questions < 3 * 2340
    assert fmean(found.scores.values()) > fmean(dsg.scores(data, "PaLI-17B", Gating.NONE).values())


INTERVALS = {
    "mPLUG-large": [(0.291, 0.487), (0.289, 0.487), (0.281, 0.487), (-0.014, 0.006)],
    "InstructBLIP": [(0.365, 0.548), (0.374, 0.561), (0.368, 0.557), (-0.001, 0.023)],
    "PaLI-17B": [(0.442, 0.649), (0.442, 0.643), (0.437, 0.640), (-0.023, 0.013)],
    "majority": [(0.398, 0.589), (0.399, 0.590), (0.392, 0.587), (-0.015, 0.012)],
}


@pytest.mark.slow
def test_intervals_of_resampled_prompts(data: dsg.Data) -> None:
    """Ends of 1,000 draws scatter by a tenth of the draws' deviation; the bound is three of these, for both sides."""
    columns = {f"{who} {rule}": dsg.scores(data, who, rule) for who in WHO for rule in Gating}
    drawn = dsg.resampled(data, columns, 1000)
    for who, wanted in INTERVALS.items():
        sides = [drawn[f"{who} {rule}"] for rule in Gating]
        moved = [direct - none for none, direct in zip(sides[0], sides[1], strict=True)]
        for values, (low, high) in zip([*sides, moved], wanted, strict=True):
            bound = 3 * 2**0.5 * 0.1 * (high - low) / 3.92
            assert dsg.interval(values) == pytest.approx((low, high), abs=bound + 0.0005)


def test_percentiles_lie_between_values() -> None:
    assert dsg.interval([float(value) for value in range(1, 42)]) == pytest.approx((2.0, 40.0))
