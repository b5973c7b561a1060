"""Starts from a bump, or from the parent; lowers a smooth maximum by L-BFGS, sharper and sharper."""

import json
import os
import time

import numpy
from scipy.optimize import minimize
from scipy.signal import fftconvolve

SEED = 0  # tune: any
SECONDS = 8.0  # tune: 2 to 15
PIECES = 150  # tune: 50 to 400
NOISE = 0.3  # tune: 0.001 to 0.6
SHARP = 3.0  # tune: 1.5 to 6
SHARPEST = 50000.0  # tune: 2000 to 500000
ROUNDS = 150  # tune: 40 to 600


def smooth_maximum(c, sharp):
    """A little more than the largest entry, and its slope."""
    top = c.max()
    weights = numpy.exp(sharp * (c / top - 1))
    total = weights.sum()
    return top * (1 + numpy.log(total) / sharp), weights / total


def heights(x):
    """Heights between 0 and 1 whose mean is one half: a shift of x sees to it."""
    low, high = -x.max() - 40, -x.min() + 40
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if sigmoid(x + middle).mean() < 0.5 else (low, middle)
    return sigmoid(x + (low + high) / 2)


def sigmoid(x):
    return 0.5 * (1 + numpy.tanh(x / 2))


def objective(x, sharp):
    """The smooth maximum of the overlap."""
    h = heights(x)
    top, slope = smooth_maximum(fftconvolve(h, 1 - h[::-1]), sharp)
    ahead = fftconvolve(slope, (1 - h[::-1])[::-1], mode="valid")
    behind = fftconvolve(slope, h[::-1], mode="valid")[::-1]
    gradient = (ahead - behind) * 2 / len(h)
    steep = h * (1 - h)
    gradient = steep * (gradient - (steep * gradient).sum() / steep.sum())
    return top * 2 / len(h), gradient


def measure(h):
    return fftconvolve(h, 1 - h[::-1]).max() * 2 / len(h)


def start(random):
    places = numpy.linspace(-1, 1, PIECES)
    return heights(3 - 9 * places**2)


def free(h):
    h = numpy.clip(h, 1e-9, 1 - 1e-9)
    return numpy.log(h / (1 - h))


def bound(x):
    return heights(x)


def spread(h):
    return 1.0


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
