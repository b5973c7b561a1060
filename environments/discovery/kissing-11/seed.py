"""The shortest vectors of the lattice D11, and vectors that fit beside them."""

import json
import os
import random
import time
from itertools import combinations

SEED = 0  # tune: any
SECONDS = 4.0  # tune: 2 to 12
SIZE = 11


def roots():
    for i, j in combinations(range(SIZE), 2):
        for a in (2, -2):
            for b in (2, -2):
                vector = [0] * SIZE
                vector[i], vector[j] = a, b
                yield tuple(vector)


def main():
    random.seed(SEED)
    kept = list(roots())
    if os.path.exists("parent.json"):
        with open("parent.json") as file:
            kept = [tuple(vector) for vector in json.load(file)]
    end = time.process_time() + SECONDS
    while time.process_time() < end:
        vector = [random.choice((-1, 0, 0, 1)) for _ in range(SIZE)]
        if sum(c * c for c in vector) == 8 and all(sum(a * b for a, b in zip(vector, other)) <= 4 for other in kept):
            kept.append(tuple(vector))
    with open("new.json", "w") as file:
        json.dump(kept, file)
    os.replace("new.json", "construction.json")


main()
