"""What can be done to an object on the other side: a closed list of operations."""

from __future__ import annotations

import copy
import functools
import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

from loopwright.verify._guest.conversation import signatures


def _reflected(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda value, other: function(other, value)


_SNAPSHOT = 10_000
_CONTAINERS: tuple[Any, ...] = ([], (), "", b"", {}, {}.values(), {}.items(), set(), bytearray())
_CONTAINER_ITERATORS = tuple(type(iter(empty)) for empty in _CONTAINERS)


def _iter(value: Any) -> Any:
    """An iterator; where it merely walks a plain container, all that is in it at once."""
    iterator = iter(value)
    if type(iterator) in _CONTAINER_ITERATORS and operator.length_hint(iterator) <= _SNAPSHOT:
        return list(iterator)
    return iterator


def _exit(value: Any, error: BaseException | None) -> bool:
    return bool(value.__exit__(*_raised(error)))


def _raised(error: BaseException | None) -> tuple[Any, ...]:
    return (type(error), error, error.__traceback__) if error else (None, None, None)


@functools.cache
def _runner() -> Any:
    """One event loop for the life of the process: asynchronous generators, locks and tasks belong to theirs."""
    import asyncio

    return asyncio.Runner()


def _await(value: Any) -> Any:
    """What awaiting gives. The loop that is running in this thread, if any, stands still meanwhile."""
    import asyncio

    async def wait() -> Any:
        return await value

    outer = asyncio._get_running_loop()
    task = asyncio.current_task(outer) if outer else None
    if outer and task:
        asyncio._leave_task(outer, task)
    asyncio._set_running_loop(None)
    try:
        return asyncio.run(wait()) if _runner().get_loop().is_running() else _runner().run(wait())
    finally:
        asyncio._set_running_loop(outer)
        if outer and task:
            asyncio._enter_task(outer, task)


_BINARY = ["add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "lshift", "rshift", "and", "xor", "or"]

# Special methods that a proxy has only if the object's class has them, in the order of the mask's bits.
SPECIAL: dict[str, Callable[..., Any]] = {
    "__call__": lambda value, *args, **kwargs: value(*args, **kwargs),
    "__len__": len,
    "__iter__": _iter,
    "__next__": next,
    "__reversed__": reversed,
    "__contains__": operator.contains,
    "__getitem__": operator.getitem,
    "__setitem__": operator.setitem,
    "__delitem__": operator.delitem,
    "__enter__": lambda value: value.__enter__(),
    "__exit__": _exit,
    "__bool__": bool,
    "__hash__": hash,
    "__eq__": operator.eq,
    "__ne__": operator.ne,
    "__lt__": operator.lt,
    "__le__": operator.le,
    "__gt__": operator.gt,
    "__ge__": operator.ge,
    "__int__": int,
    "__float__": float,
    "__complex__": complex,
    "__index__": operator.index,
    "__bytes__": bytes,
    "__abs__": abs,
    "__neg__": operator.neg,
    "__pos__": operator.pos,
    "__invert__": operator.invert,
    "__round__": round,
    "__trunc__": math.trunc,
    "__floor__": math.floor,
    "__ceil__": math.ceil,
    "__divmod__": divmod,
    "__rdivmod__": _reflected(divmod),
    "__pow__": pow,
    "__rpow__": _reflected(pow),
    "__ipow__": operator.ipow,
    "__instancecheck__": lambda cls, value: isinstance(value, cls),
    "__subclasscheck__": lambda cls, value: issubclass(value, cls),
    "__await__": _await,
    "__aiter__": lambda value: value.__aiter__(),
    "__anext__": lambda value: _await(value.__anext__()),
    "__aenter__": lambda value: _await(value.__aenter__()),
    "__aexit__": lambda value, error: bool(_await(value.__aexit__(*_raised(error)))),
}
SPECIAL |= {
    "__get__": lambda value, instance, owner=None: type(value).__get__(value, instance, owner),
    "__set__": lambda value, instance, given: type(value).__set__(value, instance, given),
    "__delete__": lambda value, instance: type(value).__delete__(value, instance),
    "__set_name__": lambda value, owner, name: type(value).__set_name__(value, owner, name),
}
"""What a class attribute does, such as a decorated method."""
for _name in _BINARY:
    _function = getattr(operator, f"__{_name}__")
    SPECIAL[f"__{_name}__"] = _function
    SPECIAL[f"__r{_name}__"] = _reflected(_function)
    SPECIAL[f"__i{_name}__"] = getattr(operator, f"__i{_name}__")

COMMON: dict[str, Callable[..., Any]] = {
    "getattr": getattr,
    "setattr": setattr,
    "delattr": delattr,
    "dir": dir,
    "str": str,
    "repr": repr,
    "format": format,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "signature": signatures.describe,
}
"""What can be done to any object."""

ALL = {**SPECIAL, **COMMON}


def mask_of(cls: type) -> int:
    """Which special methods instances of a class have, as bits in the order of `SPECIAL`."""
    if cls in _masks:
        return _masks[cls]
    own: dict[str, Any] = {}
    for base in reversed(cls.__mro__[:-1]):  # without object: a proxy has its own comparisons by identity
        own.update(vars(base))
    mask = sum(1 << bit for bit, name in enumerate(SPECIAL) if own.get(name) is not None)
    if own.get("__hash__", 0) is None:
        mask |= UNHASHABLE
    _masks[cls] = mask
    return mask


def names_in(mask: int) -> Iterator[str]:
    """Special methods of a mask."""
    return (name for bit, name in enumerate(SPECIAL) if mask >> bit & 1)


UNHASHABLE = 1 << len(SPECIAL)
_masks: dict[type, int] = {}
