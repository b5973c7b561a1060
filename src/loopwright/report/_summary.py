"""A run in numbers: the projection that every rendering but the details starts from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from statistics import fmean
from typing import Literal

from loopwright.record import EpisodeRecord, ResultOf, RunReader, SessionRecord, Spent, inline_result, session_name
from loopwright.report._budgets import BudgetTable, budget_tables
from loopwright.report._row import EpisodeRow, episode_row
from loopwright.secrets import MASK
from loopwright.stats import Interval, Refinement, Rollouts, rate_interval, refinement
from loopwright.store import EpisodeStarted, Event, Writer, read_run
from loopwright.text import cut_middle
from loopwright.types import Usage, ValueOptions, describe_threshold

Basis = Literal["graded", "judged"]


@dataclass(frozen=True, slots=True)
class OverRefinement:
    """What one more refinement did to answers that passed."""

    n: int
    """Answers that were refined once more."""
    spoiled: int
    """Those of them that did not pass any more."""
    interval: Interval
    """95 % interval of the rate."""


@dataclass(frozen=True, slots=True)
class VariantSummary:
    """All episodes of one variant. Rates and means are over the scored episodes alone."""

    name: str
    strategy: str
    models: Mapping[str, str]
    """Role to `provider/model`."""
    episodes: tuple[EpisodeRow, ...]
    beside: Spent = field(default_factory=Spent)
    """What mitigations spent beside the episodes."""

    @property
    def scored(self) -> tuple[EpisodeRow, ...]:
        """The episodes that are scores."""
        return tuple(row for row in self.episodes if row.status == "scored")

    @property
    def n(self) -> int:
        """Number of scored episodes."""
        return len(self.scored)

    @property
    def unfinished(self) -> int:
        """Number of episodes without an outcome."""
        return sum(row.status == "unfinished" for row in self.episodes)

    @property
    def masked(self) -> str:
        """How many replies repeated the value of a secret, and what to do about it; empty if none did."""
        replies = sum(row.masked for row in self.episodes)
        names = cut_middle(", ".join(sorted({name for row in self.episodes for name in row.masked_names})), 200)
        if not replies:
            return ""
        executed = sum(row.executed_masked for row in self.episodes)
        counted = f"{replies} {'reply' if replies == 1 else 'replies'}"
        told = f"{counted} repeated the value of {names}; the record shows {MASK}"
        if not executed:
            return told
        return (
            f"{told}. {executed} of them {'was' if executed == 1 else 'were'} also executed and graded with {MASK}. "
            "Keep keys out of tasks and data. If a value is no key, give it to a variable whose name does not say that "
            "it is one"
        )

    @property
    def failures(self) -> Mapping[str, int]:
        """Cause to the number of episodes that failed of it."""
        return dict(Counter(row.failure.cause for row in self.episodes if row.failure).most_common())

    @property
    def passed(self) -> int:
        """Number of scored episodes that passed."""
        return sum(bool(row.passed) for row in self.scored)

    @property
    def pass_rate(self) -> float | None:
        """Share of scored episodes that passed; None without any."""
        return self.passed / self.n if self.n else None

    @property
    def interval(self) -> Interval:
        """95 % interval of the pass rate; where instances are repeated, repeats count as alike."""
        return rate_interval([bool(row.passed) for row in self.scored], [row.unit for row in self.scored])

    @property
    def mean_score(self) -> float | None:
        """Mean score of the scored episodes."""
        return fmean(row.score or 0.0 for row in self.scored) if self.n else None

    @property
    def over_refinement(self) -> OverRefinement | None:
        """How often one more refinement spoils an answer that passed; None where nothing was checked."""
        checked = [row for row in self.scored if row.spoiled is not None]
        spoiled = [bool(row.spoiled) for row in checked]
        if not checked:
            return None
        return OverRefinement(len(checked), sum(spoiled), rate_interval(spoiled, [row.unit for row in checked]))

    @property
    def good_enough(self) -> str:
        """What its tasks call good enough, in words; empty where an answer passes by all checks alone."""
        wanted = {describe_threshold(row.threshold, row.valued) for row in self.episodes if row.threshold is not None}
        return " or ".join(sorted(wanted))

    @property
    def valued(self) -> ValueOptions | None:
        """What all of its episodes maximise or minimise; None where they do not, or not the same."""
        kinds = {row.valued for row in self.episodes}
        return kinds.pop() if len(kinds) == 1 else None

    @property
    def values(self) -> Mapping[str, Sequence[float]]:
        """Instance to the values of its scored answers, where all episodes measure the same."""
        values: dict[str, list[float]] = {}
        for row in self.scored if self.valued else ():
            if row.value is not None:
                values.setdefault(row.unit, []).append(row.value)
        return values

    @property
    def mean_value(self) -> float | None:
        """Mean of those values; None without any."""
        values = [value for each in self.values.values() for value in each]
        return fmean(values) if values else None

    @property
    def passes(self) -> Mapping[str, Sequence[float]]:
        """Instance to 1 or 0 for each of its scored episodes."""
        passes: dict[str, list[float]] = {}
        for row in self.scored:
            passes.setdefault(row.unit, []).append(float(bool(row.passed)))
        return passes

    @property
    def rollouts(self) -> Mapping[str, Rollouts]:
        """Instance to its scored episodes and how many of them passed."""
        return {unit: Rollouts(round(sum(passes)), len(passes)) for unit, passes in self.passes.items()}

    @property
    def repeats(self) -> int:
        """The largest k for which pass@k is defined: the fewest scored episodes of an instance."""
        return min((counts.n for counts in self.rollouts.values()), default=0)

    @property
    def model_calls(self) -> int:
        """Model calls of all episodes, failed ones too, and of mitigations beside them."""
        return sum(row.model_calls for row in self.episodes) + self.beside.calls

    @property
    def images(self) -> int:
        """Pictures that image models made for all episodes, failed ones too, and for mitigations beside them."""
        return sum(row.images for row in self.episodes) + self.beside.images

    @property
    def usage(self) -> Usage:
        """Tokens of all episodes, failed ones too, and of mitigations beside them."""
        return sum((row.usage for row in self.episodes), self.beside.usage)

    @property
    def cost_usd(self) -> Decimal | None:
        """Cost of all episodes that called a model, and of what is beside; None where one has no price, or none was."""
        costs = [row.cost_usd for row in self.episodes if row.model_calls or row.status != "unfinished"]
        return _total([*costs, self.beside.cost_usd] if self.beside.calls else costs)

    @property
    def seconds(self) -> float:
        """Sum of the episodes' wall times; episodes run side by side, so the run may be shorter."""
        return sum(row.seconds for row in self.episodes)

    @property
    def rules(self) -> Mapping[str, int]:
        """Stop rule to the number of scored episodes it ended."""
        return dict(Counter(row.rule or "(none)" for row in self.scored).most_common())

    @property
    def basis(self) -> Basis:
        """Whose verdicts `refinement` counts: the grades if every candidate got one after the loop, else the loop's."""
        scored = self.scored
        complete = all(len(row.graded) == len(row.judged) for row in scored)
        return "graded" if complete and any(row.graded for row in scored) else "judged"

    @property
    def refinement(self) -> Refinement:
        """Flows between wrong and right over the scored episodes."""
        graded = self.basis == "graded"
        return refinement([turn for row in self.scored for turn in (row.graded if graded else row.judged)])


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run in numbers."""

    run: str
    created: str
    """UTC, ISO 8601; of the first event where the manifest is not at hand."""
    ended: str
    """Time of the last event."""
    loopwright: str
    planned: int
    """Episodes that were planned."""
    finished: str | None
    """How the run ended; None if it is under way or was cut off."""
    variants: tuple[VariantSummary, ...]
    drift: tuple[Event, ...] = ()
    """Alarms of the drift monitor, what was done then, and what it broke by."""
    steered: tuple[Event, ...] = ()
    """What people did with the run while it worked."""
    priced: bool = False
    """Whether the run had a price file."""
    regrades: bool = False
    """Whether it grades candidates of another run again; that run's calls count here, too."""
    budgets: tuple[BudgetTable, ...] = ()
    """Searches beside other methods at equal budgets."""
    writer: Writer | None = None
    """Who works on it now, as far as that is known here."""

    @property
    def state(self) -> str:
        """How the run ended, else whether somebody works on it."""
        if self.finished or self.writer is None:
            return self.finished or "not finished"
        return f"running on {self.writer.host}" if self.writer.host else "running"

    @property
    def episodes(self) -> tuple[EpisodeRow, ...]:
        """Every episode, variant by variant."""
        return tuple(row for variant in self.variants for row in variant.episodes)

    @property
    def images(self) -> int:
        """Pictures that image models made."""
        return sum(variant.images for variant in self.variants)

    @property
    def cost_usd(self) -> Decimal | None:
        """Cost of all episodes that called a model, and of what is beside; None where one has no price, or none was."""
        costs = [row.cost_usd for row in self.episodes if row.model_calls or row.status != "unfinished"]
        return _total([*costs, *(variant.beside.cost_usd for variant in self.variants if variant.beside.calls)])


