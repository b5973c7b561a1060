"""Distinct integers from 0 to 29; the value is the number of their sums divided by that of their differences."""

from fractions import Fraction


def verify(numbers):
    if len(set(numbers)) != len(numbers) or len(numbers) < 2 or min(numbers) < 0:
        raise ValueError("the numbers are not at least two distinct integers from 0 to 29")
    sums, differences = {a + b for a in numbers for b in numbers}, {a - b for a in numbers for b in numbers}
    return Fraction(len(sums), len(differences))
