"""What a benchmark run came to, by variant: rates with intervals, by rule, by turn, by group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from statistics import fmean

from pydantic import TypeAdapter, ValidationError

from loopwright.bench._canaries import CANARIES
from loopwright.bench._repeats import Repeats, repeats_of
from loopwright.bench._suites import SUITES
from loopwright.environments import Scores
from loopwright.errors import StoreError
from loopwright.files import read_regular
from loopwright.loop import BUILTIN_STRATEGIES, traits_of
from loopwright.runner import EpisodeResult, load_result
from loopwright.stats import Interval, Rollouts, mean_interval, suite_pass_at_k, suite_pass_hat_k, wilson
from loopwright.store import read_run
from loopwright.types import Verdict

_Passes = Callable[[EpisodeResult], bool]


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of episodes, with its 95 % interval, where repeats of a task count as alike."""

    value: float
    n: int
    """Scored episodes."""
    tasks: int
    interval: Interval

    @classmethod
    def of(cls, passes: Sequence[bool], tasks: Sequence[str]) -> Rate | None:
        """The share of passes; None without any."""
        if not passes:
            return None
        repeated = len(set(tasks)) < len(tasks)
        interval = mean_interval([float(p) for p in passes], tasks) if repeated else wilson(sum(passes), len(passes))
        return cls(fmean(passes), len(passes), len(set(tasks)), interval)


@dataclass(frozen=True, slots=True)
class VariantOutcome:
    """All episodes of one variant. Infrastructure failures enter no rate."""

    name: str
    strategy: str
    oracle: bool
    """Whether the strategy acted on the hidden verdict: an upper bound, not to be compared with agents that cannot."""
    episodes: tuple[EpisodeResult, ...]
    groups: Mapping[str, str]
    """Instance to the group of the suite that it belongs to."""
    flagged: Mapping[str, Sequence[str]]
    """Instance to what the canaries found wrong with it."""
    score: Callable[[str, Verdict], float] | None = None
    """The published rule of its suite, which makes a score of a group's verdict."""

    @property
    def scored(self) -> tuple[EpisodeResult, ...]:
        """Episodes with a score."""
        return tuple(episode for episode in self.episodes if episode.scored)

    @property
    def passed(self) -> Rate | None:
        """By the rule that the run was scored by."""
        return self._rate(lambda episode: episode.passed)

    @property
    def sound(self) -> Rate | None:
        """As `passed`, without the tasks that the canaries flagged; None where there are none but those."""
        kept = [episode for episode in self.scored if episode.instance not in self.flagged]
        return Rate.of([episode.passed for episode in kept], [episode.instance for episode in kept])

    def by_rule(self, rule: str) -> Rate | None:
        """By a rule, whichever the run was scored by; None where the record does not hold it."""
        told = [(episode, scores_of(episode)) for episode in self.scored]
        if not any(scores and rule in scores.rules for _, scores in told):
            return None
        # An episode without scores had no answer that could be graded: a failure by every rule.
        kept = [(e, s.rules[rule] if s else 0.0) for e, s in told if s is None or rule in s.rules]
        return Rate.of([score >= 1 for _, score in kept], [episode.instance for episode, _ in kept])

    def by_group(self) -> Mapping[str, Rate]:
        """Group of the suite to the rate in it."""
        found = {}
        for group in dict.fromkeys(self.groups.values()):
            inside = [e for e in self.scored if self.groups.get(e.instance) == group]
            rate = Rate.of([e.passed for e in inside], [e.instance for e in inside])
            if rate:
                found[group] = rate
        return found

    @property
    def suite_scores(self) -> Mapping[str, float]:
        """Group to its mean score by the suite's own rule; empty where the suite has none."""
        scores: dict[str, list[float]] = {}
        for episode in self.scored if self.score else ():
            group = self.groups.get(episode.instance)
            if group and self.score:
                scores.setdefault(group, []).append(self.score(group, episode.verdict or Verdict()))
        return {group: fmean(of) for group, of in scores.items()}

    def by_turn(self) -> Sequence[float]:
        """Share of scored episodes that were solved after at most 1, 2, ... turns."""
        scored, turns = self.scored, max((len(e.attempts) for e in self.scored), default=0)
        solved = [_solved_at(episode) for episode in scored]
        return [sum(at is not None and at <= turn for at in solved) / len(scored) for turn in range(1, turns + 1)]

    def pass_at_k(self) -> tuple[int, float, float] | None:
        """k, pass@k and pass^k at the largest k that every task allows; None without repeats."""
        counts: dict[str, list[bool]] = {}
        for episode in self.scored:
            counts.setdefault(episode.instance, []).append(episode.passed)
        rollouts = [Rollouts(sum(passes), len(passes)) for passes in counts.values()]
        k = min((r.n for r in rollouts), default=0)
        return (k, suite_pass_at_k(rollouts, k), suite_pass_hat_k(rollouts, k)) if k > 1 else None

    @property
    def repeats(self) -> Repeats | None:
        """How alike repeats of a task are; None without any."""
        return repeats_of(self.episodes)

    @property
    def failures(self) -> Mapping[str, int]:
        """Cause of a failure to the number of episodes that it took."""
        causes = [e.outcome.failure.cause for e in self.episodes if e.outcome and e.outcome.failure and not e.scored]
        return dict(Counter(causes).most_common())

    @property
    def mean_turns(self) -> float | None:
        """Turns of a scored episode."""
        return fmean(len(episode.attempts) for episode in self.scored) if self.scored else None

    @property
    def cost_usd(self) -> Decimal | None:
        """Cost of all episodes; None where a model has no price."""
        costs = [episode.cost for episode in self.episodes if episode.outcome]
        return sum((cost for cost in costs if cost is not None), Decimal(0)) if None not in costs else None

    def passes(self) -> Mapping[str, list[float]]:
        """Instance to 1 or 0 for each of its scored episodes."""
        found: dict[str, list[float]] = {}
        for episode in self.scored:
            found.setdefault(episode.instance, []).append(float(episode.passed))
        return found

    def _rate(self, of: _Passes) -> Rate | None:
        scored = self.scored
        return Rate.of([of(episode) for episode in scored], [episode.instance for episode in scored])


