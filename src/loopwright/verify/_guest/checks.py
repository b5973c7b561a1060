"""What tests import from `checks`: expecting an exception, comparing floats, reading what was printed."""

from __future__ import annotations

import re
from typing import Any

from .peer import Gone


class Failure(AssertionError):
    """An assertion of the tests that does not hold, with its values."""


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
        if isinstance(want, (int, float, complex)) and isinstance(got, (int, float, complex)):
            return bool(want == got or abs(want - got) <= max(self.rel * abs(want), self.abs))
        return bool(want == got)

    def __repr__(self) -> str:
        return f"approx({self.expected!r})"
