"""Exceptions that cross: the same built-in class where it is one, else a class that mirrors the other side's."""

from __future__ import annotations

import builtins
import itertools
import linecache
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loopwright.verify._guest.conversation.contract import Conversation

BUILTIN: dict[str, type[BaseException]] = {
    name: value
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
}
_FRAMES_SHOWN = 6
_CAUSES = 20
"""An exception with a longer chain of causes crosses without them."""


class MirrorType(type):
    """Class of the classes that mirror exception classes of the other side."""

    _lw_peer: Conversation
    _lw_id: int

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return cls._lw_peer.request("__call__", cls._lw_id, args, kwargs)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_lw"):
            raise AttributeError(name)
        found = cls._lw_peer.request("getattr", cls._lw_id, (name,))
        cls._lw_peer.guard.refuse(cls, name)
        return found


def _instance_attribute(error: BaseException, name: str) -> Any:
    if name.startswith("_lw"):
        raise AttributeError(name)
    mirror: Any = type(error)
    found = mirror._lw_peer.request("getattr", error.__dict__["_lw_id"], (name,))
    mirror._lw_peer.guard.refuse(mirror, name)
    return found


def _text(error: BaseException) -> str:
    return str(error.__dict__.get("_lw_text", ""))


def mirror_class(peer: Conversation, number: int, name: str, bases: tuple[type, ...]) -> MirrorType:
    """Makes the class that stands for an exception class of the other side.

    Raises:
        TypeError: No class can have these bases.
    """
    body = {"__getattr__": _instance_attribute, "__str__": _text, "_lw_peer": peer, "_lw_id": number}
    return MirrorType(name, bases, body)


def describe_class(cls: type, peer: Conversation) -> tuple[Any, ...]:
    """Plain description of an exception class, for `load_class`."""
    if isinstance(cls, MirrorType):
        return ("home", cls._lw_id)
    if BUILTIN.get(cls.__name__) is cls:
        return ("builtin", cls.__name__)
    bases = tuple(
        describe_class(base, peer)
        for base in cls.__bases__
        if isinstance(base, type) and issubclass(base, BaseException)
    )
    return ("class", peer.export(cls), cls.__name__, f"{cls.__module__}:{cls.__qualname__}", bases)


def load_class(state: Any, peer: Conversation) -> type[BaseException]:
    """The class that `describe_class` described on the other side.

    Raises:
        ValueError: The description makes no sense.
        TypeError: The description makes no sense.
    """
    if state[0] == "builtin":
        return BUILTIN[str(state[1])]
    if state[0] == "home":
        own = peer.exported(state[1])
        if not (isinstance(own, type) and issubclass(own, BaseException)):
            raise ValueError("not an exception class")
        return own
    _, number, name, where, bases = state
    return _standard_class(str(where)) or peer.mirror(int(number), str(name), bases)


def _standard_class(where: str) -> type[BaseException] | None:
    """An exception class of the standard library that this side has imported already."""
    module, _, name = where.partition(":")
    if module.partition(".")[0] not in sys.stdlib_module_names or module not in sys.modules:
        return None
    found = vars(sys.modules[module]).get(name)
    return found if isinstance(found, type) and issubclass(found, BaseException) else None


def describe(error: BaseException, peer: Conversation) -> tuple[Any, ...]:
    """Plain description of an exception, for `load`."""
    attributes = {key: value for key, value in vars(error).items() if not key.startswith("_lw")}
    try:
        text = str(error)
    except Exception as failure:
        text = f"<{type(failure).__name__} in __str__>"
    kind = describe_class(type(error), peer)
    args = error.args
    if isinstance(error, SyntaxError) and error.filename:
        place = (peer.guard.shown_file(error.filename), error.lineno, error.offset, error.text)
        args = (error.msg, (*place, error.end_lineno, error.end_offset))
    return (
        kind,
        args,
        attributes if kind[0] == "builtin" else {},
        text[:4000],
        peer.export(error),
        frames(error, peer),
        None if peer.guard.hides else _cause(error),
        error.__suppress_context__,
    )


def _cause(error: BaseException) -> BaseException | None:
    last: BaseException | None = error
    for _ in range(_CAUSES):
        last = last and last.__cause__
    return None if last else error.__cause__


def load(state: Any, peer: Conversation) -> BaseException:
    """The exception that `describe` described on the other side.

    Raises:
        ValueError: The description makes no sense.
        TypeError: The description makes no sense.
    """
    kind, args, attributes, text, number, trace, cause, suppressed = state
    cls = load_class(kind, peer)
    if isinstance(cls, MirrorType) or cls not in BUILTIN.values():
        error = BaseException.__new__(cls) if isinstance(cls, MirrorType) else cls.__new__(cls)
    else:
        try:
            error = cls(*args)
        except Exception:
            error = cls.__new__(cls)
    error.args = tuple(args)
    vars(error).update({str(key): value for key, value in attributes.items() if not peer.guard.refuses(str(key))})
    vars(error).update(_lw_text=str(text), _lw_id=int(number), _lw_frames=_clean(trace))
    error.__cause__, error.__suppress_context__ = cause, bool(suppressed)
    return error


def _clean(trace: Any) -> list[tuple[str, int, str, str]]:
    return [(str(a)[:200], int(b), str(c)[:100], str(d)[:300]) for a, b, c, d in trace[: 2 * _FRAMES_SHOWN]]


def frames(error: BaseException, peer: Conversation) -> tuple[tuple[str, int, str, str], ...]:
    """File, line, function and source line of the frames to show, outermost first."""
    found = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        shown = peer.guard.shown_file(code.co_filename)
        if shown is not None:
            line = linecache.getline(code.co_filename, trace.tb_lineno).strip()
            found.append((shown, trace.tb_lineno, code.co_name, line[:300]))
        trace = trace.tb_next
    found = _without_repeats(found)
    if len(found) > _FRAMES_SHOWN:
        half = _FRAMES_SHOWN // 2
        found = [*found[:half], _remark(f"{len(found) - 2 * half} more frames"), *found[-half:]]
    return tuple(found)


def _without_repeats(found: list[tuple[str, int, str, str]]) -> list[tuple[str, int, str, str]]:
    """Leaves out all but the first of equal frames in a row."""
    kept: list[tuple[str, int, str, str]] = []
    for frame, group in itertools.groupby(found):
        kept.append(frame)
        more = sum(1 for _ in group) - 1
        if more:
            kept.append(_remark(f"the same {more} more times"))
    return kept


def _remark(text: str) -> tuple[str, int, str, str]:
    return ("", 0, "", f"... {text} ...")
