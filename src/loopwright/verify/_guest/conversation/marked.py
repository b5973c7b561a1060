"""Numbers and texts of a class of the candidate that has attributes, such as members of an `IntEnum`.

The number or text itself is here and decides as Python's own do. What else its class has is asked of the other side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from loopwright.verify._guest.conversation import ops, proxy
from loopwright.verify._guest.conversation.kept import MADE_ANYHOW

if TYPE_CHECKING:
    from loopwright.verify._guest.conversation.contract import Conversation

_KINDS: tuple[Any, ...] = (int, float, complex, str, bytes)
BASES: dict[str, type] = {kind.__name__: kind for kind in _KINDS}
_TEXTS = {"__repr__", "__str__", "__format__"}
_bases: dict[type, type | None] = {}


def base_of(cls: type) -> type | None:
    """The kind of number or text that a class extends by anything of its own; None if it does not."""
    if cls not in _bases:
        base = next((kind for kind in cls.__mro__ if kind in _KINDS), None)
        _bases[cls] = base if base and cls is not bool and own_names(cls, base) else None
    return _bases[cls]


def has_attributes(cls: type) -> bool:
    """Whether it extends it by public names."""
    base = base_of(cls)
    return base is not None and any(not name.startswith("_") for name in own_names(cls, base))


def own_names(cls: type, base: type) -> tuple[str, ...]:
    """What a class and its bases define that is not Python's number or text."""
    classes = [kind for kind in cls.__mro__ if kind not in base.__mro__]
    return tuple(sorted({name for kind in classes for name in vars(kind)} - MADE_ANYHOW))


def plain(value: Any) -> Any:
    """The number or text alone."""
    base: Any = base_of(type(value))
    return base.__pos__(value) if base in (int, float, complex) else base.__add__(value, base())


class Marked(proxy.Remote):
    """Stands for a number or text of the other side, and is one."""


def bind(cls: Any, peer: Conversation, number: int, value: Any) -> Any:
    """A number or text of a class made by `marked_class`.

    Raises:
        ValueError: The value is none of its kind.
    """
    if type(value) is not cls._lw_base:
        raise ValueError("a number or text of a class is another value")
    made: Any = cls._lw_base.__new__(cls, value)
    vars(made).update(_lw_peer=peer, _lw_id=number)
    return made


def marked_class(name: str, base: type, own: frozenset[str], refuses: Callable[[str], bool], *, used: bool) -> type:
    """The class of the numbers or texts of a class of that name, which defines these names over its base.

    What the class defines in the place of a method of its base is asked only if the tests use the class.
    """
    body: dict[str, Any] = {"_lw_base": base, "__hash__": base.__hash__}
    if not own & _TEXTS:
        body.update({text: getattr(base, text) for text in _TEXTS})
    for special in own & ops.SPECIAL.keys() - {"__eq__", "__ne__", "__hash__"} if used else ():
        if not refuses(special):
            body[special] = proxy.forwarding(special)
    for public in own if used else ():
        if hasattr(base, public) and not public.startswith("_") and not refuses(public):
            body[public] = proxy.told(public)
    return type(name, (Marked, base), body)
