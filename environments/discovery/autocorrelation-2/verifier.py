"""Heights of a step function h >= 0;
the value is |h*h|_2^2 / (|h*h|_1 |h*h|_max), where h*h is linear between its corners.
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
    if min(values) < 0:
        raise ValueError("the function is negative somewhere")
    heights = whole(values)
    corners = [0, *product(heights, heights), 0]
    square = sum(a * a + a * b + b * b for a, b in zip(corners[:-1], corners[1:]))
    return Fraction(square, 3 * sum(heights) ** 2 * max(corners))
