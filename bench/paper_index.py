"""The index as the paper states it (Rath 2026, arXiv 2601.04170), for comparison only.

The paper names a metric for each dimension and leaves its normalisation open; here each is taken at face value, which
is one reading. A healthy agent alarms under it: a p-value is uniform without drift, two random chains of an agent are
not alike, and 1 - CV is far under 1 for ordinary lengths. Use `loopwright.drift.Monitor`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from loopwright.drift import Channel, Index, Interaction, combine, jensen_shannon
from loopwright.drift.channels._reference import agreed, error_kind

WINDOW = 50
BASELINE = 20
THRESHOLD = 0.75
IN_A_ROW = 3
_PEERS = 5
"""Baseline chains that each chain is compared with."""


class PaperMonitor:
    """Baseline of 20, tumbling windows of 50, drift where the index is under 0.75 in three windows in a row."""

    def __init__(self) -> None:
        self._baseline: list[Interaction] = []
        self._window: list[Interaction] = []
        self._low = 0
        self._seen = 0
        self.index: Index | None = None
        """The latest window's."""

    def observe(self, one: Interaction) -> bool:
        """Takes the next interaction; returns whether drift is detected with it."""
        self._seen += 1
        if len(self._baseline) < BASELINE:
            self._baseline.append(one)
            return False
        self._window.append(one)
        if len(self._window) < WINDOW:
            return False
        scores = paper_scores(self._baseline, self._window)
        self.index = combine(scores, start=self._seen - WINDOW, end=self._seen)
        self._window = []
        low = self.index.value is not None and self.index.value < THRESHOLD
        self._low = self._low + 1 if low else 0
        return self._low >= IN_A_ROW


def paper_scores(baseline: Sequence[Interaction], window: Sequence[Interaction]) -> dict[Channel, float]:
    """The twelve metrics of a window at face value, in [0, 1]; channels without data are left out."""
    found: dict[Channel, float | None] = {
        Channel.C_SEM: _similarity(baseline, window),
        Channel.C_PATH: _edits([one.steps for one in baseline], [one.steps for one in window]),
        Channel.C_CONF: _calibration(window),
        Channel.T_SEL: _selection(_tools(baseline), _tools(window)),
        Channel.T_SEQ: _edits(_names(baseline), _names(window)),
        Channel.T_PARAM: _parameters(_values(baseline), _values(window)),
        Channel.I_AGREE: _mean([float(vote) for one in window if (vote := agreed(one.votes)) is not None]),
        Channel.I_HANDOFF: _inverse(_mean([float(one.messages) for one in window if one.messages is not None])),
        Channel.I_ROLE: _information([(one.agent, one.task) for one in window if one.agent and one.task]),
        Channel.B_LENGTH: _steadiness([float(one.length) for one in window if one.length is not None]),
        Channel.B_ERROR: _errors(baseline, window),
        Channel.B_HUMAN: _mean([1.0 - one.override for one in window if one.override is not None]),
    }
    return {channel: min(max(score, 0.0), 1.0) for channel, score in found.items() if score is not None}


def similarity(left: Sequence[str], right: Sequence[str]) -> float:
    """1 - edit distance / length of the longer; 1 for two empty sequences."""
    if not left or not right:
        return float(left == right)
    row = list(range(len(right) + 1))
    for at, item in enumerate(left, 1):
        diagonal, row[0] = row[0], at
        for to, other in enumerate(right, 1):
            diagonal, row[to] = row[to], min(row[to] + 1, row[to - 1] + 1, diagonal + (item != other))
    return 1 - row[-1] / max(len(left), len(right))


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _inverse(value: float | None) -> float | None:
    return 1 / value if value else None


def _similarity(baseline: Sequence[Interaction], window: Sequence[Interaction]) -> float | None:
    values = []
    for one in window:
        same = [other.embedding for other in baseline if other.task == one.task and other.embedding]
        if one.embedding and same:
            values.append(math.fsum(_cosine(one.embedding, other) for other in same) / len(same))
    return _mean(values)


