"""Anneals sets as bit masks from random sets, or from the parent; counts sums and differences by shifts."""

import json
import math
import os
import random
import time

SEED = 0  # tune: any
SECONDS = 8.0  # tune: 2 to 15
HEAT = 0.02  # tune: 0.001 to 0.2
ROUND = 4000  # tune: 500 to 40000
SIZE = 30


def ratio(mask):
    sums = differences = 0
    top = mask.bit_length()
    mirrored = int(bin(mask)[:1:-1], 2)
    rest = mask
    while rest:
        low = rest & -rest
        sums |= mask * low
        rest ^= low
    rest = mirrored
    while rest:
        low = rest & -rest
        differences |= mask * low
        rest ^= low
    return bin(sums).count("1") / bin(differences).count("1") if top else 0.0


def main():
    random.seed(SEED)
    best, kept = 0.0, 0
    if os.path.exists("parent.json"):
        with open("parent.json") as file:
            kept = sum(1 << number for number in json.load(file))
        best = ratio(kept)
    end = time.process_time() + SECONDS
    while time.process_time() < end:
        mask = kept if kept and random.random() < 0.3 else random.getrandbits(SIZE) | 1
        now, heat = ratio(mask), HEAT
        for _ in range(ROUND):
            trial = mask ^ (1 << random.randrange(SIZE))
            if random.random() < 0.5:
                trial ^= 1 << random.randrange(SIZE)
            if trial & (trial - 1) == 0:
                continue
            value = ratio(trial)
            if value >= now or random.random() < math.exp((value - now) / heat):
                mask, now = trial, value
                if now > best:
                    best, kept = now, mask
            heat *= 0.9985
    with open("new.json", "w") as file:
        json.dump([number for number in range(SIZE) if kept >> number & 1], file)
    os.replace("new.json", "construction.json")


main()
