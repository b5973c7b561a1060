"""The `geo` environment: a candidate is a map of places, and truth, where there is some, grades it afterwards."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from loopwright.candidate import Candidate
from loopwright.environments import EnvironmentSetup, Fields, read_fields
from loopwright.errors import TaskError
from loopwright.geo._covariates import with_covariates
from loopwright.geo._gazetteer import described
from loopwright.geo._grade import grade
from loopwright.geo._libraries import library
from loopwright.geo._places import Place, parse_places, parse_truth
from loopwright.geo._remarks import remarks
from loopwright.geo._stage import mean_noise, moved
from loopwright.geo._table import MAP, Table
from loopwright.task import Instance
from loopwright.types import Check, Observation
from loopwright.verify import Verdict

_OWN_SCALE = re.compile(
    r"\bscale\s*(?:from|of|between|:)?\s*\(?-?\d"
    r"|(?<!-)\bscale\b[^.]{0,30}?\d\s*(?:to|and|-|\u2013)\s*-?\d"
    r"|\d\s*(?:to|-|\u2013)\s*\d[\d.]*\s*\(?scale\b",
    re.IGNORECASE,
)
_NO_MAP = Check(name="holds a map", score=0.0, evidence="the candidate holds no map of places")


class GeoFields(Fields):
    """The public fields."""

    places: str
    """The table of places: CSV, JSON lines or GeoJSON, usually `{file: NAME}`."""
    scale: tuple[float, float] = (0.0, 9.9)
    """The lowest and the highest rating."""
    in_flight: Annotated[int, Field(ge=1, le=1000)] = 16
    """Calls that are under way at once, at most."""
    samples: Annotated[int, Field(ge=1, le=4)] = 1
    """Answers about each place; more than one are drawn at temperature 1. Their mean is its first rating, and their
    spread tells what stands out for a reason from what is chance."""
    gazetteer: bool = False
    """Whether places without a context are told by the named places around them (extra `gazetteer`)."""
    covariates: tuple[str, ...] = ()
    """What may explain ratings beside position: columns of the places, `absolute_latitude`, `elevation`, `climate` or
    `town_km`. The ratings decide which of them are used."""


class _Hidden(Fields):
    truth: str | None = None


def geo_fields(public: Mapping[str, Any]) -> GeoFields:
    """Reads the public fields.

    Raises:
        TaskError: A field is missing, unknown or cannot be used.
    """
    fields = read_fields(GeoFields, public, "environment")
    if not fields.scale[0] < fields.scale[1]:
        raise TaskError(f"environment.scale: {list(fields.scale)} does not go up", remedy="Write `scale: [0, 9.9]`.")
    return fields


class GeoEnvironment:
    """Executes nothing: it looks at maps without labels in the loop, and with hidden labels afterwards.

    Its public fields are `places`, `scale`, `in_flight`, `samples`, `gazetteer` and `covariates`. Its hidden field is
    `truth`, a table of `id` and `value`. The goal is what is asked of each place, such as "infant mortality rate".
    """

    def __init__(self, setup: EnvironmentSetup) -> None:
        self._setup = setup
        self._places: tuple[Place, ...] = ()
        self._truth: dict[str, float] = {}

    @staticmethod
    def check(instance: Instance) -> None:
        """Looks at an instance: for whoever wants to know before a run.

        Raises:
            TaskError: What `reset` would raise.
        """
        _read(instance)

    async def reset(self, instance: Instance) -> Observation:
        """Starts an episode.

        Raises:
            TaskError: A field is unknown or cannot be used, or the places or the truth cannot.
        """
        self._places, self._truth = _read(instance)
        return Observation(text=f"{len(self._places)} places")

    async def step(self, action: Candidate) -> Observation:
        """Says of a map, without labels, how many places have a value and how near it is to the noise of the ratings.

        The best map has moved as far from the ratings as their noise is large, and no farther.
        """
        np = library("numpy")
        if MAP not in action.artifacts:
            return Observation(text=_NO_MAP.evidence, verdict=Verdict(checks=(_NO_MAP,)))
        table = self._table(action)
        rated, change = float(np.isfinite(table.value).mean()), moved(table)
        noise = mean_noise(table)
        near = max(0.0, 1 - abs(change / noise - 1)) if noise else 0.0
        told = f"mean squared change {change:.3g}, noise {noise:.3g}"
        checks = (
            Check(name="places with a value", score=rated, evidence=f"{rated:.1%} of {len(self._places)} places"),
            Check(name="moved as far as the noise", score=near, evidence=told, data={"moved": change, "noise": noise}),
        )
        return Observation(text="\n".join((told, *remarks(action.made))), verdict=Verdict(checks=checks))

    async def submit(self, answer: Candidate) -> Verdict:
        """Compares a map with the hidden truth; scored by Spearman's rank correlation."""
        if not self._truth:
            return Verdict()
        if MAP not in answer.artifacts:
            return Verdict(checks=(_NO_MAP,))
        return grade(self._places, self._table(answer), self._truth)

    async def close(self) -> None:
        """There is nothing to end."""

    def _table(self, candidate: Candidate) -> Table:
        return Table.from_csv(self._setup.get(candidate.artifacts[MAP]))


def _read(instance: Instance) -> tuple[tuple[Place, ...], dict[str, float]]:
    fields = geo_fields(instance.public)
    hidden = read_fields(_Hidden, instance.hidden, "environment.hidden")
    if _OWN_SCALE.search(instance.goal):
        raise TaskError(
            f"the scale is given twice: in the goal and as {list(fields.scale)}",
            remedy="Leave it out of the goal; `environment: {scale: [0, 9.9]}` says it.",
        )
    places = parse_places(fields.places, "environment.places")
    with_covariates(places[:1], fields.places, fields.covariates, "environment.places")
    if fields.gazetteer:
        described(places[:1])
    if hidden.truth is None:
        return places, {}
    truth = parse_truth(hidden.truth, "environment.hidden.truth")
    known = {place.id for place in places}
    if unknown := next((name for name in truth if name not in known), None):
        raise TaskError(
            f"the truth names {unknown!r}, which is no place",
            path="environment.hidden.truth",
            remedy="Ids are those of the places; drop the line, or add the place.",
        )
    return places, truth
