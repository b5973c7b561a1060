"""What tests import from `checks`: expecting an exception, comparing floats, reading what was printed."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

from loopwright.verify._guest.conversation.guards import Failure
from loopwright.verify._guest.conversation.peer import Gone

_EXPONENTS = range(-1000, 1000)
"""Powers of ten in which decimal numbers are compared within a tolerance."""


class raises:
    """Expects an exception: `with raises(ValueError, match="empty") as caught: ...`; it is then `caught.value`."""

    def __init__(self, *expected: type[BaseException], match: str | None = None) -> None:
        if not expected or not all(isinstance(kind, type) and issubclass(kind, BaseException) for kind in expected):
            raise TypeError("raises() takes exception classes")
        self.expected = expected
        self.match = match
        self.value: Any = None

    def __enter__(self) -> raises:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        names = " or ".join(cls.__name__ for cls in self.expected)
        if error is None:
            raise Failure(f"{names} was not raised")
        if isinstance(error, Gone) or not isinstance(error, self.expected):
            return False
        self.value = error
        if self.match is not None and not re.search(self.match, str(error)):
            raise Failure(f"{names} was raised, but its message {str(error)!r} does not match {self.match!r}")
        return True


class approx:
    """Equals numbers within a tolerance, alone or in lists, tuples and dicts: `assert f(x) == approx(0.3)`."""

    __hash__ = None  # type: ignore[assignment] # not even equal to itself in the way hashing needs

    def __init__(self, expected: Any, rel: float = 1e-6, abs: float = 1e-12) -> None:
        if not all(0 <= tolerance < math.inf for tolerance in (rel, abs)):
            raise ValueError("approx() takes tolerances that are numbers from 0 up, and finite")
        self.expected = expected
        self.rel = rel
        self.abs = abs

    def __eq__(self, other: object) -> bool:
        return self._close(self.expected, other)

    def _close(self, want: Any, got: Any) -> bool:
        if isinstance(want, (list, tuple)):
            return isinstance(got, type(want)) and len(want) == len(got) and all(map(self._close, want, got))
        if isinstance(want, dict):
            return (
                isinstance(got, dict)
                and want.keys() == got.keys()
                and all(self._close(value, got[key]) for key, value in want.items())
            )
        return bool(want == got) or self._near(want, got)

    def _near(self, want: Any, got: Any) -> bool:
        """Whether two finite numbers are within the tolerance; reckoned exactly, so integers of any size are."""
        if isinstance(want, complex) or isinstance(got, complex):
            parts = [_parts(want), _parts(got)]
            if None in parts:
                return False
            (a, b), (c, d) = parts  # type: ignore[misc] # neither is None
            squares, size = (a - c) ** 2 + (b - d) ** 2, a**2 + b**2
            return squares <= max(Fraction(self.rel) ** 2 * size, Fraction(self.abs) ** 2)
        exact, other = _exact(want), _exact(got)
        if exact is None or other is None:
            return False
        return abs(exact - other) <= max(Fraction(self.rel) * abs(exact), Fraction(self.abs))

    def __repr__(self) -> str:
        return f"approx({self.expected!r})"


def _exact(value: Any) -> Fraction | None:
    """A finite number; None for infinities, for what is not a number, and for True and False."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Fraction, Decimal)):
        return None
    if isinstance(value, Decimal) and value.is_finite() and value.adjusted() not in _EXPONENTS:
        return None  # its digits may fill the memory
    try:
        return Fraction(value)
    except (OverflowError, ValueError):
        return None


def _parts(value: Any) -> tuple[Fraction, Fraction] | None:
    both = (value.real, value.imag) if isinstance(value, complex) else (value, 0)
    real, imaginary = map(_exact, both)
    return None if real is None or imaginary is None else (real, imaginary)