def outcomes(folder: Path) -> tuple[VariantOutcome, ...]:
    """Reads a run, variant by variant.

    Raises:
        StoreError: There is no run in the folder, or its record is damaged.
    """
    return outcomes_of(load_result(folder), folder)


def outcomes_of(episodes: Iterable[EpisodeResult], folder: Path) -> tuple[VariantOutcome, ...]:
    """The episodes of a run, variant by variant.

    Args:
        episodes: All of them.
        folder: The run's, which tells the groups of the suite and its flagged tasks.

    Raises:
        StoreError: The manifest or the list of flagged tasks is damaged.
    """
    groups, flagged, score = groups_of(folder), flagged_in(folder), _score_of(folder)
    variants: dict[str, list[EpisodeResult]] = {}
    for episode in episodes:
        variants.setdefault(episode.variant, []).append(episode)
    found = []
    for name, inside in variants.items():
        strategy = inside[0].strategy
        oracle = traits_of(BUILTIN_STRATEGIES.get(strategy)).oracle
        found.append(VariantOutcome(name, strategy, oracle, tuple(inside), groups, flagged, score))
    return tuple(found)


def _score_of(folder: Path) -> Callable[[str, Verdict], float] | None:
    """The rule of the suite that a run is of."""
    names = [task["name"] for task in read_run(folder).manifest.config.get("tasks", ())]
    return SUITES[names[0]].score if len(names) == 1 and names[0] in SUITES else None


def groups_of(folder: Path) -> Mapping[str, str]:
    """Instance to its group, as the run's configuration says."""
    config = read_run(folder).manifest.config
    return {
        str(record["id"]): str(record["vars"]["group"])
        for task in config.get("tasks", ())
        for record in task.get("data", ())
        if record.get("vars", {}).get("group")
    }


_FLAGGED = TypeAdapter(Mapping[str, Sequence[str]])


def flagged_in(folder: Path) -> Mapping[str, Sequence[str]]:
    """Instance to what the canaries found wrong with it, as it was when the run began; empty where none were run."""
    path = folder / CANARIES
    try:
        return _FLAGGED.validate_json(read_regular(path, within=folder))
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError) as error:
        why = error.strerror if isinstance(error, OSError) else "it does not map instances to what is wrong with them"
        raise StoreError(f"{path} cannot be used: {why}", remedy="Restore the file, or take it away.") from None


def scores_of(episode: EpisodeResult) -> Scores | None:
    """The answer's scores by all of its rules."""
    return Scores.of(episode.verdict) if episode.verdict else None


def _solved_at(episode: EpisodeResult) -> int | None:
    """The turn after which an episode was solved: the answer's where the verdict of every turn is known."""
    if not episode.passed:
        return None
    known = [attempt.iteration for attempt in episode.attempts if attempt.verdict.passed]
    return (known[0] if known else len(episode.attempts) - 1) + 1
