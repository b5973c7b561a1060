"""InterCode's likeness of two texts: the cosine of their TF-IDF vectors."""

from __future__ import annotations

import re
from collections import Counter
from math import log, sqrt

_TOKEN = re.compile(r"\b\w\w+\b")
_IN_ONE = log(3 / 2) + 1
"""Smooth inverse document frequency of a token that one of the two texts has; 1 for tokens of both."""


def similarity(one: str, other: str) -> float:
    """Cosine of the TF-IDF vectors of two texts, fitted on these two, in [0, 1].

    A token is a run of two or more word characters in lower case, so single digits, signs and order do not count.
    Where neither text has a token it is 1 for equal texts and else 0.
    """
    a, b = (Counter(_TOKEN.findall(text.lower())) for text in (one, other))
    if not a and not b:
        return float(one == other)
    both = a.keys() & b.keys()
    product = sum(a[token] * b[token] for token in both)
    lengths = [sqrt(sum((n * (1 if token in both else _IN_ONE)) ** 2 for token, n in c.items())) for c in (a, b)]
    return product / (lengths[0] * lengths[1]) if all(lengths) else 0.0
