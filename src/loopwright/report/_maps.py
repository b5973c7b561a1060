"""Maps of places as drawings: the first ratings, the answer, what changed, and how each place was decided.

Points of one colour are one path, so that thousands of places stay a small page.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from loopwright.errors import LoopwrightError, StoreError
from loopwright.geo import COLUMNS, MAP, Place, find_neighbours, remarks
from loopwright.record import EpisodeRecord, IterationRecord
from loopwright.report._pages import asset

SHADES = 9
"""Colours of a scale."""
EPISODES = 6
"""Episodes of a run whose maps are drawn, at most."""
_WIDTH = 480
_STATUSES = ("settled", "rated", "held", "kept", "neighbours", "revised", "failed")
_NEIGHBOURS = 10
_LONGEST = 10_000
"""Characters of a field of a map."""
_LARGEST = 1e12


@dataclass(frozen=True, slots=True)
class Dots:
    """Places of one colour."""

    shade: str
    """A class of the style sheet."""
    path: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One drawing of the places."""

    title: str
    dots: tuple[Dots, ...]
    legend: tuple[tuple[str, str], ...]
    """Class and meaning."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What a stage did; text where nothing is known."""

    number: int
    asked: str
    failed: str
    moran: str
    moved: str
    score: str
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EpisodeMaps:
    """The maps of an episode."""

    episode: str
    width: float
    height: float
    land: str
    panels: tuple[Panel, ...]
    scatter: tuple[Dots, ...]
    """Value of each place against the mean of its neighbours', in a square of 100; none where it cannot be told."""
    stages: tuple[Stage, ...]
    stopped: str


_Row = Mapping[str, str]


def episode_maps(episode: EpisodeRecord, name: str, get: Callable[[str], bytes]) -> EpisodeMaps | None:
    """The maps of an episode; None where its candidates are no maps."""
    turns = [turn for _, turn in sorted(episode.iterations.items()) if _reference(turn)]
    if not turns:
        return None
    chosen = episode.finished.answer_iteration if episode.finished else None
    answer = next((turn for turn in turns if turn.number == chosen), turns[-1])
    try:
        rows = _rows(get(_reference(answer)))
    except StoreError:
        return None
    frame = _Frame.around([(float(row["longitude"]), float(row["latitude"])) for row in rows])
    decided = answer.decided if answer.decided and answer.decided.decision == "stop" else turns[-1].decided
    return EpisodeMaps(
        episode=name,
        width=_WIDTH,
        height=frame.height,
        land=frame.land(),
        panels=(*_panels(rows, frame), *_residual_panel(rows, frame, answer)),
        scatter=_scatter(rows),
        stages=tuple(_stage(turn) for turn in turns),
        stopped=f"{decided.rule}: {decided.why}" if decided else "",
    )


def _reference(turn: IterationRecord) -> str:
    candidate = turn.proposed.candidate if turn.proposed else None
    return candidate.artifacts.get(MAP, "") if candidate else ""


def _rows(data: bytes) -> list[_Row]:
    """The lines of a map, whose numbers can be drawn.

    Raises:
        StoreError: It is no map of places; a run that somebody sent may hold anything.
    """
    try:
        rows: list[_Row] = list(csv.DictReader(io.StringIO(data.decode("utf-8", "replace"))))
        if rows and all(tuple(row) == COLUMNS and _can_be_drawn(row) for row in rows):
            return rows
    except (csv.Error, TypeError, ValueError):
        pass
    raise StoreError("the artifact is no map of places")


def _can_be_drawn(row: _Row) -> bool:
    # The limit of the module csv is one for the process, and others raise it.
    if any(len(value) > _LONGEST for value in row.values()):
        return False
    place = abs(float(row["latitude"])) <= 90 and abs(float(row["longitude"])) <= 180
    return place and all(not row[name] or _is_bounded(float(row[name])) for name in ("rating", "value"))


def _is_bounded(value: object) -> TypeGuard[float]:
    """Whether a value is a number that can be drawn and printed; NaN and infinities are none."""
    return isinstance(value, int | float) and abs(value) <= _LARGEST


@dataclass(frozen=True, slots=True)
class _Frame:
    """From degrees to places in a drawing: as wide as the places, true at their middle latitude."""

    west: float
    north: float
    scale: float
    squeeze: float
    height: float

    @classmethod
    def around(cls, points: Sequence[tuple[float, float]]) -> _Frame:
        west, east = min(x for x, _ in points) - 1, max(x for x, _ in points) + 1
        south, north = min(y for _, y in points) - 1, max(y for _, y in points) + 1
        squeeze = max(0.3, math.cos(math.radians((north + south) / 2)))
        scale = _WIDTH / ((east - west) * squeeze)
        return cls(west, north, scale, squeeze, round((north - south) * scale, 1))

    def at(self, longitude: float, latitude: float) -> str:
        x, y = (longitude - self.west) * self.squeeze * self.scale, (self.north - latitude) * self.scale
        return f"{x:.1f} {y:.1f}"

    def land(self) -> str:
        """Outlines of the land, from Natural Earth (public domain)."""
        shapes = []
        for line in asset("land.txt").splitlines():
            corners = [self.at(*map(float, corner.split(","))) for corner in line.split()]
            shapes.append(f"M{'L'.join(corners)}Z")
        return "".join(shapes)


