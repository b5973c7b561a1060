"""Credit of calls by matching them with those of a reference (MatchTIR, arXiv 2601.10712)."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev
from typing import TYPE_CHECKING

from loopwright.errors import MissingExtra

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REGULARIZATION = 0.1
"""Weight of the entropy in the soft matching, as in the paper's code."""
DISCOUNT = 0.9
"""What a later turn's reward counts, for each turn in between."""
_STEPS = 200


@dataclass(frozen=True, slots=True)
class TracedCall:
    """A call with its arguments by name."""

    name: str
    arguments: Mapping[str, str]

    @classmethod
    def of_action(cls, action: str) -> TracedCall:
        """An action in words: the first word is the name, the others are arguments by their place."""
        try:
            words = shlex.split(action)
        except ValueError:
            words = action.split()
        return cls(words[0] if words else "", {str(place): word for place, word in enumerate(words[1:], start=1)})


def similarity(predicted: TracedCall, true: TracedCall) -> float:
    """How like a call is to one of the reference, in [0, 1].

    0 where the names differ, else (1 + J + n) / (2 + p): J is the Jaccard index of the names of arguments, n the number
    of arguments with the same value, p the number of arguments of the true call.
    """
    if predicted.name.casefold() != true.name.casefold():
        return 0.0
    names, wanted = set(predicted.arguments), set(true.arguments)
    shared = len(names & wanted) / len(names | wanted) if names | wanted else 1.0
    same = sum(predicted.arguments.get(name) == value for name, value in true.arguments.items())
    return (1 + shared + same) / (2 + len(wanted))


def hard_credit(similarities: Sequence[Sequence[float]]) -> list[float]:
    """Credit of each call by the one-to-one matching with the greatest sum; 0 for a call without a partner.

    Args:
        similarities: A row for each call, a column for each call of the reference.

    Raises:
        MissingExtra: SciPy is not installed.
    """
    if not similarities or not similarities[0]:
        return [0.0] * len(similarities)
    try:
        from scipy.optimize import linear_sum_assignment
    except ImportError:
        raise MissingExtra("matching calls needs SciPy", remedy="Run: pip install 'loopwright[turns]'") from None
    matrix = _array(similarities)
    credit = [0.0] * len(similarities)
    for row, column in zip(*linear_sum_assignment(matrix, maximize=True), strict=True):
        credit[row] = float(matrix[row, column])
    return credit


def soft_credit(similarities: Sequence[Sequence[float]]) -> list[float]:
    """Credit of each call by entropic optimal transport: r_i = sum over j of T_ij S_ij, at most 1 / calls.

    T has uniform marginals and maximises sum(T S) - 0.1 sum(T log T) (Sinkhorn's iterations).

    Args:
        similarities: A row for each call, a column for each call of the reference.
    """
    if not similarities or not similarities[0]:
        return [0.0] * len(similarities)
    import numpy as np

    matrix = _array(similarities)
    kernel = np.exp(matrix / REGULARIZATION)
    rows, columns = (np.full(size, 1 / size) for size in matrix.shape)
    left = np.ones(len(rows))
    for _ in range(_STEPS):
        right = columns / (kernel.T @ left)
        left = rows / (kernel @ right)
    plan = left[:, None] * kernel * right[None, :]
    return [float(credit) for credit in (plan * matrix).sum(axis=1)]


def _array(values: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    import numpy as np

    return np.asarray(values, dtype=np.float64)


def returns(rewards: Sequence[float]) -> list[float]:
    """What each turn and those after it are worth: R_t = r_t + 0.9 R_(t+1)."""
    found: list[float] = []
    for reward in reversed(rewards):
        found.append(reward + DISCOUNT * (found[-1] if found else 0.0))
    return found[::-1]


def advantages(group: Sequence[Sequence[float]]) -> list[list[float]]:
    """Advantage of each turn of each episode of a group: (A_g + A_t) / 2.

    A_g is the z-score of the sum of rewards of the episode in its group. A_t is the z-score of the return of the turn
    among the turns of the same index. A z-score among equal values, or of one value, is 0.

    Args:
        group: For each episode the rewards of its turns.
    """
    whole = _z_scores([sum(rewards) for rewards in group])
    by_turn = [returns(rewards) for rewards in group]
    found: list[list[float]] = [[] for _ in group]
    for turn in range(max(map(len, group), default=0)):
        there = [number for number, rewards in enumerate(by_turn) if turn < len(rewards)]
        for number, score in zip(there, _z_scores([by_turn[number][turn] for number in there]), strict=True):
            found[number].append((whole[number] + score) / 2)
    return found


def _z_scores(values: Sequence[float]) -> list[float]:
    spread = pstdev(values) if len(values) > 1 else 0.0
    mean = fmean(values)
    return [(value - mean) / spread if spread > 1e-12 else 0.0 for value in values]
