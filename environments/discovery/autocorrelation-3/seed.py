"""Starts from noise around a bowl, or from the parent; lowers a smooth maximum by L-BFGS, sharper and sharper."""

import json
import os
import time

import numpy
from scipy.optimize import minimize
from scipy.signal import fftconvolve

SEED = 0  # tune: any
SECONDS = 8.0  # tune: 2 to 15
PIECES = 200  # tune: 50 to 400
NOISE = 0.5  # tune: 0.001 to 0.6
SHARP = 3.0  # tune: 1.5 to 6
SHARPEST = 50000.0  # tune: 2000 to 500000
ROUNDS = 150  # tune: 40 to 600


def smooth_maximum(c, sharp):
    """A little more than the largest entry, and its slope."""
    top = c.max()
    weights = numpy.exp(sharp * (c / top - 1))
    total = weights.sum()
    return top * (1 + numpy.log(total) / sharp), weights / total


def objective(x, sharp):
    """Logarithm of the smooth peak of the autoconvolution for the square of the sum."""
    top, slope = smooth_maximum(fftconvolve(x, x), sharp)
    total = x.sum()
    gradient = 2 * fftconvolve(slope, x[::-1], mode="valid") / top - 2 / total
    return numpy.log(top) - 2 * numpy.log(abs(total)), gradient


def measure(h):
    return abs(fftconvolve(h, h).max()) / h.sum() ** 2 * len(h)


def start(random):
    return 1 + 0.5 * random.normal(size=PIECES)


def free(h):
    return h


def bound(x):
    return x / numpy.abs(x).max()


def spread(h):
    return numpy.abs(h).mean()


def read():
    if not os.path.exists("parent.json"):
        return None
    with open("parent.json") as file:
        return numpy.array(json.load(file))


def resampled(h, pieces):
    """The same function in another number of pieces, of equal integral."""
    total = numpy.interp(numpy.linspace(0, 1, pieces + 1), numpy.linspace(0, 1, len(h) + 1), [0, *numpy.cumsum(h)])
    return numpy.diff(total) * pieces / len(h)


def main():
    random = numpy.random.default_rng(SEED)
    best = parent = read()
    end = time.process_time() + SECONDS
    while True:
        h = start(random) if parent is None else resampled(parent, max(PIECES, len(parent)))
        x = free(h) if parent is not None and best is parent else free(h) + random.normal(0, NOISE, len(h)) * spread(h)
        sharp = 30.0
        while True:
            done = minimize(objective, x, args=(sharp,), jac=True, method="L-BFGS-B", options={"maxiter": ROUNDS})
            x = done.x
            if sharp >= SHARPEST or time.process_time() > end:
                break
            sharp *= SHARP
        found = bound(x)
        if numpy.isfinite(found).all() and (best is None or measure(found) < measure(best)):
            best = found
            with open("new.json", "w") as file:
                json.dump(best.tolist(), file)
            os.replace("new.json", "construction.json")
        parent = best
        if time.process_time() > end:
            break


main()
