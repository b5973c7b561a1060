"""Ideas that a program can do without: pairs of candidates that differ in one switch alone."""

from __future__ import annotations

from collections import defaultdict
from statistics import fmean

from loopwright.discovery import with_constants
from loopwright.record import EpisodeRecord
from loopwright.report._format import bounds
from loopwright.stats import wilson
from loopwright.types import Attempt, ValueOptions

_PROGRAM = "solution.py"


def knockout_lines(episode: EpisodeRecord) -> list[str]:
    """What to tell of each switch that a tuner turned off, with both halves of a pair measured; else nothing."""
    value = episode.started.value if episode.started else None
    if value is None:
        return []
    made = {one.candidate.digest: one for one in episode if one.candidate}
    pairs: dict[str, list[tuple[Attempt, Attempt]]] = defaultdict(list)
    for one in episode:
        name = one.candidate.made.get("switch") if one.candidate else None
        if one.candidate and isinstance(name, str):
            files = one.candidate.files
            on = {**files, _PROGRAM: with_constants(files.get(_PROGRAM, ""), {name: 1})}
            if other := made.get(one.candidate.model_copy(update={"files": on}).digest):
                pairs[name].append((other, one))
    return [_line(name, found, value) for name, found in pairs.items()]


def _line(name: str, pairs: list[tuple[Attempt, Attempt]], value: ValueOptions) -> str:
    worths = [(_worth(on, value), _worth(off, value)) for on, off in pairs]
    better = sum(on > off for on, off in worths)
    worse = sum(on < off for on, off in worths)
    told = f"better with it in {better} of {len(pairs)} pairs {bounds(wilson(better, len(pairs)))}, worse in {worse}"
    both = [on - off for on, off in worths if min(on, off) > -float("inf")]
    mean = f"; its gain is {fmean(both):+.4g} in the mean of {len(both)}" if both else ""
    return f"without {name}: {told}{mean}"


def _worth(attempt: Attempt, value: ValueOptions) -> float:
    return attempt.verdict.worth(value) if attempt.verdict.passed else -float("inf")
