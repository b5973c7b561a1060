"""What is usual: tables learned from a baseline, and the score of one interaction under them in every channel."""

from __future__ import annotations

import math
import re
import sys
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Self

from loopwright.drift._observation import Interaction, ToolCall
from loopwright.drift.channels._calibration import Calibration
from loopwright.drift.channels._direction import DirectionScore, across
from loopwright.drift.channels._level import few

Scores = tuple[float | None, ...]
"""One score per signal in the order of `SIGNALS`, None where there is no data; larger is worse."""

_MOST = 256
"""Names that a table holds; what is rarer counts as unseen."""
_BINS = 31
"""Values that are told apart per parameter; with the unseen one they are 32."""
_ROLE_PRIOR = 2.0
"""Added to the count of each agent: roles are few, and what agents seldom do would else be a matter of luck."""
_FAR = 3.5
"""Robust standard deviations beyond which an output of a baseline may be drift."""
_MOSTLY = 0.98
"""Share of outputs that are nearer in a baseline without drift."""
_LARGEST = sys.float_info.max
_LONGEST = 64
"""Steps, calls and votes of one interaction that are looked at."""
_MASKED = re.compile(r"[0-9a-f]{8,}|\d+|(?:/[\w.\-]+)+|'[^']*'|\"[^\"]*\"")


def error_kind(error: str) -> str:
    """The template of an error message: digits, paths, ids and quoted text masked; empty for no error."""
    return _MASKED.sub("#", error[:400]).strip()[:120]


def agreed(votes: Sequence[bool | str]) -> bool | None:
    """Whether two thirds of the votes are the same; None for fewer than two votes."""
    if len(votes) < 2:
        return None
    return 3 * max(Counter(votes[:_LONGEST]).values()) >= 2 * min(len(votes), _LONGEST)


@dataclass(frozen=True, slots=True)
class Table:
    """Surprisal of names, smoothed (add-1/2 by default), with one bin for everything unseen."""

    nats: Mapping[str, float]
    unseen: float

    @classmethod
    def of(cls, counts: Counter[str], most: int = _MOST, prior: float = 0.5) -> Self:
        """Learns from counts, to each of which the prior is added."""
        kept = dict(counts.most_common(most))
        total = math.log(counts.total() + prior * (len(kept) + 1))
        rest = counts.total() - sum(kept.values())
        nats = {name: total - math.log(count + prior) for name, count in sorted(kept.items())}
        return cls(nats, total - math.log(rest + prior))

    def __getitem__(self, name: str) -> float:
        return self.nats.get(name, self.unseen)


@dataclass(frozen=True, slots=True)
class Tables:
    """A table per context, such as the tool before, and one for contexts that are unseen."""

    by: Mapping[str, Table]
    otherwise: Table

    @classmethod
    def of(cls, counts: Mapping[str, Counter[str]], most: int = _MOST, prior: float = 0.5) -> Self:
        """Learns from counts per context."""
        contexts = sorted(counts, key=lambda context: (-counts[context].total(), context))[:_MOST]
        pooled: Counter[str] = Counter()
        for counter in counts.values():
            pooled.update(counter)
        tables = {context: Table.of(counts[context], most, prior) for context in contexts}
        return cls(tables, Table.of(pooled, most, prior))

    def __getitem__(self, context: str) -> Table:
        return self.by.get(context, self.otherwise)

    def chain(self, names: Sequence[str]) -> float | None:
        """Mean surprisal of each name given the one before; None for fewer than two names."""
        if len(names) < 2:
            return None
        by, otherwise, total = self.by, self.otherwise, 0.0
        before = names[0]
        for name in names[1:]:
            table = by.get(before, otherwise)
            total += table.nats.get(name, table.unseen)
            before = name
        return total / (len(names) - 1)


@dataclass(frozen=True, slots=True)
class Reference:
    """Tables of a baseline."""

    centres: Mapping[str, tuple[float, ...]]
    """Task to the unit vector of its mean output; the empty name stands for all tasks."""
    steps: Tables
    tools: Table
    order: Tables
    cuts: Mapping[str, tuple[float, ...]]
    """`tool.param` to the deciles of its numbers."""
    values: Tables
    roles: Tables
    errors: Table
    calibration: Calibration
    spread: float
    """Root mean square of how far outputs lie across their centre, in lengths of embeddings."""

    @classmethod
    def of(cls, observations: Iterable[Interaction]) -> Self:
        """Learns the tables; outputs need their embeddings."""
        seen = list(observations)
        cuts = _cuts(seen)
        values: dict[str, Counter[str]] = {}
        for call in (call for one in seen for call in one.tools[:_LONGEST]):
            for name, value in call.params.items():
                place = f"{call.name}.{name}"
                values.setdefault(place, Counter())[_bin(value, cuts.get(place))] += 1
        roles: dict[str, Counter[str]] = {}
        for one in seen:
            if one.agent and one.task:
                roles.setdefault(one.task, Counter())[one.agent] += 1
        centres = _centres(seen)
        return cls(
            centres=centres,
            steps=_transitions(one.steps for one in seen),
            tools=Table.of(Counter(call.name for one in seen for call in one.tools[:_LONGEST])),
            order=_transitions(tuple(call.name for call in one.tools) for one in seen),
            cuts=cuts,
            values=Tables.of(values, _BINS),
            roles=Tables.of(roles, prior=_ROLE_PRIOR),
            errors=Table.of(Counter(error_kind(one.error) for one in seen if one.error is not None), _BINS),
            calibration=Calibration.of(
                [
                    (one.confidence, one.correct)
                    for one in seen
                    if one.confidence is not None and one.correct is not None
                ]
            ),
            spread=_spread(seen, centres),
        )

    def scores(self, one: Interaction, heading: DirectionScore | None = None) -> Scores:
        """Scores an interaction in every signal; O(its own size), whatever came before.

        Args:
            one: The interaction.
            heading: Of the outputs before, which it takes along; without it that signal has no score.
        """
        calls = one.tools[:_LONGEST] if len(one.tools) > _LONGEST else one.tools
        names = [call.name for call in calls]
        together = agreed(one.votes)
        distance, turned = self._outputs(one, heading)
        kind = error_kind(one.error) if one.error else one.error
        return (
            distance,
            self.steps.chain(one.steps[:_LONGEST]),
            None
            if one.confidence is None or one.correct is None
            else self.calibration.score(one.confidence, correct=one.correct),
            sum([self.tools[name] for name in names]) / len(names) if names else None,
            self.order.chain(names),
            self._surprise(calls),
            None if together is None else float(not together),
            None if one.messages is None else float(one.messages),
            self.roles[one.task][one.agent] if one.agent and one.task and self.roles.by else None,
            None if one.length is None else math.log(max(one.length, 1)),
            None if kind is None else self.errors[kind],
            None if one.override is None else float(one.override),
            turned,
            None if kind is None else float(bool(kind) and kind not in self.errors.nats),
        )

    def _outputs(self, one: Interaction, heading: DirectionScore | None) -> tuple[float | None, float | None]:
        """Distance from the centre, and the projection on the heading."""
        distance = _distance(one.embedding, self.centres, one.task)
        if distance is None or heading is None:
            return distance, None
        centre = self.centres.get(one.task) or self.centres[""]
        return distance, heading.update(one.task, one.embedding, centre)

    def _surprise(self, calls: Sequence[ToolCall]) -> float | None:
        total, count = 0.0, 0
        for call in calls:
            for name, value in call.params.items():
                place = f"{call.name}.{name}"
                total += self.values[place][_bin(value, self.cuts.get(place))]
                count += 1
        return total / count if count else None


