"""Discs from rows with jitter, or from the parent: single moves, and SLSQP where SciPy is installed."""

import json
import math
import os
import random
import time
from itertools import combinations

try:
    import numpy
    from scipy.optimize import minimize
except ImportError:
    numpy = None

SEED = 0  # tune: any
SECONDS = 15.0  # tune: 8 to 18
JITTER = 0.02  # tune: 0.001 to 0.1
STEP = 0.1  # tune: 0.001 to 0.3
FRESH = 0.7  # tune: 0.3 to 1
SHRINK = 0.9997  # tune: 0.99 to 0.99999
HEAT = 0.001  # tune: 0.0000001 to 0.01
COUNT = 26
SAFE = 1 - 1e-11
NEAR = 0.45
"""Discs farther apart than this never touch."""


def parent():
    if not os.path.exists("parent.json"):
        return None
    with open("parent.json") as file:
        return [tuple(disc) for disc in json.load(file)]


def rows():
    """Rows of drawn lengths, nearly equal."""
    many = round(math.sqrt(COUNT))
    lengths = [COUNT // many + (row < COUNT % many) for row in range(many)]
    random.shuffle(lengths)
    points = [((at + 0.5) / count, (row + 0.5) / many) for row, count in enumerate(lengths) for at in range(count)]
    return shaken(points, JITTER)


def shaken(points, size):
    return [tuple(min(0.98, max(0.02, c + random.gauss(0, size))) for c in point) for point in points]


def radii(points):
    """Half of the way to what is nearest, then each radius in turn as far as borders and neighbours let it."""
    count = len(points)
    room = [min(x, y, 1 - x, 1 - y) for x, y in points]
    far = [[math.dist(p, q) for q in points] for p in points]
    best = [min(room[i], min(far[i][j] / 2 for j in range(count) if j != i)) for i in range(count)]
    for i in sorted(range(count), key=lambda i: room[i]):
        best[i] = max(0.0, min(room[i], min(far[i][j] - best[j] for j in range(count) if j != i)))
    return best


def moved(points, end):
    """Anneals by moves of one disc at a time."""
    now, step, heat = sum(radii(points)), STEP, HEAT
    best, kept = now, points
    while time.process_time() < end:
        at = random.randrange(len(points))
        x, y = points[at]
        place = (x + random.gauss(0, step), y + random.gauss(0, step))
        if not (0 < place[0] < 1 and 0 < place[1] < 1):
            continue
        trial = [*points[:at], place, *points[at + 1 :]]
        value = sum(radii(trial))
        if value >= now or random.random() < math.exp((value - now) / heat):
            points, now = trial, value
            if now > best:
                best, kept = now, points
        step, heat = max(1e-5, step * SHRINK), heat * SHRINK
    return [(x, y, r) for (x, y), r in zip(kept, radii(kept))]


def polished(points):
    """The nearest best discs: centres and radii together, by SLSQP."""
    count = len(points)
    near = [pair for pair in combinations(range(count), 2) if math.dist(*(points[i] for i in pair)) < NEAR]
    first, second = map(numpy.array, zip(*near))
    start = numpy.array([(x, y, r) for (x, y), r in zip(points, radii(points))])
    pairs, each = numpy.arange(len(first)), numpy.arange(count)

    def bounds(flat):
        d = flat.reshape(count, 3)
        apart = ((d[first, :2] - d[second, :2]) ** 2).sum(axis=1) - (d[first, 2] + d[second, 2]) ** 2
        x, y, r = d.T
        return numpy.concatenate([apart, x - r, y - r, 1 - x - r, 1 - y - r])

    def slopes(flat):
        d = flat.reshape(count, 3)
        made = numpy.zeros((len(first) + 4 * count, count, 3))
        across = 2 * (d[first, :2] - d[second, :2])
        made[pairs, first, :2], made[pairs, second, :2] = across, -across
        both = -2 * (d[first, 2] + d[second, 2])
        made[pairs, first, 2] = made[pairs, second, 2] = both
        for side, (axis, sign) in enumerate(((0, 1), (1, 1), (0, -1), (1, -1))):
            row = len(first) + side * count + each
            made[row, each, axis], made[row, each, 2] = sign, -1
        return made.reshape(len(made), -1)

    sums = numpy.tile([0.0, 0.0, -1.0], count)
    done = minimize(
        lambda flat: sums @ flat,
        start.ravel(),
        jac=lambda flat: sums,
        bounds=[(0, 1), (0, 1), (0, 0.5)] * count,
        constraints={"type": "ineq", "fun": bounds, "jac": slopes},
        method="SLSQP",
        options={"maxiter": 300, "ftol": 1e-15},
    )
    return [tuple(map(float, disc)) for disc in done.x.reshape(count, 3)]


def feasible(discs):
    """The same discs, so much smaller that no two overlap and none leaves the square."""
    slack = 0.0
    for x, y, r in discs:
        slack = max(slack, r - x, r - y, r + x - 1, r + y - 1)
    for (x, y, r), (u, v, s) in combinations(discs, 2):
        slack = max(slack, (r + s - math.dist((x, y), (u, v))) / 2)
    return [(x, y, max(0.0, (r - slack) * SAFE - 1e-13)) for x, y, r in discs]


def write(discs):
    with open("new.json", "w") as file:
        json.dump(discs, file)
    os.replace("new.json", "construction.json")


def relocated(points, discs):
    """One to three of the discs, small ones before others, somewhere else; the rest a little shaken."""
    order = sorted(range(COUNT), key=lambda at: discs[at][2] * random.random())
    moved = shaken(points, JITTER / 10)
    for at in order[: random.randint(1, 3)]:
        moved[at] = (random.random(), random.random())
    return moved


def main():
    random.seed(SEED)
    best, discs = 0.0, parent()
    end = time.process_time() + SECONDS
    while time.process_time() < end:
        if discs is None or (best and random.random() < FRESH):
            start = rows()
        else:
            known = [(x, y) for x, y, _ in discs]
            start = shaken(known, JITTER / 3) if not best or random.random() < 0.5 else relocated(known, discs)
        found = feasible(moved(start, end) if numpy is None else polished(start))
        value = sum(r for _, _, r in found)
        if value > best:
            best, discs = value, found
            write(found)


main()
