"""Starts from random points, or from the parent; SLSQP makes the smallest area large, signs as they are."""

import json
import os
import time
from itertools import combinations

import numpy
from scipy.optimize import minimize

SEED = 0  # tune: any
SECONDS = 8.0  # tune: 2 to 15
JITTER = 0.05  # tune: 0.0005 to 0.5
FRESH = 0.5  # tune: 0.05 to 0.95
COUNT = 9
TRIANGLE = False
A, B, C = map(numpy.array, zip(*combinations(range(COUNT), 3)))
ROWS = numpy.arange(len(A))


def areas(p):
    return (p[B, 0] - p[A, 0]) * (p[C, 1] - p[A, 1]) - (p[C, 0] - p[A, 0]) * (p[B, 1] - p[A, 1])


def inside(p):
    p = numpy.clip(p, 0, 1)
    if TRIANGLE:
        total = p.sum(axis=1, keepdims=True)
        p = numpy.where(total > 1 - 1e-14, p / numpy.maximum(total, 1e-9) * (1 - 1e-14), p)
    return p


def improved(p):
    signs = numpy.where(areas(p) < 0, -1.0, 1.0)

    def bounds(x):
        q = x[:-1].reshape(COUNT, 2)
        found = signs * areas(q) - x[-1]
        return numpy.append(found, 1 - q.sum(axis=1)) if TRIANGLE else found

    def slopes(x):
        q = x[:-1].reshape(COUNT, 2)
        made = numpy.zeros((len(A), COUNT, 2))
        for one, two, three in ((A, B, C), (B, C, A), (C, A, B)):
            made[ROWS, one, 0] += q[two, 1] - q[three, 1]
            made[ROWS, one, 1] += q[three, 0] - q[two, 0]
        rows = numpy.hstack([signs[:, None] * made.reshape(len(A), -1), -numpy.ones((len(A), 1))])
        if not TRIANGLE:
            return rows
        more = numpy.zeros((COUNT, 2 * COUNT + 1))
        more[numpy.arange(COUNT), 2 * numpy.arange(COUNT)] = -1
        more[numpy.arange(COUNT), 2 * numpy.arange(COUNT) + 1] = -1
        return numpy.vstack([rows, more])

    last = numpy.zeros(2 * COUNT + 1)
    last[-1] = -1.0
    done = minimize(
        lambda x: -x[-1],
        numpy.append(p.ravel(), numpy.abs(areas(p)).min()),
        jac=lambda x: last,
        bounds=[(0, 1)] * (2 * COUNT) + [(0, 1)],
        constraints={"type": "ineq", "fun": bounds, "jac": slopes},
        method="SLSQP",
        options={"maxiter": 40, "ftol": 1e-12},
    )
    return inside(done.x[:-1].reshape(COUNT, 2))


def smallest(p):
    return numpy.abs(areas(p)).min()


def main():
    random = numpy.random.default_rng(SEED)
    best = None
    if os.path.exists("parent.json"):
        with open("parent.json") as file:
            best = numpy.array(json.load(file))
    end = time.process_time() + SECONDS
    while True:
        if best is None or random.random() < FRESH:
            drawn = [inside(random.random((COUNT, 2))) for _ in range(200)]
            start = max(drawn, key=smallest)
        else:
            start = inside(best + random.normal(0, JITTER, best.shape))
        found = improved(start)
        if best is None or smallest(found) > smallest(best):
            best = found
            with open("new.json", "w") as file:
                json.dump(best.tolist(), file)
            os.replace("new.json", "construction.json")
        if time.process_time() > end:
            break


main()
