"""Starts from few drawn pieces, or from the parent: L-BFGS on a smooth peak, more pieces, then linear programs."""

import json
import os
import time

import numpy
from scipy.optimize import linprog, minimize
from scipy.signal import fftconvolve

SEED = 0  # tune: any
SECONDS = 15.0  # tune: 8 to 18
PIECES = 240  # tune: 120 to 600
COARSE = 30  # tune: 20 to 60
STARTS = 0.4  # tune: 0.1 to 0.7
NOISE = 0.01  # tune: 0.0001 to 0.2
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
    """The best of drawn functions of few pieces, each lowered for a moment."""
    found = []
    end = time.process_time() + SECONDS * STARTS
    while not found or time.process_time() < end:
        h = random.random(COARSE) ** 2 * numpy.linspace(random.random(), 1, COARSE)
        h = lowered(h, 5000.0, 80)
        found.append((measure(h), h))
    return min(found, key=lambda one: one[0])[1]


def lowered(h, sharpest, rounds, sharp=30.0):
    """The function after L-BFGS on a smooth peak that gets sharper and sharper."""
    x = free(h)
    while sharp < sharpest:
        x = minimize(objective, x, args=(sharp,), jac=True, method="L-BFGS-B", options={"maxiter": rounds}).x
        sharp *= SHARP
    return bound(x)


def flattened(h, end):
    """The function after small steps, each the best for the peak's linear part, by linear programming."""
    best, radius = measure(h), 0.02
    while time.process_time() < end and radius > 1e-6:
        count, whole = len(h), h / h.sum()
        peak = numpy.convolve(whole, whole)
        high = peak > peak.max() * 0.7
        slopes = numpy.zeros((2 * count - 1, count + 1))
        for at in range(count):
            slopes[at : at + count, at] = 2 * whole
        slopes[:, count] = -1
        most = radius * whole.max()
        done = linprog(
            [0] * count + [1],
            A_ub=slopes[high],
            b_ub=-peak[high],
            A_eq=[[1] * count + [0]],
            b_eq=[0],
            bounds=[(max(-most, -one), most) for one in whole] + [(None, None)],
        )
        if done.x is None:
            break
        trial = numpy.maximum(whole + done.x[:count], 0)
        if measure(trial) < best - 1e-12:
            h, best, radius = trial, measure(trial), radius * 1.3
        else:
            radius /= 3
    return h


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
    best, h = None, read()
    end = time.process_time() + SECONDS
    if h is None:
        h = start(random)
    else:
        best = h
        h = h * numpy.exp(random.normal(0, NOISE, len(h)))
    while time.process_time() < end:
        h = lowered(h, SHARPEST, ROUNDS, 300.0)
        if len(h) >= PIECES:
            h = flattened(h, end)
        if numpy.isfinite(h).all() and (best is None or measure(h) < measure(best)):
            best = h
            with open("new.json", "w") as file:
                json.dump(best.tolist(), file)
            os.replace("new.json", "construction.json")
        if len(h) < PIECES:
            h = resampled(h, 2 * len(h)) + 1e-9
        else:
            h = best * numpy.exp(random.normal(0, NOISE, len(best)))


main()
