"""Whether outputs keep moving in one direction.

The distance to the centre falls off with the square of a small turn; the direction does not. So each output's
deviation, across the centre, is projected on the mean deviation of the outputs before it of the same kind of task.
Without drift the next deviation knows nothing of those before, but for the error of the centre itself, which the
held-out scores of the baseline share.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

_MEMORY = 24
"""Outputs of a task that its mean deviation remembers, about."""
_FEW = 4
"""Outputs before there is a mean to speak of."""
_TASKS = 256
_FAR = 1.5
"""Usual lengths beyond which a deviation counts no more."""


class DirectionScore:
    """Follows the mean deviation of each kind of task.

    Args:
        usual: Root mean square length of a deviation in the baseline.
    """

    def __init__(self, usual: float) -> None:
        self._usual = usual
        self._means: dict[str, list[float]] = {}
        self._counts: dict[str, int] = {}

    def update(self, task: str, vector: Sequence[float], centre: Sequence[float]) -> float | None:
        """Takes the next output.

        Args:
            task: Its kind; where there are too many, further ones are not followed.
            vector: Its embedding, of any length but 0.
            centre: The unit vector of the task's outputs.

        Returns:
            The projection, in lengths of embeddings; None for the first few.
        """
        deviation = across(vector, centre)
        size = math.sqrt(sum([x * x for x in deviation]))
        if size > _FAR * self._usual:
            scale = _FAR * self._usual / size
            deviation = [x * scale for x in deviation]
        mean, count = self._means.get(task), self._counts.get(task, 0)
        if mean is None:
            if len(self._means) < _TASKS:
                self._means[task], self._counts[task] = deviation, 1
            return None
        length = math.sqrt(sum([x * x for x in mean]))
        score = sum([x * y for x, y in zip(deviation, mean, strict=True)]) / length if length else 0.0
        self._counts[task] = count = min(count + 1, _MEMORY)
        share = 1 / count
        self._means[task] = [y + share * (x - y) for x, y in zip(deviation, mean, strict=True)]
        return score if count > _FEW else None

    def state(self) -> dict[str, Any]:
        """Everything that the next update depends on, as JSON types."""
        return {"means": self._means, "counts": self._counts}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from a state."""
        self._means = {task: list(mean) for task, mean in state["means"].items()}
        self._counts = dict(state["counts"])


def across(vector: Sequence[float], centre: Sequence[float]) -> list[float]:
    """The part of a vector's direction that is at right angles to the centre."""
    norm = math.sqrt(sum([x * x for x in vector]))
    along = sum([x * y for x, y in zip(vector, centre, strict=True)]) / norm
    return [x / norm - along * y for x, y in zip(vector, centre, strict=True)]
