"""Integer vectors; the value is their number, if the smallest distance is at least the largest length."""

from itertools import combinations


def verify(vectors):
    if len(set(map(tuple, vectors))) != len(vectors):
        raise ValueError("two vectors are the same")
    squares = [sum(c * c for c in vector) for vector in vectors]
    if not vectors or min(squares) == 0:
        raise ValueError("a vector is zero, or there is none")
    longest = max(squares)
    for (a, p), (b, q) in combinations(zip(squares, vectors), 2):
        if a + b - 2 * sum(x * y for x, y in zip(p, q)) < longest:
            raise ValueError("two vectors are nearer to each other than the longest is long")
    return len(vectors)
