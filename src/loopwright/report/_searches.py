"""Searches in the report: the best value over candidates, what failed, and a drawing of what was found."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loopwright.discovery import construction_of, unfinished
from loopwright.errors import StoreError
from loopwright.record import EpisodeRecord, IterationRecord
from loopwright.report._arms import arm_lines
from loopwright.report._charts import Chart, Frame, Point, Series
from loopwright.report._format import cut
from loopwright.report._ideas import idea_lines
from loopwright.report._knockouts import knockout_lines
from loopwright.types import Attempt, ValueOptions

SIDE = 300
"""Side of a drawing, in its own units."""
_WIDTH, _HEIGHT = 640, 200
_MOST = 4000
"""Discs, points or steps of a drawing, at most."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A construction as shapes in a square."""

    label: str
    discs: tuple[tuple[float, float, float], ...] = ()
    """Places and radii."""
    path: str = ""
    """The outline of a step function."""


@dataclass(frozen=True, slots=True)
class Step:
    """One candidate of those that the best was made from."""

    number: int
    value: str
    words: str
    """What it carried out, or how it was made."""


@dataclass(frozen=True, slots=True)
class EpisodeSearch:
    """The search of an episode."""

    episode: str
    chart: Chart | None
    """None without two values."""
    outcomes: tuple[tuple[str, int], ...]
    """What became of the candidates, the most frequent first."""
    drawing: Drawing | None
    descent: tuple[Step, ...] = ()
    """From a fresh start to the best candidate."""
    origins: tuple[tuple[str, int, str], ...] = ()
    """Candidates that were made afresh and those that were made from others: how many, and the best value."""
    notes: tuple[str, ...] = ()
    """What to tell of its ideas and of who made its candidates."""


def episode_search(
    episode: EpisodeRecord, name: str, draw: str | None, get: Callable[[str], bytes]
) -> EpisodeSearch | None:
    """The search of an episode; None where candidates write no constructions.

    Args:
        episode: The episode.
        name: As the report calls it.
        draw: How its problem says that constructions are drawn; None for not at all.
        get: Reads an artifact.
    """
    turns = [turn for _, turn in sorted(episode.iterations.items()) if turn.begun]
    if not any(construction_of(turn.attempt) for turn in turns):
        return None
    value = episode.started.value if episode.started else None
    outcomes = Counter(_outcome(turn) for turn in turns)
    best = episode.best
    found = construction_of(best) if best else None
    return EpisodeSearch(
        episode=name,
        chart=_chart(turns, value) if value else None,
        outcomes=tuple(outcomes.most_common()),
        drawing=_drawing(found, draw, get) if found and draw else None,
        descent=_descent(episode, value) if value else (),
        origins=_origins(turns, value) if value else (),
        notes=(*idea_lines(episode), *arm_lines(episode), *knockout_lines(episode)),
    )


def _descent(episode: EpisodeRecord, value: ValueOptions) -> tuple[Step, ...]:
    """The best candidate and what it was made from, the oldest first."""
    steps: list[Step] = []
    attempt = episode.best
    while attempt is not None:
        measured = attempt.verdict.value
        told = value.describe(measured) if measured is not None else "no value"
        steps.append(Step(attempt.iteration, told, cut(_words(attempt))))
        attempt = episode[attempt.parent] if attempt.parent is not None else None
    return tuple(reversed(steps))


def _words(attempt: Attempt) -> str:
    """What a candidate was to carry out; where nobody said, how it was made."""
    made = attempt.candidate.made if attempt.candidate else {}
    changed = made.get("changed")
    how = f"{made.get('operation', '')} {', '.join(map(str, changed)) if isinstance(changed, list) else ''}".strip()
    words = attempt.idea.text if attempt.idea else how
    return f"{words} (by {attempt.made_by.arm})" if attempt.made_by else words


def _origins(turns: Sequence[IterationRecord], value: ValueOptions) -> tuple[tuple[str, int, str], ...]:
    """Candidates by where they came from; beside those that were made afresh as many of the search, for fairness."""
    made = [turn for turn in turns if turn.proposed]
    afresh = [turn for turn in made if turn.parent is None]
    rows = {
        "made afresh, as best_of_n makes all": afresh,
        "the first so many of the search": made[: len(afresh)],
        "made from another one": [turn for turn in made if turn.parent is not None],
    }
    if len(afresh) == len(made):
        del rows["the first so many of the search"]
    return tuple((name, len(mine), _best(mine, value)) for name, mine in rows.items())


