"""Objects that stand for objects on the other side."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from loopwright.verify._guest.conversation import ops, signatures

if TYPE_CHECKING:
    from loopwright.verify._guest.conversation.contract import Conversation


KEPT = 0
"""A key in the memo of `copy.deepcopy`, and no object's id: with it proxies are not copied, and nobody is asked to."""


class Remote:
    """Forwards what is done to any object."""

    __slots__ = ()
    _lw_id: int
    _lw_peer: Conversation

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_lw_"):
            raise AttributeError(name)
        if name == "__signature__" or (name == "__code__" and not self._lw_peer.guard.hides):
            return _described(self, name)
        found = attribute(self, name)
        self._lw_peer.guard.refuse(type(self), name)
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        _ask(self, "setattr", name, value)

    def __delattr__(self, name: str) -> None:
        _ask(self, "delattr", name)

    def __dir__(self) -> Any:
        return _ask(self, "dir")

    def __repr__(self) -> Any:
        return _ask(self, "repr")

    def __str__(self) -> Any:
        return _ask(self, "str")

    def __format__(self, spec: str) -> Any:
        return _ask(self, "format", spec)

    def __copy__(self) -> Any:
        return _ask(self, "copy")

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self if KEPT in memo else _ask(self, "deepcopy")

    def __reduce_ex__(self, protocol: object) -> Any:
        raise TypeError("an object of the candidate cannot be pickled")

    def __mro_entries__(self, bases: object) -> Any:
        raise TypeError("a class of the candidate cannot be subclassed in the tests")


class Proxy(Remote):
    """Forwards everything that is done to it. Its class has the special methods that the object's class has."""

    __slots__ = ("__weakref__", "_lw_id", "_lw_items", "_lw_peer")
    _lw_items: tuple[Any, ...] | None
    """What iterating over it gave, where that is asked once; empty once an iterator has ended."""


def _ask(proxy: Remote, op: str, *args: Any, **kwargs: Any) -> Any:
    return proxy._lw_peer.request(op, proxy._lw_id, args, kwargs)


def _described(proxy: Remote, name: str) -> Any:
    """What `inspect.signature` and programs that count parameters look at."""
    try:
        state = _ask(proxy, "signature")
        return signatures.load(state) if name == "__signature__" else signatures.code(state)
    except (TypeError, ValueError) as error:
        raise AttributeError(name) from error


def attribute(proxy: Remote, name: str) -> Any:
    """An attribute, whatever the guard says: for modules."""
    return _ask(proxy, "getattr", name)


def bind(cls: type[Proxy], peer: Conversation, number: int) -> Proxy:
    """A proxy of a class made by `proxy_class`."""
    proxy = cls.__new__(cls)
    object.__setattr__(proxy, "_lw_peer", peer)
    object.__setattr__(proxy, "_lw_id", number)
    object.__setattr__(proxy, "_lw_items", None)
    return proxy


def proxy_class(name: str, mask: int, refuses: Callable[[str], bool]) -> type[Proxy]:
    """The class of the proxies for objects of a class of that name with these special methods."""
    body: dict[str, Any] = {"__slots__": (), "__doc__": told("__doc__"), "__annotations__": told("__annotations__")}
    present = set(ops.names_in(mask))
    if name == "coroutine" and "__await__" in present:
        body.update(_COROUTINE)
    for special in present:
        body[special] = _unasked(special, present) if refuses(special) else forwarding(special)
    if mask & ops.UNHASHABLE:
        body["__hash__"] = None
    elif "__eq__" in body and "__hash__" not in body:
        body["__hash__"] = object.__hash__
    return type(name, (Proxy,), body)


def told(name: str) -> property:
    """An attribute that Python finds in the class of a proxy: it is asked of the other side, with no guard between."""
    return property(lambda self: attribute(self, name))


def forwarding(op: str) -> Callable[..., Any]:
    """The special method that asks the other side."""
    return _METHODS.get(op) or _forward(op)


def _forward(op: str) -> Callable[..., Any]:
    def method(self: Proxy, *args: Any, **kwargs: Any) -> Any:
        return _ask(self, op, *args, **kwargs)

    method.__name__ = op
    return method


def _unasked(op: str, present: set[str]) -> Callable[..., Any]:
    """The method of an object that decides nothing: identity, or what iterating over it gives, or a refusal."""
    if op in ("__eq__", "__ne__", "__hash__"):
        return getattr(object, op)  # type: ignore[no-any-return] # a slot of `object`
    if "__next__" in present and op in _ITERATOR:
        return _ITERATOR[op]
    if "__iter__" in present and op in _CONTAINER:
        return _CONTAINER[op]

    def method(self: Proxy, *_: Any) -> Any:
        self._lw_peer.guard.refuse(type(self), op)

    return method


