"""Heights of a step function h on [-1/4, 1/4];
the value is |max (h*h)| / (integral of h)^2, where the maximum is signed.
"""

from fractions import Fraction

SCALE = 2**50


def whole(values):
    """The function as integers, the largest of size 2**50: a function in its own right, and what is measured."""
    largest = max(abs(Fraction(value)) for value in values)
    if largest == 0:
        raise ValueError("the function is zero")
    return [round(Fraction(value) / largest * SCALE) for value in values]


def product(first, second):
    """Exact coefficients of the product of two polynomials with coefficients that are not negative."""
    width = (max(first, default=0) * max(second, default=0) * min(len(first), len(second))).bit_length() // 8 + 1

    def packed(values):
        return int.from_bytes(b"".join(value.to_bytes(width, "little") for value in values), "little")

    count = len(first) + len(second) - 1
    data = (packed(first) * packed(second)).to_bytes(width * (count + 1), "little")
    return [int.from_bytes(data[at * width : (at + 1) * width], "little") for at in range(count)]


def verify(values):
    heights = whole(values)
    up, down = [max(h, 0) for h in heights], [max(-h, 0) for h in heights]
    upper, lower, mixed = product(up, up), product(down, down), product(up, down)
    total = sum(heights)
    if abs(total) * 10**6 < sum(map(abs, heights)):
        raise ValueError("the integral is too small")
    peak = max(a + b - 2 * c for a, b, c in zip(upper, lower, mixed))
    return Fraction(2 * len(heights) * abs(peak), total**2)