def _cosine(left: Sequence[float], right: Sequence[float]) -> float:
    norms = math.hypot(*left) * math.hypot(*right)
    return math.fsum(a * b for a, b in zip(left, right, strict=False)) / norms if norms else 0.0


def _edits(baseline: Sequence[Sequence[str]], window: Sequence[Sequence[str]]) -> float | None:
    known = [chain for chain in baseline if chain][:_PEERS]
    return _mean([similarity(chain, other) for chain in window if chain for other in known])


def _calibration(window: Sequence[Interaction]) -> float | None:
    said: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for one in window:
        if one.confidence is not None and one.correct is not None and 0 <= one.confidence <= 1:
            tenth = str(min(int(one.confidence * 10), 9))
            said[tenth] += 1
            right[tenth] += one.correct
    return 1 - jensen_shannon(said, right) if said else None


def _tools(observations: Sequence[Interaction]) -> Counter[str]:
    return Counter(call.name for one in observations for call in one.tools)


def _names(observations: Sequence[Interaction]) -> list[list[str]]:
    return [[call.name for call in one.tools] for one in observations]


def _values(observations: Sequence[Interaction]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for call in (call for one in observations for call in one.tools):
        for name, value in call.params.items():
            found.setdefault(f"{call.name}.{name}", Counter())[str(value)] += 1
    return found


def _selection(baseline: Mapping[str, int], window: Mapping[str, int]) -> float | None:
    """P-value of the chi-squared test of equal tool frequencies."""
    a, b = sum(baseline.values()), sum(window.values())
    names = {**baseline, **window}
    if not a or not b:
        return None
    statistic = 0.0
    for name in names:
        left, right = baseline.get(name, 0), window.get(name, 0)
        for count, total in ((left, a), (right, b)):
            expected = (left + right) * total / (a + b)
            statistic += (count - expected) ** 2 / expected
    freedom = len(names) - 1
    if not freedom:
        return 1.0
    # Wilson and Hilferty 1931: the cube root of chi-squared over its freedom is nearly normal.
    spread = 2 / (9 * freedom)
    z = ((statistic / freedom) ** (1 / 3) - (1 - spread)) / math.sqrt(spread)
    return math.erfc(z / math.sqrt(2)) / 2


def _parameters(baseline: Mapping[str, Counter[str]], window: Mapping[str, Counter[str]]) -> float | None:
    """exp(-KL) of the values, averaged over calls, add-1/2 smoothed."""
    total, calls = 0.0, 0
    for place, seen in window.items():
        known = baseline.get(place, Counter())
        names = {**known, **seen}
        for name in names:
            p = (seen[name] + 0.5) / (seen.total() + 0.5 * len(names))
            q = (known[name] + 0.5) / (known.total() + 0.5 * len(names))
            total += seen.total() * p * math.log(p / q)
        calls += seen.total()
    return math.exp(-total / calls) if calls else None


def _information(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Mutual information of agent and task over the smaller entropy."""
    if not pairs:
        return None

    def entropy(counts: Counter[str]) -> float:
        return -math.fsum(count / len(pairs) * math.log(count / len(pairs)) for count in counts.values())

    agents, tasks = (entropy(Counter(pair[side] for pair in pairs)) for side in (0, 1))
    joint = entropy(Counter("\0".join(pair) for pair in pairs))
    return (agents + tasks - joint) / min(agents, tasks) if min(agents, tasks) else None


def _steadiness(values: Sequence[float]) -> float | None:
    """1 - coefficient of variation."""
    mean = _mean(values)
    if not mean:
        return None
    return 1 - math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values)) / mean


def _errors(baseline: Sequence[Interaction], window: Sequence[Interaction]) -> float | None:
    known, seen = (
        Counter(error_kind(one.error) for one in part if one.error is not None) for part in (baseline, window)
    )
    return 1 - jensen_shannon(known, seen) if known and seen else None
