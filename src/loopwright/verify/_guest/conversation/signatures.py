"""Signatures of functions of the other side: names, kinds, annotations and plain defaults of their parameters.

Python's `inspect` takes a while to import, and few programs need it.
"""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import inspect

_EMPTY = (lambda: None).__code__
_SHOWN = (int, float, complex, str, bytes, bool, type(None))
"""Types of defaults that cross as they are; others are `...`."""


def describe(value: Any) -> tuple[Any, ...]:
    """Plain description of the signature of something callable, for `load`.

    Raises:
        TypeError: It is not callable, or has no signature.
    """
    import inspect

    try:
        signature = inspect.signature(value)
    except ValueError as error:
        raise TypeError(str(error)) from None

    def given(value: Any) -> tuple[Any, ...]:
        return () if value is inspect.Signature.empty else (value,)

    parts = tuple(
        (part.name, int(part.kind), given(_plain(part.default)), given(part.annotation))
        for part in signature.parameters.values()
    )
    return parts, given(signature.return_annotation), inspect.iscoroutinefunction(value)


def _plain(default: Any) -> Any:
    known = isinstance(default, type) and default.__module__ == "inspect"  # there is no default
    return default if known or type(default) in _SHOWN else ...


def load(state: Any) -> inspect.Signature:
    """The signature that `describe` described on the other side.

    Raises:
        ValueError: The description makes no sense.
        TypeError: The description makes no sense.
    """
    import inspect

    empty = (inspect.Signature.empty,)
    parts, returned, _ = state
    parameters = [
        inspect.Parameter(
            str(name), inspect._ParameterKind(kind), default=(default or empty)[0], annotation=(annotation or empty)[0]
        )
        for name, kind, default, annotation in parts
    ]
    return inspect.Signature(parameters, return_annotation=(returned or empty)[0])


def code(state: Any) -> types.CodeType:
    """A code object that does nothing and has the parameters of a function of the other side, to be looked at.

    Raises:
        ValueError: The description makes no sense.
        TypeError: The description makes no sense.
    """
    parts, _, waits = state
    kinds = [int(kind) for _, kind, _, _ in parts]
    variable = (_VAR_POSITIONAL, _VAR_KEYWORD)
    # Their order in code: *args and **kwargs are last.
    names = tuple(str(part[0]) for part in sorted(parts, key=lambda part: part[1] in variable))
    flags = _EMPTY.co_flags
    flags |= 0x04 * (_VAR_POSITIONAL in kinds) | 0x08 * (_VAR_KEYWORD in kinds) | 0x80 * bool(waits)
    return _EMPTY.replace(
        co_argcount=sum(kind < _VAR_POSITIONAL for kind in kinds),
        co_posonlyargcount=kinds.count(0),
        co_kwonlyargcount=kinds.count(_KEYWORD_ONLY),
        co_nlocals=len(names),
        co_varnames=names,
        co_flags=flags,
    )


_VAR_POSITIONAL, _KEYWORD_ONLY, _VAR_KEYWORD = 2, 3, 4
"""Kinds of parameters, as `inspect` numbers them."""
