"""What truth says of a map, used once, after the loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from loopwright.geo._autocorrelation import moran
from loopwright.geo._libraries import library
from loopwright.geo._places import Place
from loopwright.geo._table import Table
from loopwright.types import Check
from loopwright.verify import Verdict

if TYPE_CHECKING:
    from loopwright.geo._libraries import Numbers


def spearman(prediction: Numbers, truth: Numbers) -> float:
    """Rank correlation over the places that have both, with average ranks; NaN where one of them is constant."""
    np, stats = library("numpy"), library("scipy.stats")
    both = np.isfinite(prediction) & np.isfinite(truth)
    p, y = prediction[both], truth[both]
    if len(p) < 3 or np.ptp(p) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(stats.spearmanr(p, y)[0])


def evaluate(places: Sequence[Place], table: Table, truth: Mapping[str, float]) -> Verdict:
    """The grade of a map: rank correlation of its values with the truth, beside that of the raw ratings."""
    np = library("numpy")
    true = np.array([truth.get(place.id, np.nan) for place in places])
    rho, raw = spearman(table.value, true), spearman(table.rating, true)
    known = int((np.isfinite(true) & np.isfinite(table.value)).sum())
    if np.isnan(rho):
        return Verdict(summary=f"{known} places have a value and a truth: too few, or all alike, to correlate")
    data = {"spearman": rho, "raw": None if np.isnan(raw) else raw, "places": known}
    data["moran"] = moran(places, table.value).i
    told = f"Spearman {rho:.3f} over {known} places; the raw ratings have {raw:.3f}"
    return Verdict(
        checks=(Check(name="rank correlation", score=max(0.0, rho), evidence=told, data=data),), summary=told
    )
