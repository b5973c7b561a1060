"""Value types of the standard library that cross by value: a closed table.

A module is imported for loading only if it is in the table; for dumping the value shows that it was imported already.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any


def _zone(cls: Any, offset: Any) -> Any:
    return None if offset is None else sys.modules[cls.__module__].timezone(offset)


def _text(value: Any) -> str:
    """As the type itself writes it, whatever a class that extends it says."""
    kind: Any = type_of(type(value))
    return str(kind.__str__(value))


_TYPES: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]] = {
    "builtins.range": (lambda v: (v.start, v.stop, v.step), lambda cls, s: cls(*s)),
    "builtins.slice": (lambda v: (v.start, v.stop, v.step), lambda cls, s: cls(*s)),
    "datetime.date": (lambda v: (v.year, v.month, v.day), lambda cls, s: cls(*s)),
    "datetime.timedelta": (lambda v: (v.days, v.seconds, v.microseconds), lambda cls, s: cls(*s)),
    "datetime.timezone": (lambda v: v.utcoffset(None), lambda cls, s: cls(s)),
    "datetime.time": (
        lambda v: (v.hour, v.minute, v.second, v.microsecond, v.utcoffset()),
        lambda cls, s: cls(*s[:4], _zone(cls, s[4])),
    ),
    "datetime.datetime": (
        lambda v: (v.year, v.month, v.day, v.hour, v.minute, v.second, v.microsecond, v.utcoffset(), v.fold),
        lambda cls, s: cls(*s[:7], _zone(cls, s[7]), fold=s[8]),
    ),
    "decimal.Decimal": (_text, lambda cls, s: cls(s)),
    "fractions.Fraction": (lambda v: (v.numerator, v.denominator), lambda cls, s: cls(*s)),
    "pathlib.PosixPath": (_text, lambda cls, s: cls(s)),
    "pathlib.PurePosixPath": (_text, lambda cls, s: cls(s)),
    "uuid.UUID": (lambda v: v.int, lambda cls, s: cls(int=s)),
}
_names: dict[type, str] = {}


def type_of(cls: type) -> type | None:
    """The one of these types that a class is or extends; None for any other class."""
    return next((kind for kind in cls.__mro__ if _name(kind)), None)


def _name(kind: type) -> str:
    """The name of one of these types, exactly; empty for any other."""
    if kind not in _names:
        for known in _TYPES:
            module, _, attribute = known.partition(".")
            if module in sys.modules and getattr(sys.modules[module], attribute, None) is kind:
                _names[kind] = known
    return _names.get(kind, "")


def dump(value: Any, kind: type) -> tuple[str, Any] | None:
    """Name and plain state of a value of one of these types, exactly; None for a value of any other type."""
    name = _name(kind)
    return (name, _TYPES[name][0](value)) if name else None


def load(name: str, state: Any) -> tuple[bool, Any]:
    """Whether the name is one of these types, and the value.

    Raises:
        TypeError: The state does not fit the type.
        ValueError: The state does not fit the type.
    """
    if name not in _TYPES:
        return False, None
    module, _, attribute = name.partition(".")
    cls = getattr(importlib.import_module(module), attribute)
    return True, _TYPES[name][1](cls, state)
