"""What came of the ideas of a search, and what their ranks were worth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from loopwright.record import EpisodeRecord
from loopwright.report._format import bounds, count
from loopwright.stats import wilson
from loopwright.types import Attempt


@dataclass(frozen=True, slots=True)
class Tried:
    """Ideas that were tried, and how many made a candidate better than what it was made from."""

    n: int
    better: int

    @classmethod
    def of(cls, gains: Iterable[bool | None]) -> Tried:
        """Counts those of which it is known."""
        known = [gain for gain in gains if gain is not None]
        return cls(len(known), sum(known))

    def __str__(self) -> str:
        share = f" {bounds(wilson(self.better, self.n))}" if self.n else ""
        return f"{self.better} of {self.n}{share}"


@dataclass(frozen=True, slots=True)
class IdeaOutcomes:
    """The ideas of an episode by their outcomes."""

    proposed: int
    kept: Tried
    """Those that ranked high enough; without a reviewer all."""
    audited: Tried
    """Those that did not, and were tried by chance."""
    left_out: int
    """Those that ranked too low, the audited ones too."""
    agreed: int
    pairs: int
    """Pairs of one batch with a reviewer's ranks whose candidates differ, and in how many of them the better ranked
    higher."""
    saved: int
    """Tokens that candidates of the ideas that were left out and not audited would have taken, by the mean."""
    review: int
    """Tokens that the reviews took."""

    @property
    def lost(self) -> float | None:
        """Estimated share of the good ideas that ranked too low; None where nothing is known of it."""
        if not self.kept.n or not self.audited.n:
            return None
        low = self.left_out * self.audited.better / self.audited.n
        return low / (self.kept.better + low) if self.kept.better + low else None


def idea_outcomes(episode: EpisodeRecord) -> IdeaOutcomes | None:
    """Reads the ideas of an episode; None where there were none."""
    attempts = [attempt for attempt in episode if attempt.idea is not None]
    if not attempts:
        return None
    audited = {one.iteration: one.idea.audit for one in attempts if one.idea}
    gains = {one.iteration: gained(one, episode) for one in attempts}
    chosen = [one.idea_chosen for one in episode.iterations.values() if one.idea_chosen]
    left_out = sum(len(one.ideas) - one.kept for one in chosen)
    agreed, pairs = _agreement(attempts, episode)
    made = episode.by_node.get("propose")
    tried = sum(audited.values())
    each = made.usage.total / len(episode) if made else 0.0
    review = episode.by_node.get("review")
    return IdeaOutcomes(
        proposed=sum(len(one.ideas) for one in chosen),
        kept=Tried.of(gain for number, gain in gains.items() if not audited[number]),
        audited=Tried.of(gain for number, gain in gains.items() if audited[number]),
        left_out=left_out,
        agreed=agreed,
        pairs=pairs,
        saved=round(each * (left_out - tried)),
        review=review.usage.total if review else 0,
    )


def idea_lines(episode: EpisodeRecord) -> list[str]:
    """What to tell of the ideas of an episode; nothing where there were none."""
    found = idea_outcomes(episode)
    if found is None:
        return []
    lines = [f"ideas: {found.proposed} proposed; better than what it was made from: {found.kept} candidates"]
    if found.left_out:
        lost = "" if found.lost is None else f"; about {found.lost:.0%} of the good ideas ranked too low"
        lines[0] += " of those that ranked high enough"
        lines.append(f"audit: {found.audited} candidates of ideas that ranked too low{lost}")
    if found.pairs:
        told = bounds(wilson(found.agreed, found.pairs))
        lines.append(f"ranks: in {found.agreed} of {found.pairs} pairs {told} the better candidate ranked higher")
    if found.review:
        lines.append(
            f"cost: {found.left_out} ideas were left out, which saved about {count(found.saved)} tokens; "
            f"reviews took {count(found.review)}"
        )
    return lines


def gained(attempt: Attempt, episode: EpisodeRecord) -> bool | None:
    """Whether a candidate is better than what it was made from; None for one that was made afresh."""
    if attempt.parent is None:
        return None
    return _worth(attempt, episode) > _worth(episode[attempt.parent], episode)


def _worth(attempt: Attempt, episode: EpisodeRecord) -> tuple[float, float]:
    return (-1.0, 0.0) if attempt.candidate is None else episode.rank(attempt.verdict)


def _agreement(attempts: Sequence[Attempt], episode: EpisodeRecord) -> tuple[int, int]:
    """In how many pairs of one batch the ranks are in the order of the outcomes, and of how many."""
    batches: dict[int, list[Attempt]] = defaultdict(list)
    for one in attempts:
        if one.idea is not None and one.idea.reviewed:
            batches[one.idea.batch].append(one)
    told = [
        (first.idea.rank < second.idea.rank) == (_worth(first, episode) > _worth(second, episode))
        for batch in batches.values()
        for first, second in combinations(batch, 2)
        if first.idea and second.idea and _worth(first, episode) != _worth(second, episode)
    ]
    return sum(told), len(told)
