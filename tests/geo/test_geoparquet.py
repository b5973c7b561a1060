"""GeoParquet: points are read like those of other tables, and what is no such file is refused with a remedy."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from loopwright.errors import TaskError
from loopwright.geo import Place, load_places
from loopwright.task import load_task

geopandas, pd, _, shapely = map(pytest.importorskip, ("geopandas", "pandas", "pyarrow", "shapely"))
Point = shapely.Point
COLUMNS = {"id": ["a", "b"], "country": ["DE", "NA"], "seen": pd.to_datetime(["2020-01-01", None])}
POINTS = [Point(13.4, 52.5), Point(17.1, -22.6)]
TASK = """
version: 1
name: towns
goal: Elevation
environment: {name: geo, places: {file: %s}, covariates: [height]}
model: openai/gpt-5-mini
agents: {proposer: map_refiner}
loop: {strategy: geo}
"""
REFUSED = """
import sys
from pathlib import Path
import pyarrow
from loopwright.errors import TaskError
from loopwright.geo import load_places
try:
    load_places(Path(sys.argv[1]))
except TaskError as error:
    print(str(error).splitlines()[0])
print(pyarrow.default_memory_pool().max_memory())
"""


def frame(points: list[Any] = POINTS, crs: Any = 4326, **columns: Any) -> Any:
    return geopandas.GeoDataFrame(COLUMNS | columns, geometry=points, crs=crs)


@pytest.mark.parametrize("crs", [4326, 3857])
def test_points_in_any_coordinate_system_are_places(crs: int, tmp_path: Path) -> None:
    frame().to_crs(crs).to_parquet(tmp_path / "towns.parquet")
    first, second = load_places(tmp_path / "towns.parquet")
    assert (first.id, round(first.latitude, 6), round(first.longitude, 6)) == ("a", 52.5, 13.4)
    assert (second.id, second.country) == ("b", "NA")


def test_places_without_ids_are_named_by_where_they_are(tmp_path: Path) -> None:
    geopandas.GeoDataFrame(geometry=POINTS, crs=4326).to_parquet(tmp_path / "towns.parquet")
    assert load_places(tmp_path / "towns.parquet")[0] == Place("52.50000,13.40000", 52.5, 13.4)


def test_a_task_includes_it(tmp_path: Path) -> None:
    frame(height=[34.0, 1655.0]).to_parquet(tmp_path / "towns.parquet")
    (tmp_path / "towns.yaml").write_text(TASK % "towns.parquet")
    table = load_task(tmp_path / "towns.yaml").instances()[0].public["places"]
    assert '"height": 1655.0' in table


@pytest.mark.parametrize(
    ("points", "crs", "message", "remedy"),
    [
        (
            [Point(1, 2), shapely.Polygon([(0, 0), (1, 1), (1, 0)])],
            4326,
            "feature 2 is no point.*Polygon",
            "representative",
        ),
        ([Point(1, 2), shapely.MultiPoint([(0, 0)])], 4326, "feature 2 is no point.*MultiPoint", "representative"),
        ([Point(1, 2), None], 4326, "feature 2 is no point.*no geometry", "representative"),
        ([Point(1, 2), Point()], 4326, "feature 2 is no point", "representative"),
        ([Point(1, 2), Point(200, 2)], 4326, "longitude 200", "subtract 360"),
        (POINTS, None, "does not tell its coordinate system", "set_crs"),
    ],
)
def test_what_is_no_table_of_points(points: list[Any], crs: Any, message: str, remedy: str, tmp_path: Path) -> None:
    frame(points, crs).to_parquet(tmp_path / "towns.parquet")
    with pytest.raises(TaskError, match=message) as raised:
        load_places(tmp_path / "towns.parquet")
    assert "towns.parquet" in str(raised.value)
    assert remedy in str(raised.value.remedy)


def test_parquet_without_geometry_is_refused(tmp_path: Path) -> None:
    pd.DataFrame(COLUMNS).to_parquet(tmp_path / "towns.parquet")
    with pytest.raises(TaskError, match=r"no GeoParquet: Missing geo metadata") as raised:
        load_places(tmp_path / "towns.parquet")
    assert "CSV" in str(raised.value.remedy)


@pytest.mark.parametrize("cut", [0, 4, 50, -1, -8])
def test_a_damaged_file_is_refused(cut: int, tmp_path: Path) -> None:
    frame().to_parquet(tmp_path / "whole.parquet")
    (tmp_path / "towns.parquet").write_bytes((tmp_path / "whole.parquet").read_bytes()[:cut])
    with pytest.raises(TaskError, match="no GeoParquet"):
        load_places(tmp_path / "towns.parquet")


@pytest.mark.parametrize("part", range(20))
def test_a_file_with_false_bytes_is_read_or_refused(part: int, tmp_path: Path) -> None:
    frame().to_parquet(tmp_path / "towns.parquet")
    content = bytearray((tmp_path / "towns.parquet").read_bytes())
    for place in range(part, len(content) - 8, 97):
        content[place] ^= 0xFF
    (tmp_path / "towns.parquet").write_bytes(bytes(content))
    with contextlib.suppress(TaskError):
        assert len(load_places(tmp_path / "towns.parquet")) == 2


@pytest.mark.parametrize("kind", ["text", "category", "compressed", "names"])
def test_a_small_file_that_comes_to_much_is_refused_before_it_is_made(kind: str, tmp_path: Path) -> None:
    long, rows = "x" * 300_000, 2_000
    columns: dict[str, Any] = {
        "text": {"note": [long] * rows},
        "category": {"note": pd.Categorical([long] * rows)},
        "compressed": {"note": ["x" * 100_000_000, *[""] * (rows - 1)]},
        "names": {"n" * 40_000: [None] * rows},
    }[kind]
    path = tmp_path / "towns.parquet"
    geopandas.GeoDataFrame(columns, geometry=[Point(1, 2)] * rows, crs=4326).to_parquet(path)
    assert path.stat().st_size < 10_000_000
    # In a process of its own, as Arrow counts per process. A pool made here to count would have to outlive its buffers.
    read = subprocess.run([sys.executable, "-c", REFUSED, path], capture_output=True, text=True, check=True)
    told, peak = read.stdout.splitlines()
    assert re.search(r"comes to .* characters; at most", told)
    assert int(peak) < 64_000_000


def test_columns_of_lists_are_left_out(tmp_path: Path) -> None:
    frame(tags=[["x"], []], box=[{"x": 1.0}, {"x": 2.0}]).to_parquet(tmp_path / "towns.parquet")
    (tmp_path / "towns.yaml").write_text(TASK.replace(", covariates: [height]", "") % "towns.parquet")
    table = load_task(tmp_path / "towns.yaml").instances()[0].public["places"]
    assert "tags" not in table
    assert '"box": {"x": 2.0}' in table


def test_a_task_names_the_line_that_includes_a_bad_file(tmp_path: Path) -> None:
    (tmp_path / "towns.parquet").write_bytes(b"id,lat,lon\n")
    (tmp_path / "towns.yaml").write_text(TASK % "towns.parquet")
    with pytest.raises(TaskError, match=r"towns\.parquet.*no GeoParquet") as raised:
        load_task(tmp_path / "towns.yaml")
    assert raised.value.line == 5
