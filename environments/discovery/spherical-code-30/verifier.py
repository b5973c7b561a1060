"""Vectors; the value is the smallest angle between two directions, rounded downwards."""

import math
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import combinations

ROUNDING = 1e-15


def verify(vectors):
    exact = [tuple(map(Fraction, vector)) for vector in vectors]
    lengths = [sum(c * c for c in vector) for vector in exact]
    if min(lengths) < Fraction(1, 10**18):
        raise ValueError("a vector is too short to have a direction")
    closest = -2.0
    with localcontext() as context:
        context.prec = 50
        for i, j in combinations(range(len(exact)), 2):
            dot = sum(a * b for a, b in zip(exact[i], exact[j]))
            square = dot * dot / (lengths[i] * lengths[j])
            cosine = (Decimal(square.numerator) / Decimal(square.denominator)).sqrt()
            closest = max(closest, float(cosine if dot > 0 else -cosine))
    return math.acos(min(1.0, closest)) * (1 - ROUNDING) - ROUNDING
