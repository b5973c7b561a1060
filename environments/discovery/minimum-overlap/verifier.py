"""Heights of a step function h on [0, 2]; the value is the largest integral of h(x) (1 - h(x + k)) over shifts k."""

from fractions import Fraction

SCALE = 2**50


def product(first, second):
    """Exact coefficients of the product of two polynomials with coefficients that are not negative."""
    width = (max(first) * max(second) * min(len(first), len(second))).bit_length() // 8 + 1

    def packed(values):
        return int.from_bytes(b"".join(value.to_bytes(width, "little") for value in values), "little")

    count = len(first) + len(second) - 1
    data = (packed(first) * packed(second)).to_bytes(width * (count + 1), "little")
    return [int.from_bytes(data[at * width : (at + 1) * width], "little") for at in range(count)]


def verify(values):
    if min(values) < 0 or max(values) > 1:
        raise ValueError("a height is not between 0 and 1")
    heights = [round(Fraction(value) * SCALE) for value in values]
    missing = len(heights) * SCALE - 2 * sum(heights)
    # Rounding is put right where there is room for it: a stated rule, after which the integral is exactly 1.
    if abs(missing) > len(heights) * SCALE // 10**9 or (missing % 2 and len(heights) % 2):
        raise ValueError("the integral is not 1")
    left = missing // 2
    for at, height in enumerate(heights):
        room = min(left, SCALE - height) if left > 0 else -min(-left, height)
        heights[at] += room
        left -= room
    if left or 2 * sum(heights) != len(heights) * SCALE:
        raise ValueError("the integral is not 1")
    rest = [SCALE - height for height in heights]
    return Fraction(2 * max(product(heights, rest[::-1])), len(heights) * SCALE**2)
