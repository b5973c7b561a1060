"""Old and new grades of the same candidates, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from loopwright.errors import StoreError
from loopwright.loop import GRADE
from loopwright.plan import RunConfig
from loopwright.record import Spent
from loopwright.runner._results import EpisodeResult, RunResult, load_result
from loopwright.stats import PairedDifference, paired_difference
from loopwright.store import CallFinished, read_run
from loopwright.types import Verdict


@dataclass(frozen=True, slots=True)
class CheckChange:
    """A check that scores otherwise than before."""

    name: str
    before: float | None
    """None for a check that there was not."""
    after: float | None
    """None for a check that there is no longer."""


@dataclass(frozen=True, slots=True)
class RegradedEpisode:
    """One answer under its old grade and its new one; what has no score is None."""

    episode: str
    task: str
    instance: str
    variant: str
    repeat: int
    before: float | None
    after: float | None
    passed_before: bool | None
    passed_after: bool | None
    checks: tuple[CheckChange, ...]
    problem: str = ""
    """Why there is no new score."""

    @property
    def changed(self) -> bool:
        """Whether anything is otherwise than before."""
        same = (self.before, self.passed_before) == (self.after, self.passed_after)
        return not same or bool(self.checks)

    @property
    def unit(self) -> str:
        """The instance, with its task where they differ."""
        return self.task if self.task == self.instance else f"{self.task}/{self.instance}"


@dataclass(frozen=True, slots=True)
class RegradedVariant:
    """What changed for one variant, over the episodes that have both scores."""

    variant: str
    episodes: int
    wrong_to_right: int
    right_to_wrong: int
    difference: PairedDifference | None
    """Of passing, new minus old; None where no episode has both scores."""


@dataclass(frozen=True, slots=True)
class RegradeResult:
    """What grading again came to."""

    source: Path
    """The run that made the candidates, whose grades stay."""
    result: RunResult
    """The run with the new grades."""
    episodes: tuple[RegradedEpisode, ...]
    left_out: tuple[str, ...]
    """Episodes of the old run that were not graded again."""
    judge: Spent
    """What the judge's calls used."""

    @property
    def folder(self) -> Path:
        """The folder of the new grades."""
        return self.result.folder

    @property
    def changed(self) -> Sequence[RegradedEpisode]:
        """Those with another grade than before."""
        return [episode for episode in self.episodes if episode.changed]

    @property
    def variants(self) -> Sequence[RegradedVariant]:
        """What changed, variant by variant."""
        names = dict.fromkeys(episode.variant for episode in self.episodes)
        return [_variant(name, [one for one in self.episodes if one.variant == name]) for name in names]

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        cost = self.judge.cost_usd
        return {
            "folder": str(self.folder),
            "source": str(self.source),
            "variants": [asdict(variant) for variant in self.variants],
            "episodes": [asdict(episode) for episode in self.episodes],
            "left_out": list(self.left_out),
            "judge_calls": self.judge.calls,
            "judge_cost_usd": None if cost is None else str(cost),
        }


def load_regrade(folder: Path | str) -> RegradeResult:
    """Reads old and new grades of a run that graded another one's candidates again.

    Raises:
        StoreError: The run is no such run, the other run is gone, or a record is damaged.
    """
    folder = Path(folder)
    record = read_run(folder)
    regrade = RunConfig.recorded(record.manifest).regrade
    if regrade is None:
        raise StoreError(f"{folder} does not grade another run's candidates", remedy="`loopwright regrade` makes such.")
    old = {episode.id: episode for episode in load_result(regrade.source)}
    new = load_result(folder)
    judge = Spent()
    for event in record.events:
        call = event.data
        if event.node == GRADE and isinstance(call, CallFinished) and call.failure is None and call.kind == "model":
            judge.add(call, record.result(call) or {})
    both = [_pair(old[episode.id], episode) for episode in new if episode.id in old]
    known = {episode.id for episode in new}
    return RegradeResult(regrade.source, new, tuple(both), tuple(id for id in old if id not in known), judge)


def _pair(old: EpisodeResult, new: EpisodeResult) -> RegradedEpisode:
    failure = new.outcome.failure if new.outcome else None
    return RegradedEpisode(
        episode=new.id,
        task=new.task,
        instance=new.instance,
        variant=new.variant,
        repeat=new.started.repeat,
        before=old.score if old.scored else None,
        after=new.score if new.scored else None,
        passed_before=old.passed if old.scored else None,
        passed_after=new.passed if new.scored else None,
        checks=tuple(_changes(old.verdict, new.verdict)) if old.scored and new.scored else (),
        problem=failure.line if failure else "" if new.scored else "not graded yet",
    )


def _changes(old: Verdict | None, new: Verdict | None) -> Iterator[CheckChange]:
    before, after = ({check.name: check.score for check in verdict.checks} if verdict else {} for verdict in (old, new))
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) != after.get(name):
            yield CheckChange(name, before.get(name), after.get(name))


def _variant(name: str, episodes: Sequence[RegradedEpisode]) -> RegradedVariant:
    both = [one for one in episodes if one.passed_before is not None and one.passed_after is not None]
    return RegradedVariant(
        variant=name,
        episodes=len(both),
        wrong_to_right=sum(bool(one.passed_after) and not one.passed_before for one in both),
        right_to_wrong=sum(bool(one.passed_before) and not one.passed_after for one in both),
        difference=paired_difference(
            _by_unit((one.unit, bool(one.passed_after)) for one in both),
            _by_unit((one.unit, bool(one.passed_before)) for one in both),
        )
        if both
        else None,
    )


def _by_unit(passes: Iterable[tuple[str, bool]]) -> Mapping[str, Sequence[float]]:
    units: dict[str, list[float]] = {}
    for unit, passed in passes:
        units.setdefault(unit, []).append(float(passed))
    return units