def _items(self: Any) -> tuple[Any, ...]:
    if self._lw_items is None:
        found: list[Any] = []
        for item in _iter(self):
            found.append(item)
            if len(found) > _MAX_ITEMS:
                raise ValueError(f"more than {_MAX_ITEMS} items")
        object.__setattr__(self, "_lw_items", tuple(found))
    return self._lw_items or ()


def _contains(self: Any, item: Any) -> bool:
    return any(item is found or item == found for found in self)


def _next(self: Proxy) -> Any:
    """The next item; an iterator that has ended stays so, as a generator does."""
    if self._lw_items is not None:
        raise StopIteration
    try:
        return _ask(self, "__next__")
    except StopIteration:
        object.__setattr__(self, "_lw_items", ())
        raise


def _equality(op: str) -> Callable[..., Any]:
    def method(self: Proxy, other: Any) -> Any:
        if self is other:
            return op == "__eq__"
        # Objects of the candidate do not get to say that they equal a value of the tests.
        if self._lw_peer.guard.asks_equality(other):
            return _ask(self, op, other)
        return NotImplemented

    return method


def _iter(self: Proxy) -> Iterator[Any]:
    found = _ask(self, "__iter__")
    return iter(found) if type(found) is list else found


def _exit(self: Proxy, kind: object, error: BaseException | None, trace: object) -> bool:
    return _leave(self, "__exit__", error)


def _leave(context: Proxy, op: str, error: BaseException | None) -> bool:
    """Whether the context swallows the exception. A failed assertion of the tests stays, whatever leaving raises."""
    if context._lw_peer.guard.may_swallow(error):
        return bool(_ask(context, op, error))
    with contextlib.suppress(Exception):
        _ask(context, op, AssertionError())  # the words of the tests are none of the candidate's
    return False


def _await(self: Proxy) -> Any:
    yield from ()  # makes this the generator that `await` needs
    return _ask(self, "__await__")


async def _next_later(self: Proxy) -> Any:
    return _ask(self, "__anext__")


async def _enter_later(self: Proxy) -> Any:
    return _ask(self, "__aenter__")


async def _exit_later(self: Proxy, kind: object, error: BaseException | None, trace: object) -> bool:
    return _leave(self, "__aexit__", error)


def _send(self: Proxy, value: object) -> Any:
    """All of a coroutine in one step."""
    raise StopIteration(_ask(self, "__await__"))


def _class_check(op: str) -> Callable[..., Any]:
    def method(self: Proxy, other: Any) -> bool:
        return self._lw_peer.is_remote(other) and bool(_ask(self, op, other))

    return method


_MAX_ITEMS = 100_000
_ITERATOR: dict[str, Callable[..., Any]] = {"__iter__": lambda self: self, "__next__": _next}
_COROUTINE: dict[str, Callable[..., Any]] = {
    "send": _send,
    "throw": lambda self, *error: attribute(self, "throw")(*error),
    "close": lambda self: attribute(self, "close")(),
}
"""What makes a coroutine of it in the eyes of `asyncio`."""
_CONTAINER: dict[str, Callable[..., Any]] = {
    "__iter__": lambda self: iter(_items(self)),
    "__len__": lambda self: len(_items(self)),
    "__reversed__": lambda self: reversed(_items(self)),
    "__contains__": _contains,
}

_METHODS: dict[str, Callable[..., Any]] = {
    "__eq__": _equality("__eq__"),
    "__ne__": _equality("__ne__"),
    "__iter__": _iter,
    "__exit__": _exit,
    "__await__": _await,
    "__anext__": _next_later,
    "__aenter__": _enter_later,
    "__aexit__": _exit_later,
    "__instancecheck__": _class_check("__instancecheck__"),
    "__subclasscheck__": _class_check("__subclasscheck__"),
}


class Record(tuple[Any, ...]):
    """A tuple of a class of the other side: its items are here, whatever else its class has is asked for."""

    _lw_remote: Proxy

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lw_remote, name)

    def __repr__(self) -> str:
        return repr(self._lw_remote)


def record_class(name: str, fields: tuple[str, ...], refuses: Callable[[str], bool]) -> type[Record]:
    """The class of the records of a named tuple. Fields that are refused do not take the place of a tuple's methods.

    Raises:
        ValueError: A field's name could stand for something that Python looks up by itself.
    """
    if any(not field.isidentifier() or field.startswith("_") for field in fields):
        raise ValueError(f"fields of a named tuple: {fields}")
    read = {field: property(operator.itemgetter(place)) for place, field in enumerate(fields)}
    body: dict[str, Any] = {field: found for field, found in read.items() if not refuses(field)}
    return type(name, (Record,), {**body, "_fields": fields})