def _best(turns: Sequence[IterationRecord], value: ValueOptions) -> str:
    found = [turn.judged.verdict for turn in turns if turn.value is not None and turn.judged and turn.judged.passed]
    return value.describe(max(found, key=lambda one: one.worth(value)).value) if found else "none"


def drawn_as(config: Mapping[str, Any]) -> Mapping[str, str]:
    """How tasks say that constructions are drawn, by the name of the task, from the configuration of a run."""
    shapes = {task["name"]: task.get("environment", {}).get("construction") for task in config.get("tasks", ())}
    return {
        name: str(shape["draw"]) for name, shape in shapes.items() if isinstance(shape, Mapping) and "draw" in shape
    }


def _outcome(turn: IterationRecord) -> str:
    """What became of a candidate, in words that like ones share."""
    attempt = turn.attempt
    if attempt.candidate is None:
        return "no candidate in the reply"
    if attempt.verdict.passed:
        return "valid, of a program that did not finish" if unfinished(attempt) else "valid"
    text = next((check.evidence for check in attempt.verdict.checks if check.evidence), "")
    if text.startswith("not executed"):
        return "not executed: equal to an earlier one"
    if text.startswith("the program did not finish"):
        return "stopped or failed, and the problem does not count that"
    if construction_of(attempt) is None:
        return "stopped or crashed before it wrote something" if text else "not measured"
    return "the verifier failed on it" if text.startswith("the verifier failed") else "breaks a rule of the problem"


def _chart(turns: Sequence[IterationRecord], value: ValueOptions) -> Chart | None:
    measured = [(turn.number, turn.value) for turn in turns if turn.value is not None and turn.attempt.verdict.passed]
    if len({number for _, number in measured}) < 2:
        return None
    low, high = min(found for _, found in measured), max(found for _, found in measured)
    frame = Frame(_WIDTH, _HEIGHT, last=max(turn.number for turn in turns) + 1, low=0.0, left=90, bottom=30)

    def place(number: int, found: float) -> Point:
        return Point(frame.x(number + 1), frame.y((found - low) / (high - low)))

    steps: list[Point] = []
    best: float | None = None
    for number, found in measured:
        if best is None or value.rank(found) > value.rank(best):
            if best is not None:
                steps.append(place(number, best))
            best = found
        steps.append(place(number, best))
    dots = tuple(place(number, found) for number, found in measured)
    return frame.chart(
        f"{value.name} over candidates",
        [Series("the best so far", tuple(steps)), Series("each candidate", dots, joined=False)],
        levels={0.0: f"{low:.7g}", 1.0: f"{high:.7g}"},
        ticks={1: "1", frame.last: f"{frame.last:g}"},
        title="candidates",
        legend=False,
    )


def _drawing(reference: str, draw: str, get: Callable[[str], bytes]) -> Drawing | None:
    try:
        numbers = json.loads(get(reference))
    except (StoreError, ValueError, RecursionError):
        return None
    if not isinstance(numbers, list) or not 0 < len(numbers) <= _MOST:
        return None
    try:
        if draw == "steps":
            return _steps([float(number) for number in numbers])
        rows = [[float(number) for number in row] for row in numbers]
        if draw == "discs":
            scale = SIDE / max(1.0, *(max(x + r, y + r) for x, y, r in rows))
            discs = tuple((round(x * scale, 2), round(SIDE - y * scale, 2), round(r * scale, 2)) for x, y, r in rows)
            return Drawing(f"{len(rows)} discs", discs=discs)
        return _points([(row[0], row[1]) for row in rows])
    except (TypeError, ValueError, IndexError, ArithmeticError):
        return None


def _points(places: Sequence[tuple[float, float]]) -> Drawing:
    left, bottom = min(x for x, _ in places), min(y for _, y in places)
    size = max(max(x for x, _ in places) - left, max(y for _, y in places) - bottom) or 1.0
    scale = (SIDE - 20) / size
    shown = tuple(
        (round(10 + (x - left) * scale, 2), round(SIDE - 10 - (y - bottom) * scale, 2), 3.0) for x, y in places
    )
    return Drawing(f"{len(places)} points", discs=shown)


def _steps(heights: Sequence[float]) -> Drawing:
    low, high = min(0.0, *heights), max(heights)
    tall, wide = SIDE / ((high - low) or 1.0), SIDE / len(heights)
    parts = [
        f"{'M' if at == 0 else 'L'}{at * wide:.2f} {SIDE - (height - low) * tall:.2f}h{wide:.2f}"
        for at, height in enumerate(heights)
    ]
    return Drawing(f"a function of {len(heights)} steps", path="".join(parts))
