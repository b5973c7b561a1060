"""The strategy's stages without a run around them: for simulations of many maps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loopwright.geo import MAX_STAGES, MUCH_EXPLAINED, Ground, Place, Table, look, mean_noise, moved, proposal, settle

Ask = Callable[[tuple[int, ...]], Mapping[int, float | Exception]]


@dataclass(frozen=True, slots=True)
class Refined:
    """All stages of a map, and which one the label-free stop takes."""

    ground: Ground
    tables: tuple[Table, ...]
    chosen: int
    calls: tuple[int, ...]
    """By stage, after the first map."""

    @property
    def value(self) -> NDArray[np.float64]:
        return self.tables[self.chosen].value


def refined(
    places: tuple[Place, ...], rating: NDArray[np.float64], ask: Ask = lambda asked: {},
    spread: NDArray[np.float64] | None = None,
) -> Refined:  # fmt: skip
    """Runs stages as the strategy does; beyond its stop too, so that the stop can be judged by truth."""
    ground, unknown = look(places, rating, spread), np.full(len(rating), np.nan)
    status = tuple("rated" if known else "failed" for known in np.isfinite(rating))
    noise = (ground.field.noise if ground.field else np.nan) + (np.zeros(len(rating)) if spread is None else spread)
    tables = [Table(rating, rating, unknown, noise, status)]  # type: ignore[arg-type]
    if ground.field is None:
        return Refined(ground, tuple(tables), 0, ())
    calls, near = [], [0.0]
    for _ in range(MAX_STAGES):
        proposed = proposal(places, ground.field, tables[-1])
        tables.append(settle(tables[-1], proposed, ask(proposed.asked), (0, 9.9)))
        calls.append(len(proposed.asked))
        near.append(1 - abs(moved(tables[-1]) / mean_noise(tables[-1]) - 1))
    allowed = 0 if not ground.warranted else 1 if ground.explained < MUCH_EXPLAINED else MAX_STAGES
    return Refined(ground, tuple(tables), int(np.argmax(near[: allowed + 1])), tuple(calls))
