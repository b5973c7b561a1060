"""Points in a triangle, as the weights of two of its corners;
the value is the smallest area of a triangle of three of them, as a share of the whole triangle.
"""

from fractions import Fraction
from itertools import combinations


def verify(points):
    exact = [tuple(map(Fraction, point)) for point in points]
    for number, (x, y) in enumerate(exact):
        if x < 0 or y < 0 or x + y > 1:
            raise ValueError(f"point {number} is outside")
    return min(abs((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])) for a, b, c in combinations(exact, 3))
