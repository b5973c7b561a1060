"""Signs; the value is an upper bound of the largest absolute value of their polynomial on the unit circle."""

import cmath
import math

POINTS = 16384
ROUNDING = 1e-9


def transform(values):
    count = len(values)
    if count == 1:
        return values
    even, odd = transform(values[::2]), transform(values[1::2])
    turned = [cmath.exp(-2j * cmath.pi * k / count) * odd[k] for k in range(count // 2)]
    return [a + b for a, b in zip(even, turned)] + [a - b for a, b in zip(even, turned)]


def verify(signs):
    if any(abs(sign) != 1 for sign in signs):
        raise ValueError("an entry is neither 1 nor -1")
    found = max(map(abs, transform([complex(sign) for sign in signs] + [0j] * (POINTS - len(signs)))))
    # Between the points a polynomial of degree n - 1 is at most so much larger (Ehlich and Zeller 1964).
    return found / math.cos(math.pi * len(signs) / (2 * POINTS)) + ROUNDING
