"""Contexts from a gazetteer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from loopwright.geo import Place, described
from loopwright.models import Reply, Request
from tests.geo.test_geo_task import Rater, run, task

pytest.importorskip("reverse_geocoder")


def test_a_place_is_told_by_the_names_around_it() -> None:
    berlin, ocean, own = described(
        [Place("a", 52.52, 13.40), Place("b", -45.0, -120.0), Place("c", 1.0, 1.0, "what I know")]
    )
    assert re.fullmatch("Near .*Berlin.*, DE", berlin.context.splitlines()[0])
    assert "Towns around, from GeoNames:" in berlin.context
    near = re.findall(r"^(\d+\.\d) km ([a-z-]+): .+$", berlin.context, re.MULTILINE)
    assert len(near) == 10
    assert [float(km) for km, _ in near] == sorted(float(km) for km, _ in near)
    assert float(near[-1][0]) < 100
    assert ocean.context == "No town of 1,000 people within 100 km."
    assert own.context == "what I know"


class Listens(Rater):
    """Keeps the first question."""

    heard = ""

    async def complete(self, request: Request) -> Reply:
        self.heard = self.heard or request.messages[1].content
        return await super().complete(request)


def test_the_model_is_told_the_names(tmp_path: Path) -> None:
    rater = Listens()
    run(tmp_path / "run", task("id,lat,lon\np0,40,10\n", truth=None, gazetteer=True), rater)
    assert "Coordinates: (40.00000, 10.00000)" in rater.heard
    assert re.search(r"Near .+, IT$", rater.heard, re.MULTILINE) or "No town of 1,000 people" in rater.heard
