"""The field behind ratings: a Gaussian process on the globe, fitted to the ratings alone.

A place's rating is a mean, with what covariates add to it, plus a smooth part (Matern 1/2 of the chord length), plus
an effect of its country where places have one, plus noise. scikit-learn fits the four parts by marginal likelihood, and
once more without the ratings that stand out: a few large ones would pass for noise of all. Values then come from the
nearest places only, so that memory stays flat; the exponential covariance screens off what lies behind them.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from loopwright.geo._libraries import library
from loopwright.geo._neighbours import find_neighbours
from loopwright.geo._places import Place

if TYPE_CHECKING:
    from loopwright.geo._libraries import Flags, Numbers

FIT_ON = 600
"""Places that the field is fitted to, at most; the time grows with the cube."""
NEAREST = 30
"""Places that a value is made from."""
STANDS_OUT = 2.5
"""Standard deviations from what the others tell beyond which a rating is left out of the fit."""
_CHUNK = 256
_GROUP = " = "
"""Between the name of a covariate and one of its groups."""


@dataclass(frozen=True, slots=True)
class Field:
    """A fitted field, in units of the scale."""

    mean: float
    smooth: float
    """Variance of the smooth part."""
    length: float
    """Its length as a chord of the unit sphere; 1 is 6,700 km."""
    country: float
    """Variance of what countries differ by; 0 where no place has one."""
    noise: float
    """Variance of ratings about the field, beyond what their samples tell: the nugget."""
    slopes: Mapping[str, float] = field(default_factory=dict)
    """What a standard deviation of a covariate adds to the mean, by the covariate's name."""
    told: float = 0.0
    """Variance of what covariates add."""

    @property
    def spatial_share(self) -> float:
        """The part of the variance that is no noise; 0 where there is no variance."""
        signal = self.smooth + self.country + self.told
        return signal / (signal + self.noise) if signal else 0.0

    def as_dict(self) -> dict[str, float]:
        """As JSON holds it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the others tell of each place, its own rating unseen."""

    mean: Numbers
    variance: Numbers
    """Of the field at the place, without the noise of a rating."""


def fit_field(places: Sequence[Place], rating: Numbers, spread: Numbers | None = None) -> Field:
    """Fits a field to ratings; NaN is no rating. Countries count where at least two places share one.

    Many places are thinned by a fixed draw first. Ratings without spread give a field without variance.

    Args:
        places: All places.
        rating: Of each place.
        spread: Variance of each rating that its samples tell; None where there is one answer for each place.
    """
    np = library("numpy")
    rated = np.flatnonzero(np.isfinite(rating))
    if len(rated) > FIT_ON:
        rated = np.sort(np.random.default_rng(0).choice(rated, FIT_ON, replace=False))
    if np.ptp(rating[rated]) == 0:
        return Field(float(rating[rated][0]), 0.0, 1.0, 0.0, 0.0)
    inputs, grouped = _inputs(places)
    own = np.zeros(len(rating)) if spread is None else spread
    fitted = _fitted(inputs[rated], rating[rated], grouped, own[rated])
    kept = rated[np.abs(_left_out(fitted)) <= STANDS_OUT]
    if len(kept) < len(rated) and np.ptp(rating[kept]) > 0:
        rated, fitted = kept, _fitted(inputs[kept], rating[kept], grouped, own[kept], fitted.kernel_)
    parts = np.exp(fitted.kernel_.theta) * float(np.var(rating[rated]))
    length = float(np.exp(fitted.kernel_.theta[1]))
    country = float(parts[2]) if grouped else 0.0
    return Field(float(np.mean(rating[rated])), float(parts[0]), length, country, float(parts[-1]))


def _left_out(fitted: Any) -> Numbers:
    """How many standard deviations each value lies from what a process tells of it by the others."""
    np, linalg = library("numpy"), library("scipy.linalg")
    inverse = linalg.cho_solve((fitted.L_, True), np.eye(len(fitted.L_)))
    found: Numbers = fitted.alpha_ / np.sqrt(np.diag(inverse))
    return found


def smooth_whole(places: Sequence[Place], rating: Numbers, *, countries: bool) -> Numbers:
    """The field's mean at each place given all ratings at once, by scikit-learn alone: a baseline."""
    inputs, grouped = _inputs(places)
    found: Numbers = _fitted(inputs, rating, grouped and countries, library("numpy").zeros(len(rating))).predict(inputs)
    return found


def _fitted(inputs: Numbers, rating: Numbers, grouped: bool, spread: Numbers, kernel: Any = None) -> Any:
    gp, kernels = library("sklearn.gaussian_process"), library("sklearn.gaussian_process.kernels")
    on_sphere, same_country = _kernels()
    constant = kernels.ConstantKernel
    if kernel is None:
        signal = constant(1.0) * on_sphere(1.0, nu=0.5)
        kernel = (signal + constant(0.5) * same_country() if grouped else signal) + kernels.WhiteKernel(0.1)
    known = 1e-10 + spread / float(library("numpy").var(rating))
    with warnings.catch_warnings():
        # A part at the edge of its range is an answer here: no noise, or no smooth part.
        warnings.simplefilter("ignore")
        return gp.GaussianProcessRegressor(kernel, alpha=known, normalize_y=True, random_state=0).fit(inputs, rating)


