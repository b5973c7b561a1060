"""Starts from random points, or from the parent; SLSQP makes the largest distance small with the smallest at 1."""

import json
import os
import time
from itertools import combinations

import numpy
from scipy.optimize import minimize

SEED = 0  # tune: any
SECONDS = 6.0  # tune: 2 to 12
JITTER = 0.05  # tune: 0.0001 to 0.5
COUNT, SPACE = 14, 3
FIRST, SECOND = map(numpy.array, zip(*combinations(range(COUNT), 2)))


def squares(points):
    return ((points[FIRST] - points[SECOND]) ** 2).sum(axis=1)


def improved(points):
    """The least t for which 1 <= square of each distance <= t."""
    points = points / numpy.sqrt(squares(points).min())
    start = numpy.append(points.ravel(), squares(points).max())
    rows = numpy.arange(len(FIRST))

    def bounds(x):
        found = squares(x[:-1].reshape(COUNT, SPACE))
        return numpy.concatenate([found - 1, x[-1] - found])

    def slopes(x):
        apart = 2 * (x[:-1].reshape(COUNT, SPACE)[FIRST] - x[:-1].reshape(COUNT, SPACE)[SECOND])
        made = numpy.zeros((len(FIRST), COUNT, SPACE))
        made[rows, FIRST], made[rows, SECOND] = apart, -apart
        flat = made.reshape(len(FIRST), -1)
        upper = numpy.hstack([-flat, numpy.ones((len(FIRST), 1))])
        return numpy.vstack([numpy.hstack([flat, numpy.zeros((len(FIRST), 1))]), upper])

    last = numpy.zeros(len(start))
    last[-1] = 1.0
    done = minimize(
        lambda x: x[-1],
        start,
        jac=lambda x: last,
        constraints={"type": "ineq", "fun": bounds, "jac": slopes},
        method="SLSQP",
        options={"maxiter": 200, "ftol": 1e-14},
    )
    return done.x[:-1].reshape(COUNT, SPACE)


def ratio(points):
    found = squares(points)
    return found.max() / found.min() if found.min() > 0 else numpy.inf


def main():
    random = numpy.random.default_rng(SEED)
    best = None
    if os.path.exists("parent.json"):
        with open("parent.json") as file:
            best = numpy.array(json.load(file))
    end = time.process_time() + SECONDS
    while True:
        if best is not None and random.random() < 0.5:
            size = numpy.abs(best).max()
            start = best + random.normal(0, JITTER * size / 3, best.shape)
        else:
            start = random.random((COUNT, SPACE))
        found = improved(start)
        if numpy.isfinite(found).all() and (best is None or ratio(found) < ratio(best)):
            best = found
            with open("new.json", "w") as file:
                json.dump(best.tolist(), file)
            os.replace("new.json", "construction.json")
        if time.process_time() > end:
            break


main()
