"""Containers whose class the candidate made and the tests use: lists, dicts and sets with methods of their own.

The items are here, as plain values that are brought up to date after anything was asked of the other side. What the
class itself defines, and what changes the container, is asked of the other side.
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
_MAKING = {f"__{name}__" for name in ("add", "mul", "rmul", "or", "ror", "and", "rand", "sub", "rsub", "xor", "rxor")}
"""Operators whose result Python may make by calling the class of the container."""
MADE_ANYHOW = {
    *("__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "__slots__", "__annotations__"),
    *("__init__", "__new__", "__init_subclass__", "__class_getitem__", "__orig_bases__", "__parameters__"),
    *("__firstlineno__", "__static_attributes__"),
}
"""Names in the body of a class by which its instances do no more than a plain container."""


def base_of(cls: type) -> type | None:
    """The kind of container that a class extends; None if it does not."""
    return next((kind for kind in cls.__mro__ if kind in _KINDS), None) if cls not in _KINDS else None


def own_names(cls: type, base: type) -> tuple[str, ...]:
    """What a class and its bases define over a kind of container."""
    before = cls.__mro__[: cls.__mro__.index(base)]
    return tuple(sorted({name for kind in before for name in vars(kind)} - MADE_ANYHOW))


def plain(value: Any, base: Any) -> Any:
    """The items of such a container, in a container of Python's, whatever its class says of them."""
    if not issubclass(base, dict):
        return base(base.__iter__(value))
    made = base()
    for key in base.__iter__(value):
        base.__setitem__(made, key, dict.__getitem__(value, key))
    return made


class Kept(proxy.Remote):
    """Stands for a container of the other side and holds its items."""

    _lw_base: Any


def bind(cls: Any, peer: Conversation, number: int) -> Any:
    """An empty container of a class made by `kept_class`."""
    made: Any = cls.__new__(cls)
    vars(made).update(_lw_peer=peer, _lw_id=number)
    return made


def fill(container: Any, found: Any) -> None:
    """Gives a container the items that it has on the other side.

    Raises:
        ValueError: They are not those of such a container.
    """
    base = container._lw_base if isinstance(container, Kept) else None
    if base is None or type(found) is not base:
        raise ValueError("a container of the candidate has no items")
    base.clear(container)
    if issubclass(base, dict):
        for key in found:
            base.__setitem__(container, key, found[key])
    else:
        (base.update if base is set else base.extend)(container, found)


def kept_class(name: str, base: Any, own: frozenset[str], refuses: Callable[[str], bool]) -> type:
    """The class of the containers of a class of that name, which defines these names over its base."""
    asked = {special for special in own if not refuses(special)}
    if "__missing__" in asked or (base is defaultdict and not refuses("__getitem__")):
        asked.add("__getitem__")
    hashed = proxy.forwarding("__hash__") if "__hash__" in asked else None
    body: dict[str, Any] = {"_lw_base": base, "__eq__": _equal(base, asked), "__ne__": _unequal, "__hash__": hashed}
    for special in ops.SPECIAL.keys() - {"__eq__", "__ne__", "__hash__"}:
        if special in asked or (special in _CHANGING and hasattr(base, special)):
            body[special] = proxy.forwarding(special)
        elif special in _MAKING and hasattr(base, special):
            body[special] = _on_copy(base, special)
    for text in ("__repr__", "__str__", "__format__"):
        if not {text, "__repr__"} & own:
            body[text] = getattr(base, text)
    for public in dir(base):
        if not public.startswith("_") and not refuses(public):
            body[public] = proxy.told(public)
    return type(name, (Kept, base), body)


def _on_copy(base: Any, name: str) -> Callable[..., Any]:
    return lambda self, *args: getattr(base, name)(plain(self, base), *args)


def _equal(base: Any, asked: set[str]) -> Callable[..., Any]:
    remote = proxy.forwarding("__eq__")

    def method(self: Kept, other: Any) -> Any:
        # As for all objects, what equals a value of the tests is not for the candidate to say.
        return (remote if "__eq__" in asked and isinstance(other, Kept) else base.__eq__)(self, other)

    return method


def _unequal(self: Any, other: Any) -> Any:
    same = self.__eq__(other)
    return same if same is NotImplemented else not same
