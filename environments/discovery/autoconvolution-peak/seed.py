"""Starts from a bowl, or from the parent; lowers a smooth maximum by L-BFGS, sharper and sharper."""

import json
import os
import time

import numpy
from scipy.optimize import minimize
from scipy.signal import fftconvolve

SEED = 0  # tune: any
SECONDS = 8.0  # tune: 2 to 15
PIECES = 150  # tune: 50 to 600
NOISE = 0.2  # tune: 0.001 to 0.6
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
    h = x**2
    top, slope = smooth_maximum(fftconvolve(h, h), sharp)
    total = h.sum()
    gradient = 2 * fftconvolve(slope, h[::-1], mode="valid") / top - 2 / total
    return numpy.log(top) - 2 * numpy.log(total), gradient * 2 * x


def measure(h):
    return len(h) * fftconvolve(h, h).max() / h.sum() ** 2


def start(random):
    places = numpy.linspace(-1, 1, PIECES)
    return 1 / numpy.sqrt(1.2 - places**2)


def free(h):
    return numpy.sqrt(h)


def bound(x):
    return x**2 / (x**2).max()


def spread(h):
    return numpy.sqrt(h.mean())


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
        sharp = 100.0
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
