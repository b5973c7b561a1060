"""Tables of places: what is read, and what is refused with line and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from loopwright.errors import TaskError
from loopwright.geo import load_places, parse_places, parse_truth

CSV = 'id,latitude,longitude,context,country\na,52.5,13.4,"Berlin, Mitte",DE\nb,-22.6,17.1,Windhoek,NA\n'
LINES = '{"id": "a", "lat": 52.5, "lon": 13.4}\n\n{"id": "b", "lat": -22.6, "lng": 17.1, "country": "NA"}\n'
GEOJSON = """{"type": "FeatureCollection", "features": [
 {"type": "Feature", "id": "a", "geometry": {"type": "Point", "coordinates": [13.4, 52.5]}, "properties": {}},
 {"type": "Feature", "geometry": {"type": "Point", "coordinates": [17.1, -22.6]},
  "properties": {"id": "b", "country": "NA"}}]}
"""
POINT = '{"geometry": {"type": "Point", "coordinates": %s}, "properties": 5}'


@pytest.mark.parametrize("text", [CSV, "\ufeff" + CSV, CSV.replace("\n", "\r\n"), LINES, GEOJSON])
def test_three_forms_of_the_same_places(text: str) -> None:
    places = parse_places(text)
    assert [(place.id, place.latitude, place.longitude) for place in places] == [("a", 52.5, 13.4), ("b", -22.6, 17.1)]
    assert places[1].country == "NA"


def test_a_place_without_an_id_is_named_by_where_it_is() -> None:
    assert parse_places("lat,lon\n1.5,2\n")[0].id == "1.50000,2.00000"


@pytest.mark.parametrize(
    ("text", "line", "message", "remedy"),
    [
        ("id,lat,lon\na,10,200\n", 2, "longitude 200", "subtract 360"),
        ("id,lat,lon\na,1,1\nb,113.4,52.5\n", 3, "latitude 113.4", "swapped"),
        ("id,lat,lon\na,95,200\n", 2, "is no place", "from -90 to 90"),
        ("id,lat,lon\na,nan,2\n", 2, "latitude nan", "from -90 to 90"),
        ("id,lat,lon\na,north,2\n", 2, "'north'", "52.52"),
        ("id,lat,lon\na,,2\n", 2, "latitude is no number", "52.52"),
        ("id,lat,lon\na,1,2\na,3,4\n", 3, "line 2", "id of its own"),
        ("id,latitude,place\na,1,2\n", 2, "no longitude", "`longitude`"),
        ("id,lat,lon,context\na,1,2,Bad, good\n", 2, "more fields", "quotes"),
        ("id,lat,lon,context\na,1,2,max retries exceeded with url\n", 2, "text of an error", "again"),
        ("id,lat,lon\n", None, "no places", "header"),
        ("", None, "no places", "header"),
        ('[{"lat": 1}]', None, "JSON list", "JSON lines"),
        ('{"lat": 1, "lon": 2}\n{"lat"\n', 2, "no JSON", ""),
        ('{"lat": 1, "lon": 2}\n{"lat": 1' + "0" * 5000 + "}\n", 2, "too many digits", "flat object"),
        ('{"lat": 1, "lon": 1' + "0" * 400 + "}\n", 1, "longitude is beyond", "52.52"),
        ('{"id": "a\\ud800", "lat": 1, "lon": 2}\n', 1, "no table can hold", "half characters"),
        ('{"id": "a\\rb", "lat": 1, "lon": 2}\n', 1, "no table can hold", "line breaks"),
        ("id,lat,lon\n" + "a" * 100_000 + ",1,2\n", 2, "100,000 characters", "at most 1,000"),
        ('{"a": ' + "[" * 100_000 + "\n", 1, "nested too deep", "flat object"),
        ('{"lat": true, "lon": 2}\n', 1, "latitude is no number", "52.52"),
        ('{"type": "FeatureCollection", "features": 5}', None, "no list", "list of points"),
        (f'{{"type": "FeatureCollection", "features": [{POINT % 5}]}}', None, "no point", "representative"),
        (f'{{"type": "FeatureCollection", "features": [{POINT % "[1, 2]"}]}}', None, "properties", "{}"),
    ],
)
def test_what_is_refused(text: str, line: int | None, message: str, remedy: str) -> None:
    with pytest.raises(TaskError) as raised:
        parse_places(text, "my.csv")
    error = raised.value
    assert "my.csv" in str(error)
    assert message in str(error)
    assert (error.line, remedy in (error.remedy or "")) == (line, True)


def test_areas_are_no_places() -> None:
    area = '{"type": "FeatureCollection", "features": [{"geometry": {"type": "Polygon", "coordinates": []}}]}'
    with pytest.raises(TaskError, match="Polygon"):
        parse_places(area)


def test_a_file_of_another_encoding_is_named(tmp_path: Path) -> None:
    file = tmp_path / "places.csv"
    file.write_bytes("id,lat,lon,context\na,1,2,x\nb,1,2,Zürich\n".encode("latin-1"))
    with pytest.raises(TaskError, match="not UTF-8") as raised:
        load_places(file)
    assert (raised.value.line, raised.value.remedy) == (3, "Save it as UTF-8.")


def test_places_without_truth_are_left_out_of_it() -> None:
    assert parse_truth("id,value\na,3\nb,NaN\nc,\nd,NA\ne,-1.5\n") == {"a": 3.0, "e": -1.5}


@pytest.mark.parametrize(
    "text", ["id,value\na,nan\n", "a,b,c\n1,2,3\n", "id,value\na,much\n", "id,value\na,3\nb,-1e308\n"]
)
def test_truth_that_cannot_be_used(text: str) -> None:
    with pytest.raises(TaskError):
        parse_truth(text)


def test_a_line_separator_within_a_text_ends_no_line() -> None:
    assert parse_places('{"lat": 1, "lon": 2, "context": "a\u2028b"}\r\n')[0].context == "a\u2028b"


def test_ids_of_truth_are_stripped_and_told_once() -> None:
    assert parse_truth("id,value\n a ,3\n") == {"a": 3.0}
    with pytest.raises(TaskError, match="that of line 2") as raised:
        parse_truth("id,value\na,3\na,4\n")
    assert raised.value.line == 3
