"""What a run came to, read back from its record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import accumulate
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Self

from loopwright.agents import Attempt
from loopwright.record import EpisodeRecord, RunReader
from loopwright.runner._plot import VariantSeries, draw
from loopwright.stats import mean_interval
from loopwright.store import DriftAlarm, EpisodeFinished, EpisodeStarted, Graded, Mitigated, read_run
from loopwright.types import Candidate, Usage, ValueOptions, Verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class EpisodeResult:
    """One attempt at one instance."""

    id: str
    started: EpisodeStarted
    outcome: EpisodeFinished | None
    """None while it runs, and where it was interrupted."""
    attempts: tuple[Attempt, ...]
    """Every iteration, failed ones too, in order."""
    graded: tuple[Graded, ...]
    """Hidden verdicts, given after the loop."""

    @classmethod
    def of(cls, episode: EpisodeRecord) -> Self:
        """What an episode's record comes to.

        Raises:
            ValueError: The episode never started.
        """
        if episode.started is None:
            raise ValueError(f"the episode {episode.id} never started")
        graded = tuple(one.graded for one in episode.iterations.values() if one.graded is not None)
        return cls(episode.id, episode.started, episode.finished, tuple(episode), graded)

    @property
    def task(self) -> str:
        """Name of the task."""
        return self.started.task

    @property
    def instance(self) -> str:
        """Id of the instance."""
        return self.started.instance

    @property
    def variant(self) -> str:
        """Which of the run's configurations it had: strategy and models."""
        return self.started.variant

    @property
    def strategy(self) -> str:
        """Name of the strategy."""
        return self.started.strategy

    @property
    def stop_reason(self) -> str:
        """The stop rule that ended the loop; empty where none did."""
        return self.outcome.rule if self.outcome else ""

    @property
    def usage(self) -> Usage | None:
        """Tokens of all its model calls; None without an outcome."""
        return self.outcome.usage if self.outcome else None

    @property
    def cost(self) -> Decimal | None:
        """USD of all its model calls; None without an outcome, and where a model has no price."""
        cost = self.outcome.cost_usd if self.outcome else None
        return None if cost is None else Decimal(cost)

    @property
    def images(self) -> int | None:
        """Pictures that image models made for it; None without an outcome."""
        return self.outcome.images if self.outcome else None

    @property
    def seconds(self) -> float | None:
        """Wall time of all processes that worked on it; None without an outcome."""
        return self.outcome.seconds if self.outcome else None

    @property
    def scored(self) -> bool:
        """Whether the outcome is a score, rather than an infrastructure failure or none yet."""
        return self.outcome is not None and self.outcome.status == "scored"

    @property
    def passed(self) -> bool:
        """Whether the answer passed all checks, hidden ones where there are some."""
        return self.outcome is not None and bool(self.outcome.passed)

    @property
    def score(self) -> float | None:
        """The answer's score in [0, 1]; None where there is no score."""
        return self.outcome.score if self.outcome else None

    @property
    def value(self) -> float | None:
        """The answer's value, where the task maximises or minimises one."""
        return self.outcome.value if self.outcome else None

    @property
    def answer(self) -> Candidate | None:
        """The best verified candidate; None where no reply held one."""
        if self.outcome is None or self.outcome.answer_iteration is None:
            return None
        return self.attempts[self.outcome.answer_iteration].candidate

    @property
    def verdict(self) -> Verdict | None:
        """The hidden verdict on the answer."""
        return next((graded.verdict for graded in self.graded if graded.answer), None)


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run came to."""

    folder: Path
    episodes: tuple[EpisodeResult, ...]
    """In the order they were started."""
    alarms: Mapping[str, tuple[DriftAlarm, ...]] = field(default_factory=dict)
    """Session to the alarms of its drift monitor."""
    mitigations: Mapping[str, tuple[Mitigated, ...]] = field(default_factory=dict)
    """Session to what was done about drift."""
    unwatched: Mapping[str, str] = field(default_factory=dict)
    """Session whose drift monitor broke to what broke it."""

    def __iter__(self) -> Iterator[EpisodeResult]:
        return iter(self.episodes)

    @property
    def scored(self) -> Sequence[EpisodeResult]:
        """Episodes with a score: infrastructure failures left out."""
        return [episode for episode in self.episodes if episode.scored]

    @property
    def pass_rate(self) -> float | None:
        """Share of scored episodes that passed; None without any."""
        scored = self.scored
        return sum(episode.passed for episode in scored) / len(scored) if scored else None

    def plot(self) -> Figure:
        """Pass rates with intervals, and best scores by iteration, of every variant, as a matplotlib figure.

        Scores by iteration are those of the checks that the loop saw. `figure.savefig("run.png")` keeps it; a
        notebook shows it.

        Raises:
            UserError: No episode has a score.
            MissingExtra: The extra `plot` is not installed.
        """
        variants: dict[str, list[EpisodeResult]] = {}
        for episode in self.scored:
            variants.setdefault(episode.variant, []).append(episode)
        return draw([_series(name, episodes) for name, episodes in variants.items()])


def _series(name: str, episodes: Sequence[EpisodeResult]) -> VariantSeries:
    passed = [float(episode.passed) for episode in episodes]
    best = [_best_so_far(episode) for episode in episodes]
    length = max(map(len, best), default=0)
    kinds = {episode.started.value for episode in episodes}
    valued = kinds.pop() if len(kinds) == 1 else None
    values = [_best_values(episode, valued) for episode in episodes] if valued else []
    return VariantSeries(
        name=name,
        pass_rate=fmean(passed),
        interval=mean_interval(passed, [f"{one.task}/{one.instance}" for one in episodes]),
        # An episode that has ended keeps its best score.
        best=[fmean(curve[min(turn, len(curve) - 1)] for curve in best if curve) for turn in range(length)],
        valued=valued,
        values=[_mean_at(values, turn) for turn in range(length)],
    )


def _best_values(episode: EpisodeResult, valued: ValueOptions) -> list[float | None]:
    """The value of the best candidate so far, by iteration."""
    verdicts = [attempt.verdict for attempt in episode.attempts]

    def better(one: Verdict, other: Verdict) -> Verdict:
        return max(one, other, key=lambda verdict: (verdict.score, verdict.worth(valued)))

    return [verdict.value for verdict in accumulate(verdicts, better)]


def _mean_at(curves: Sequence[Sequence[float | None]], turn: int) -> float | None:
    known = [curve[min(turn, len(curve) - 1)] for curve in curves if curve]
    values = [value for value in known if value is not None]
    return fmean(values) if values else None


def _best_so_far(episode: EpisodeResult) -> list[float]:
    return list(accumulate((attempt.verdict.score for attempt in episode.attempts), max))


def load_result(folder: Path | str) -> RunResult:
    """Reads what a run came to; also one that is under way or was interrupted.

    Raises:
        StoreError: There is no run in the folder, or its record is damaged.
    """
    folder = Path(folder)
    reader = RunReader()
    episodes = {episode.id: episode for episode in reader.read(read_run(folder).events)}
    in_order = sorted(episodes.values(), key=lambda episode: episode.seq)
    sessions = reader.sessions.values()
    return RunResult(
        folder,
        tuple(EpisodeResult.of(episode) for episode in in_order if episode.started is not None),
        alarms={session.id: session.alarms for session in sessions if session.alarms},
        mitigations={session.id: session.mitigations for session in sessions if session.mitigations},
        unwatched={session.id: session.failures[-1].message for session in sessions if session.failures},
    )
