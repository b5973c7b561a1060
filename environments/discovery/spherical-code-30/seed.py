"""Starts from random directions, or from the parent; SLSQP makes the largest cosine small."""

import json
import os
import time
from itertools import combinations

import numpy
from scipy.optimize import minimize

SEED = 0  # tune: any
SECONDS = 6.0  # tune: 2 to 12
JITTER = 0.1  # tune: 0.0001 to 0.5
POWER = 12.0  # tune: 4 to 40
COUNT = 30
FIRST, SECOND = map(numpy.array, zip(*combinations(range(COUNT), 2)))


def unit(points):
    return points / numpy.linalg.norm(points, axis=1, keepdims=True)


def energy(flat):
    """Sum of inverse powers of distances of directions, and its slope."""
    raw = flat.reshape(COUNT, 3)
    length = numpy.linalg.norm(raw, axis=1, keepdims=True)
    points = raw / length
    apart = points[FIRST] - points[SECOND]
    square = (apart**2).sum(axis=1)
    least = square.min()
    powers = (least / square) ** POWER
    total = powers.sum()
    pull = (-2 * POWER * powers / square)[:, None] * apart / total
    slope = numpy.zeros_like(points)
    numpy.add.at(slope, FIRST, pull)
    numpy.add.at(slope, SECOND, -pull)
    value = numpy.log(total) - POWER * numpy.log(least)
    slope = (slope - points * (slope * points).sum(axis=1, keepdims=True)) / length
    return value, slope.ravel()


def polished(points):
    """The least t for which each cosine is at most t, for unit vectors."""
    rows = numpy.arange(len(FIRST))

    def bounds(x):
        p = x[:-1].reshape(COUNT, 3)
        return x[-1] - (p[FIRST] * p[SECOND]).sum(axis=1)

    def slopes(x):
        p = x[:-1].reshape(COUNT, 3)
        made = numpy.zeros((len(FIRST), COUNT, 3))
        made[rows, FIRST], made[rows, SECOND] = -p[SECOND], -p[FIRST]
        return numpy.hstack([made.reshape(len(FIRST), -1), numpy.ones((len(FIRST), 1))])

    def lengths(x):
        return (x[:-1].reshape(COUNT, 3) ** 2).sum(axis=1) - 1

    def length_slopes(x):
        made = numpy.zeros((COUNT, COUNT, 3))
        made[numpy.arange(COUNT), numpy.arange(COUNT)] = 2 * x[:-1].reshape(COUNT, 3)
        return numpy.hstack([made.reshape(COUNT, -1), numpy.zeros((COUNT, 1))])

    last = numpy.zeros(3 * COUNT + 1)
    last[-1] = 1.0
    start = numpy.append(points.ravel(), (points[FIRST] * points[SECOND]).sum(axis=1).max())
    done = minimize(
        lambda x: x[-1],
        start,
        jac=lambda x: last,
        constraints=[
            {"type": "ineq", "fun": bounds, "jac": slopes},
            {"type": "eq", "fun": lengths, "jac": length_slopes},
        ],
        method="SLSQP",
        options={"maxiter": 60, "ftol": 1e-15},
    )
    return unit(done.x[:-1].reshape(COUNT, 3))


def cosine(points):
    return (points[FIRST] * points[SECOND]).sum(axis=1).max()


def main():
    random = numpy.random.default_rng(SEED)
    best = None
    if os.path.exists("parent.json"):
        with open("parent.json") as file:
            best = unit(numpy.array(json.load(file)))
    end = time.process_time() + SECONDS
    while True:
        if best is not None and random.random() < 0.5:
            start = unit(best + random.normal(0, JITTER, best.shape))
        else:
            start = unit(random.normal(size=(COUNT, 3)))
        found = unit(minimize(energy, start.ravel(), jac=True, method="L-BFGS-B").x.reshape(COUNT, 3))
        if best is None or cosine(found) < cosine(best) + 0.01:
            found = polished(found)
        if best is None or cosine(found) < cosine(best):
            best = found
            with open("new.json", "w") as file:
                json.dump(best.tolist(), file)
            os.replace("new.json", "construction.json")
        if time.process_time() > end:
            break


main()
