"""Adaptive windows (Bifet and Gavalda 2007), by river, begun with the baseline."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Mapping
from typing import Any

from loopwright.drift.channels._level import ChannelBaseline
from loopwright.drift.detectors._cusum import CLIP
from loopwright.drift.detectors._detection import Detection
from loopwright.errors import MissingExtra

_PLACES = 1440


class Adwin:
    """Cuts its window where the means of two parts differ; the baseline is the oldest part.

    Args:
        level: What is usual.
        delta: Confidence of one comparison.

    Raises:
        MissingExtra: river is not installed.
    """

    def __init__(self, level: ChannelBaseline, delta: float) -> None:
        try:
            from river import drift
        except ImportError:
            raise MissingExtra(
                "river is not installed", remedy="Install it: pip install 'loopwright[drift]'."
            ) from None
        library: Any = drift  # It has no annotations.
        self.level = level
        self._window = library.ADWIN(delta=delta)
        self._places: deque[int] = deque(maxlen=_PLACES)
        for value in level.values:
            self._window.update(min(max(value, -CLIP), CLIP))

    def update(self, value: float, place: int) -> Detection | None:
        """Takes the next standardised score."""
        window = self._window
        self._places.append(place)
        before = window.estimation
        window.update(min(max(value, -CLIP), CLIP))
        if not window.drift_detected:
            return None
        count = min(int(window.width), len(self._places))
        return Detection(window.estimation > before, count, self._places[-count], window.estimation)

    def state(self) -> dict[str, Any]:
        """Everything that the next update depends on."""
        # The wrapper itself can only be pickled, which nobody should have to load from a file.
        inner = self._window._helper.__getstate__()
        return {"window": base64.b64encode(inner).decode("ascii"), "places": list(self._places)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from a state."""
        self._window._helper.__setstate__(base64.b64decode(state["window"]))
        self._places = deque(state["places"], maxlen=_PLACES)