def _panels(rows: Sequence[_Row], frame: _Frame) -> tuple[Panel, ...]:
    known = [float(row[name]) for row in rows for name in ("rating", "value") if row[name]]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    changes = [abs(float(row["value"]) - float(row["rating"])) for row in rows if row["value"] and row["rating"]]
    most = max(changes, default=0.0) or 1.0

    def value(row: _Row, name: str) -> str | None:
        return f"v{_shade((float(row[name]) - low) / ((high - low) or 1))}" if row[name] else None

    def change(row: _Row) -> str | None:
        if not (row["value"] and row["rating"]):
            return None
        return f"d{_shade((float(row['value']) - float(row['rating'])) / (2 * most) + 0.5)}"

    scale = (("v0", f"{low:.1f}"), (f"v{SHADES // 2}", f"{(low + high) / 2:.1f}"), (f"v{SHADES - 1}", f"{high:.1f}"))
    count = {status: sum(row["status"] == status for row in rows) for status in _STATUSES}
    found = tuple((f"status-{status}", f"{status} ({number})") for status, number in count.items() if number)
    return (
        Panel("First ratings", _dots(rows, frame, lambda row: value(row, "rating")), scale),
        Panel("Map", _dots(rows, frame, lambda row: value(row, "value")), scale),
        Panel("Change", _dots(rows, frame, change), _turn(most)),
        Panel("How places were decided", _dots(rows, frame, _status), found),
    )


def _residual_panel(rows: Sequence[_Row], frame: _Frame, answer: IterationRecord) -> tuple[Panel, ...]:
    """How far each place's rank in the map is from its rank in the truth; none where the grade does not tell."""
    checks = answer.graded.verdict.checks if answer.graded else ()
    told = next((check.data for check in checks if check.name == "rank correlation"), None) or {}
    residuals = told.get("residuals")
    if not isinstance(residuals, list) or len(residuals) != len(rows):
        return ()
    known = {row["id"]: float(one) for row, one in zip(rows, residuals, strict=True) if _is_bounded(one)}
    most = max(map(abs, known.values()), default=0.0) or 1.0
    index = told.get("residual_moran")
    title = "Rank in the map less rank in the truth" + (f" (Moran's I {index:.2f})" if isinstance(index, float) else "")

    def shade(row: _Row) -> str | None:
        return f"d{_shade(known[row['id']] / (2 * most) + 0.5)}" if row["id"] in known else None

    return (Panel(title, _dots(rows, frame, shade), _turn(most)),)


def _turn(most: float) -> tuple[tuple[str, str], ...]:
    """The legend of a scale with 0 in its middle."""
    return (("d0", f"{-most:+.1f}"), (f"d{SHADES // 2}", "0"), (f"d{SHADES - 1}", f"{most:+.1f}"))


def _status(row: _Row) -> str | None:
    return f"status-{row['status']}" if row["status"] in _STATUSES else None


def _shade(part: float) -> int:
    return min(SHADES - 1, max(0, int(part * SHADES)))


def _dots(rows: Sequence[_Row], frame: _Frame, shade_of: Callable[[_Row], str | None]) -> tuple[Dots, ...]:
    paths: dict[str, list[str]] = {}
    for row in rows:
        if shade := shade_of(row):
            paths.setdefault(shade, []).append(f"M{frame.at(float(row['longitude']), float(row['latitude']))}h0")
    return tuple(Dots(shade, "".join(path)) for shade, path in sorted(paths.items()))


def _scatter(rows: Sequence[_Row]) -> tuple[Dots, ...]:
    """A Moran scatter: places right of the middle are high, those above it have high neighbours."""
    known = [row for row in rows if row["value"]]
    values = [float(row["value"]) for row in known]
    low, high = min(values, default=0.0), max(values, default=0.0)
    if len(known) <= _NEIGHBOURS or low == high:
        return ()
    try:
        places = [Place(row["id"], float(row["latitude"]), float(row["longitude"])) for row in known]
        near = find_neighbours(places, _NEIGHBOURS).index.tolist()
    except LoopwrightError:
        return ()
    path = []
    for own, others in zip(values, near, strict=True):
        mean = sum(values[other] for other in others) / len(others)
        path.append(f"M{100 * (own - low) / (high - low):.1f} {100 - 100 * (mean - low) / (high - low):.1f}h0")
    return (Dots("v3", "".join(path)),)


def _stage(turn: IterationRecord) -> Stage:
    made: Mapping[str, Any] = turn.proposed.candidate.made if turn.proposed and turn.proposed.candidate else {}
    graded = turn.graded
    return Stage(
        number=turn.number,
        asked=_told(made.get("asked"), ".0f"),
        failed=_told(made.get("failed"), ".0f"),
        moran=_told(made.get("moran"), ".3f"),
        moved=_told(made.get("moved"), ".3f"),
        score=_told(graded.score if graded else None, ".3f"),
        remarks=remarks(made),
    )


def _told(value: object, form: str) -> str:
    return format(value, form) if _is_bounded(value) else ""