def covariate_columns(places: Sequence[Place]) -> dict[str, Numbers]:
    """The covariates of places as columns: ranks with a mean of 0 and a variance of 1; 0 for an unknown value.

    A covariate of groups gives a column for each group. One that is the same everywhere gives none.
    """
    np, stats = library("numpy"), library("scipy.stats")
    columns: dict[str, Numbers] = {}
    for name in dict.fromkeys(name for place in places for name in place.covariates):
        values = [place.covariates.get(name) for place in places]
        groups = sorted({value for value in values if isinstance(value, str)})
        for group in groups:
            inside = [np.nan if one is None else float(one == group) for one in values]
            columns[f"{name}{_GROUP}{group}"] = np.array(inside)
        if not groups:
            columns[name] = np.array([np.nan if one is None else one for one in values], float)
    for name, column in columns.items():
        ranks, known = np.zeros(len(column)), np.isfinite(column)
        ranks[known] = stats.rankdata(column[known])
        ranks[known] -= ranks[known].mean()
        columns[name] = ranks / (ranks.std() or 1.0)
    return {name: column for name, column in columns.items() if column.any()}


def known_of(place: Place, field: Field) -> str:
    """The covariates of a place that a field uses, in words."""
    used = {name.partition(_GROUP)[0] for name in field.slopes}
    known = [(name, value) for name, value in place.covariates.items() if name in used]
    return ", ".join(f"{name} {value if isinstance(value, str) else format(value, 'g')}" for name, value in known)


def trend(places: Sequence[Place], slopes: Mapping[str, float]) -> Numbers:
    """What covariates add to the mean of each place."""
    found: Numbers = library("numpy").zeros(len(places))
    columns = covariate_columns(places) if slopes else {}
    for name, slope in slopes.items():
        found += slope * columns[name]
    return found


def predict(
    field: Field, places: Sequence[Place], seen: Numbers, noise: Numbers, among: Flags | None = None
) -> Prediction:
    """Predicts every place from the nearest others.

    Args:
        field: The field.
        places: All places.
        seen: What is held of each: ratings, or a map's values; NaN for nothing.
        noise: Variance of each rating about the field.
        among: Which places may be seen by others; None for all that hold something.
    """
    np = library("numpy")
    usable = np.isfinite(seen) if among is None else among & np.isfinite(seen)
    near = find_neighbours(places, NEAREST, usable).index
    inputs, _ = _inputs(places)
    prior = field.mean + trend(places, field.slopes)
    mean, variance = prior.copy(), np.full(len(places), field.smooth + field.country)
    if not near.shape[1]:
        return Prediction(mean, variance)
    for first in range(0, len(places), _CHUNK):
        rows = slice(first, first + _CHUNK)
        there, here = inputs[near[rows]], inputs[rows][:, None]
        known = _covariance(field, there[:, :, None], there[:, None])
        known += noise[near[rows]][:, :, None] * np.eye(near.shape[1])
        cross = _covariance(field, here, there)
        weights = np.linalg.solve(known, cross[:, :, None])[:, :, 0]
        mean[rows] += (weights * (seen - prior)[near[rows]]).sum(axis=1)
        variance[rows] -= (weights * cross).sum(axis=1)
    return Prediction(mean, np.maximum(variance, 1e-12))


def _covariance(field: Field, one: Numbers, other: Numbers) -> Numbers:
    np = library("numpy")
    chord = np.sqrt(((one[..., :3] - other[..., :3]) ** 2).sum(axis=-1))
    found: Numbers = field.smooth * np.exp(-chord / field.length) + field.country * (one[..., 3] == other[..., 3])
    return found


def _inputs(places: Sequence[Place]) -> tuple[Numbers, bool]:
    """Points on the unit sphere with the number of their country, and whether countries say anything.

    A place without a country is alone in one of its own.
    """
    np = library("numpy")
    names: dict[str, int] = {}
    groups = [names.setdefault(place.country or f"\0{number}", len(names)) for number, place in enumerate(places)]
    latitude, longitude = np.radians([[place.latitude, place.longitude] for place in places]).T
    points = (np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude), groups)
    return np.column_stack(points), 1 < len(names) < len(places)


@cache
def _kernels() -> tuple[Any, Any]:
    """Two kernels that see a part of the columns, as scikit-learn has none that do."""
    np, kernels = library("numpy"), library("sklearn.gaussian_process.kernels")

    class OnSphere(kernels.Matern):  # type: ignore[misc,name-defined]
        def __call__(self, x: Any, y: Any = None, eval_gradient: bool = False) -> Any:
            return super().__call__(x[:, :3], None if y is None else y[:, :3], eval_gradient)

    class SameCountry(
        kernels.StationaryKernelMixin,  # type: ignore[misc,name-defined]
        kernels.NormalizedKernelMixin,  # type: ignore[misc,name-defined]
        kernels.Kernel,  # type: ignore[misc,name-defined]
    ):
        def __init__(self) -> None:
            pass

        def __call__(self, x: Any, y: Any = None, eval_gradient: bool = False) -> Any:
            same = (x[:, 3][:, None] == (x if y is None else y)[:, 3][None]).astype(float)
            return (same, np.empty((*same.shape, 0))) if eval_gradient else same

    return OnSphere, SameCountry
