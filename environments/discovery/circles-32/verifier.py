"""Discs (x, y, radius) in the unit square that do not overlap; the value is the sum of the radii."""

from fractions import Fraction


def verify(discs):
    exact = [tuple(map(Fraction, disc)) for disc in discs]
    for number, (x, y, r) in enumerate(exact):
        if r < 0 or not (r <= x <= 1 - r and r <= y <= 1 - r):
            raise ValueError(f"disc {number} is not inside the square")
        for other, (u, v, s) in enumerate(exact[:number]):
            if (x - u) ** 2 + (y - v) ** 2 < (r + s) ** 2:
                raise ValueError(f"discs {other} and {number} overlap")
    return sum(r for _, _, r in exact)
