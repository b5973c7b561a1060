"""Points; the value is the square of the largest distance divided by the smallest."""

from fractions import Fraction
from itertools import combinations


def verify(points):
    exact = [tuple(map(Fraction, point)) for point in points]
    squares = [sum((a - b) ** 2 for a, b in zip(p, q)) for p, q in combinations(exact, 2)]
    if min(squares) <= 0:
        raise ValueError("two points are the same")
    return max(squares) / min(squares)
