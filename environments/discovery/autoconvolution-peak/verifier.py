"""Heights of a step function h >= 0 on [0, 1]; the value is max (h*h) / (integral of h)^2."""

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
    return Fraction(len(heights) * max(product(heights, heights)), sum(heights) ** 2)