@dataclass(slots=True)
class Projection:
    """Builds a `RunSummary` while episodes pass by."""

    run: str
    reader: RunReader
    """Which the episodes come from."""
    _rows: dict[str, tuple[EpisodeStarted, EpisodeRow]] = field(default_factory=dict)

    def add(self, episode: EpisodeRecord) -> EpisodeRow | None:
        """Reduces an episode to its row; None for one that never started."""
        if episode.started is None:
            return None
        row = episode_row(episode, episode.started)
        self._rows[row.episode] = (episode.started, row)
        return row

    def variants(self) -> list[str]:
        """In the order in which the run names them, else as they appeared."""
        named = self.reader.started.variants if self.reader.started else ()
        return list(dict.fromkeys([*named, *(row.variant for _, row in self._rows.values())]))

    def summary(self) -> RunSummary:
        """The run so far."""
        reader, sessions = self.reader, self.reader.sessions
        starts: dict[str, EpisodeStarted] = {}
        rows: dict[str, list[EpisodeRow]] = {name: [] for name in self.variants()}
        for start, row in self._rows.values():
            starts.setdefault(row.variant, start)
            rows[row.variant].append(row)
        drift = [event for session in sessions.values() for event in session.drift]
        return RunSummary(
            run=self.run,
            created=reader.created,
            ended=reader.ended,
            loopwright=reader.started.loopwright if reader.started else "",
            planned=reader.started.episodes if reader.started else len(self._rows),
            finished=reader.finished.reason if reader.finished else None,
            variants=tuple(_variant(name, starts.get(name), rows[name], sessions) for name in rows),
            drift=tuple(sorted(drift, key=lambda event: event.seq)),
            steered=tuple(reader.steered),
        )


