"""Containers whose class the candidate made and the tests use: lists, dicts and sets with methods of their own.

The items are here, as plain values that are fetched anew after anything was asked of the other side. What the class
itself defines, and what changes the container, is asked of the other side.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from loopwright.verify._guest.conversation import ops, proxy

if TYPE_CHECKING:
    from loopwright.verify._guest.conversation.contract import Conversation

_KINDS: tuple[Any, ...] = (OrderedDict, Counter, defaultdict, dict, list, set, deque)
BASES: dict[str, type] = {kind.__name__: kind for kind in _KINDS}
_CHANGING = {f"__{name}__" for name in ("setitem", "delitem", "iadd", "imul", "ior", "iand", "isub", "ixor")}
SENT_ALONG = 1000
"""Items of a container that are sent with it; those of a larger one are fetched when they are read."""
MADE_ANYHOW = {
    *("__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "__slots__", "__annotations__"),
    *("__init__", "__new__", "__init_subclass__", "__class_getitem__", "__orig_bases__", "__parameters__"),
    *("__firstlineno__", "__static_attributes__"),
}
"""Names in the body of a class by which its instances do no more than a plain container."""


def base_of(cls: type) -> type | None:
    """The kind of container that a class extends by methods of its own; None if it does not."""
    base = next((kind for kind in cls.__mro__ if kind in _KINDS), None)
    return base if base and own_names(cls, base) else None


def own_names(cls: type, base: type) -> tuple[str, ...]:
    """What a class and its bases define over a kind of container."""
    before = cls.__mro__[: cls.__mro__.index(base)]
    return tuple(sorted({name for kind in before for name in vars(kind)} - MADE_ANYHOW))


def plain(value: Any) -> Any:
    """The items of such a container, in a container of Python's."""
    base: Any = base_of(type(value))
    if base is None:
        raise TypeError("no container of a class")
    return dict(dict.items(value)) if issubclass(base, dict) else base(base.__iter__(value))


class Kept(proxy.Remote):
    """Stands for a container of the other side and holds its items."""

    _lw_base: type
    _lw_known: int

    def _lw_fetch(self) -> None:
        peer: Any = self._lw_peer
        if self._lw_known == peer.requests:
            return
        self._lw_fill(peer.request("plain", self._lw_id, ()))

    def _lw_fill(self, found: Any) -> None:
        """Takes the items of now.

        Raises:
            ValueError: They are no plain container of its kind.
        """
        parts: Any = self._lw_base
        is_dict = issubclass(parts, dict)
        expected: Any = dict if is_dict else parts
        if type(found) is not expected:
            raise ValueError("a container of the candidate has no items")
        parts.clear(self)
        if is_dict:
            for key in found:
                parts.__setitem__(self, key, found[key])
        else:
            getattr(parts, "extend" if hasattr(parts, "extend") else "update")(self, found)
        peer: Any = self._lw_peer
        vars(self)["_lw_known"] = peer.requests


def bind(cls: Any, peer: Conversation, number: int) -> Any:
    """A container of a class made by `kept_class`."""
    made: Any = cls.__new__(cls)
    vars(made).update(_lw_peer=peer, _lw_id=number, _lw_known=-1)
    return made


def kept_class(name: str, base: Any, own: frozenset[str], refuses: Callable[[str], bool]) -> type:
    """The class of the containers of a class of that name, which defines these names over its base."""
    asked = {special for special in own if not refuses(special)}
    if "__missing__" in asked or (base is defaultdict and not refuses("__getitem__")):
        asked.add("__getitem__")
    body: dict[str, Any] = {"_lw_base": base, "__eq__": _equal(base, asked), "__ne__": _unequal, "__hash__": None}
    for special in ops.SPECIAL:
        if special in ("__eq__", "__ne__", "__hash__"):
            continue
        if special in asked or (special in _CHANGING and hasattr(base, special)):
            body[special] = proxy.forwarding(special)
        elif hasattr(base, special):
            body[special] = _local(base, special)
    body["__iter__"] = body["__iter__"] if "__iter__" in asked else _iterate(base)
    if base in (list, deque) and "__radd__" not in asked:
        body["__radd__"] = lambda self, other: other + base(iter(self))  # Python's own `+` sees no fetched items
    for text in ("__repr__", "__str__", "__format__"):
        if not {text, "__repr__"} & own:
            body[text] = _local(base, text)
    for public in dir(base):
        if not public.startswith("_"):
            body[public] = _here(base, public) if refuses(public) else _there(public)
    return type(name, (Kept, base), body)


def _local(base: type, name: str) -> Callable[..., Any]:
    def method(self: Kept, *args: Any) -> Any:
        self._lw_fetch()
        for other in args:
            if isinstance(other, Kept):
                other._lw_fetch()
        return getattr(base, name)(self, *args)

    return method


def _iterate(base: Any) -> Callable[..., Any]:
    """Over what is there at the beginning: what is asked on the way may have all items fetched anew."""

    def method(self: Kept) -> Any:
        self._lw_fetch()
        return iter(tuple(base.__iter__(self)))

    return method


def _equal(base: type, asked: set[str]) -> Callable[..., Any]:
    compared, remote = _local(base, "__eq__"), proxy.forwarding("__eq__")

    def method(self: Kept, other: Any) -> Any:
        # As for all objects, what equals a value of the tests is not for the candidate to say.
        return (remote if "__eq__" in asked and isinstance(other, Kept) else compared)(self, other)

    return method


def _unequal(self: Any, other: Any) -> Any:
    same = self.__eq__(other)
    return same if same is NotImplemented else not same


def _here(base: type, name: str) -> property:
    def get(self: Kept) -> Any:
        self._lw_fetch()
        return getattr(base, name).__get__(self)

    return property(get)


def _there(name: str) -> property:
    return property(lambda self: proxy.attribute(self, name))