def _spread(seen: Iterable[Interaction], centres: Mapping[str, tuple[float, ...]]) -> float:
    total, count = 0.0, 0
    for one in seen:
        centre = centres.get(one.task) or centres.get("")
        if centre and len(one.embedding) == len(centre) and any(one.embedding):
            total += math.fsum(x * x for x in across(one.embedding, centre))
            count += 1
    return math.sqrt(total / count) if count else 0.0


def _transitions(chains: Iterable[Sequence[str]]) -> Tables:
    counts: dict[str, Counter[str]] = {}
    for chain in chains:
        for before, name in pairwise(chain[:_LONGEST]):
            counts.setdefault(before, Counter())[name] += 1
    return Tables.of(counts)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LARGEST <= value <= _LARGEST


def _cuts(seen: Iterable[Interaction]) -> dict[str, tuple[float, ...]]:
    numbers: dict[str, list[float]] = {}
    for call in (call for one in seen for call in one.tools[:_LONGEST]):
        for name, value in call.params.items():
            if _is_number(value):
                numbers.setdefault(f"{call.name}.{name}", []).append(float(str(value)))
    return {
        place: tuple(sorted({sorted(found)[len(found) * tenth // 10] for tenth in range(1, 10)}))
        for place, found in sorted(numbers.items())[:_MOST]
        if len(found) >= 20
    }


def _bin(value: object, cuts: Sequence[float] | None) -> str:
    if cuts and _is_number(value):
        return f"<{bisect_right(cuts, float(str(value)))}"
    return value[:80] if isinstance(value, str) else str(value)[:80]


def _centres(seen: Sequence[Interaction]) -> dict[str, tuple[float, ...]]:
    """Centres of the outputs, without those that lie far off where these are too many to be a tail."""
    centres = _means(seen)
    placed = [(one, distance) for one in seen if (distance := _distance(one.embedding, centres, one.task)) is not None]
    if not placed:
        return {}
    if few([distance for _, distance in placed]):
        return centres
    middle = median([distance for _, distance in placed])
    spread = 1.4826 * median([abs(distance - middle) for _, distance in placed])
    near = [one for one, distance in placed if distance - middle <= _FAR * spread]
    return centres if not spread or len(near) > _MOSTLY * len(placed) else _means(near)


def _distance(vector: Sequence[float], centres: Mapping[str, tuple[float, ...]], task: str) -> float | None:
    """1 - cosine to the centre of the task, or of all; None where there is no such angle."""
    centre = centres.get(task) or centres.get("")
    if not vector or not centre or len(vector) != len(centre):
        return None
    norm = math.sqrt(sum([x * x for x in vector]))
    if not norm or not math.isfinite(norm):
        return None
    return 1.0 - sum([x * y for x, y in zip(vector, centre, strict=True)]) / norm


def _means(seen: Sequence[Interaction]) -> dict[str, tuple[float, ...]]:
    sums: dict[str, list[float]] = {}
    counts: Counter[str] = Counter()
    for one in seen:
        vector = one.embedding
        norm = math.sqrt(math.fsum(x * x for x in vector))
        if not norm or not math.isfinite(norm):
            continue
        for task in {one.task, ""}:
            total = sums.setdefault(task, [0.0] * len(vector))
            if len(total) == len(vector):
                sums[task] = [a + x / norm for a, x in zip(total, vector, strict=True)]
                counts[task] += 1
    # A handful of outputs has a centre that fits them and nothing else.
    kept = [task for task, count in counts.most_common(_MOST) if count >= 5 or task == ""]
    return {task: _unit(sums[task]) for task in sorted(kept)}


def _unit(vector: Sequence[float]) -> tuple[float, ...]:
    norm = math.sqrt(math.fsum(x * x for x in vector))
    return tuple(x / norm for x in vector) if norm else tuple(vector)