def summarize(events: Iterable[Event], *, run: str = "", result_of: ResultOf = inline_result) -> RunSummary:
    """Projects events onto a summary, in one pass, holding only the episodes under way.

    Args:
        events: A run's events from the first.
        run: The run's id.
        result_of: Gives the result of a model call, for episodes that are not finished.
    """
    projection = Projection(run, RunReader(result_of))
    for episode in projection.reader.read(events):
        projection.add(episode)
    return projection.summary()


def summarize_run(folder: Path) -> RunSummary:
    """Reads a run folder; the run may be live or interrupted.

    Raises:
        StoreError: There is no run in the folder, or its record is damaged.
    """
    record = read_run(folder)
    summary = summarize(record.events, run=record.manifest.id, result_of=record.result)
    config = record.manifest.config
    return replace(
        summary,
        priced=bool(config.get("prices")),
        regrades=bool(config.get("regrade")),
        budgets=budget_tables(summary.episodes, config),
        writer=record.writer,
    )


def _variant(
    name: str, started: EpisodeStarted | None, rows: Sequence[EpisodeRow], sessions: Mapping[str, SessionRecord]
) -> VariantSummary:
    own = {session_name(row.task, row.variant, repeat) for row in rows for repeat in (row.repeat, None)}
    return VariantSummary(
        name=name,
        strategy=started.strategy if started else "",
        models=started.models if started else {},
        episodes=tuple(sorted(rows, key=lambda row: (row.task, row.instance, row.repeat))),
        beside=Spent.total(session.spent for session in sessions.values() if session.id in own),
    )


def _total(costs: Sequence[Decimal | None]) -> Decimal | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(costs) else None
