"""Starts from the Rudin-Shapiro polynomial, or from the parent; flips signs and keeps what lowers the maximum."""

import json
import os
import time

import numpy

SEED = 0  # tune: any
SECONDS = 6.0  # tune: 2 to 12
HEAT = 0.05  # tune: 0.001 to 2
COUNT, POINTS = 512, 4096


def rudin_shapiro():
    return numpy.array([(-1) ** bin(n & (n >> 1)).count("1") for n in range(COUNT)], dtype=float)


def main():
    random = numpy.random.default_rng(SEED)
    signs = rudin_shapiro()
    if os.path.exists("parent.json"):
        with open("parent.json") as file:
            signs = numpy.array(json.load(file), dtype=float)
    waves = numpy.exp(-2j * numpy.pi * numpy.outer(numpy.arange(COUNT), numpy.arange(POINTS // 2 + 1)) / POINTS)
    sums = signs @ waves
    now = best = numpy.abs(sums).max()
    kept, heat = signs.copy(), HEAT
    end = time.process_time() + SECONDS
    while time.process_time() < end:
        at = random.integers(COUNT)
        trial = sums - 2 * signs[at] * waves[at]
        value = numpy.abs(trial).max()
        if value <= now or random.random() < numpy.exp((now - value) / heat):
            signs[at], sums, now = -signs[at], trial, value
            if now < best - 1e-9:
                best, kept = now, signs.copy()
        heat *= 0.9995
    with open("new.json", "w") as file:
        json.dump([int(sign) for sign in kept], file)
    os.replace("new.json", "construction.json")


main()
