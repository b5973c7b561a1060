"""What a run came to, read back from its record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from loopwright.agents import Attempt
from loopwright.candidate import Candidate
from loopwright.loop import AttemptTree
from loopwright.store import EpisodeFinished, EpisodeStarted, Graded, read_run
from loopwright.verify import Verdict


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
    def answer(self) -> Candidate | None:
        """The best verified candidate; None where no reply held one."""
        if self.outcome is None or self.outcome.answer_iteration is None:
            return None
        return self.attempts[self.outcome.answer_iteration].candidate

    @property
    def verdict(self) -> Verdict | None:
        """The hidden verdict on the answer."""
        return next((Verdict.model_validate(graded.verdict) for graded in self.graded if graded.answer), None)


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run came to."""

    folder: Path
    episodes: tuple[EpisodeResult, ...]
    """In the order they were started."""

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


@dataclass(slots=True)
class _Gathered:
    started: EpisodeStarted
    tree: AttemptTree
    graded: list[Graded]
    outcome: EpisodeFinished | None = None


def load_result(folder: Path | str) -> RunResult:
    """Reads what a run came to; also one that is under way or was interrupted.

    Raises:
        StoreError: There is no run in the folder, or its record is damaged.
    """
    folder = Path(folder)
    episodes: dict[str, _Gathered] = {}
    for event in read_run(folder).events:
        if event.episode is None:
            continue
        if isinstance(event.data, EpisodeStarted):
            episodes.setdefault(event.episode, _Gathered(event.data, AttemptTree(), []))
        elif gathered := episodes.get(event.episode):
            gathered.tree.apply(event)
            if isinstance(event.data, Graded):
                gathered.graded.append(event.data)
            elif isinstance(event.data, EpisodeFinished):
                gathered.outcome = event.data
    return RunResult(
        folder,
        tuple(
            EpisodeResult(name, found.started, found.outcome, tuple(found.tree), tuple(found.graded))
            for name, found in episodes.items()
        ),
    )
