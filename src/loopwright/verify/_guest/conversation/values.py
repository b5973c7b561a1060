"""The closed encoding of plain values. Nothing in it is ever executed, and its size and depth are bounded.

A value is a tag and its content, depth first. Containers that can change are remembered in the order in which they
are met, on both sides alike: a second meeting is a reference, so shared and cyclic containers keep their shape.
What is not plain is left to the caller: `dump` turns it into a name and a plain state, `load` back.
"""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Any

from loopwright.verify._guest.conversation import stdlib

MAX_BYTES = 16 * 1024 * 1024
MAX_VALUES = 1_000_000
MAX_DEPTH = 500

_LENGTH = struct.Struct(">I")
_FLOAT = struct.Struct(">d")
_COMPLEX = struct.Struct(">dd")
_NO_MAXLEN = 0xFFFFFFFF

_CONSTANTS: dict[Any, bytes] = {None: b"N", True: b"T", False: b"F", Ellipsis: b".", NotImplemented: b"!"}
_BY_TAG = {tag[0]: value for value, tag in _CONSTANTS.items()}
_FROZEN: dict[type, bytes] = {tuple: b"t", frozenset: b"z"}
_MUTABLE: dict[type, bytes] = {
    list: b"l",
    set: b"S",
    dict: b"d",
    OrderedDict: b"O",
    Counter: b"C",
    defaultdict: b"D",
    deque: b"q",
    bytearray: b"a",
}
PLAIN = frozenset({int, float, complex, str, bytes, type(None), bool, *_FROZEN, *_MUTABLE})
"""Types that cross by value."""
_NEW: dict[int, Callable[[], Any]] = {tag[0]: kind for kind, tag in _MUTABLE.items() if kind is not deque}


class Malformed(ValueError):
    """Bytes that are not an encoded value."""


class TooLarge(ValueError):
    """A value over the size limits."""


class Memo:
    """Containers that can change, in the order in which they were met."""

    __slots__ = ("_places", "items")

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._places: dict[int, int] = {}

    def place(self, container: object) -> int | None:
        """Where the container was met; None for the first meeting, which is remembered."""
        place = self._places.get(id(container))
        if place is None:
            self.add(container)
        return place

    def add(self, container: object) -> None:
        """Remembers a container."""
        self._places[id(container)] = len(self.items)
        self.items.append(container)


def content(container: Any) -> tuple[Any, ...]:
    """What is in a container that can change; `refill` puts it back."""
    if isinstance(container, dict):
        return tuple(part for item in dict.items(container) for part in item)
    return tuple(container)


def refill(container: Any, parts: Iterable[Any]) -> None:
    """Replaces what is in a container, which stays the same object.

    Raises:
        TypeError: The parts do not fit it.
        ValueError: The parts do not fit it.
    """
    parts = tuple(parts)
    if isinstance(container, (list, bytearray)):
        container[:] = parts
        return
    fresh: Any = parts
    if isinstance(container, dict):
        fresh = dict(zip(parts[::2], parts[1::2], strict=True))
    elif isinstance(container, set):
        fresh = set(parts)
    container.clear()
    (container.extend if isinstance(container, deque) else container.update)(fresh)


def encode(
    value: Any, memo: Memo, dump: Callable[[Any], tuple[str, Any]], base_of: Callable[[Any], type | None]
) -> bytes:
    """Encodes a value.

    Args:
        value: Anything.
        memo: Containers that the other side knows already; grows.
        dump: Turns what is not plain into a name and a plain state.
        base_of: For an instance of another type, the plain type as which it crosses, or None.

    Raises:
        TooLarge: The value is over the limits.
    """
    out: list[bytes] = []
    stack = [value]
    count = 0
    while stack:
        value = stack.pop()
        count += 1
        kind = type(value)
        if kind not in PLAIN:
            kind = base_of(value) or kind
        if kind is int:
            _int(value, out)
        elif kind is str:
            _bytes(b"s", str.encode(value, "utf-8", "surrogatepass"), out)
        elif kind is float:
            out += (b"f", _FLOAT.pack(value))
        elif kind is bytes:
            _bytes(b"b", bytes(value), out)
        elif kind is complex:
            out += (b"c", _COMPLEX.pack(value.real, value.imag))
        elif kind in _FROZEN:
            _check_size(count + len(stack) + len(value))
            parts = tuple.__getitem__(value, slice(None)) if kind is tuple else tuple(frozenset.__iter__(value))
            out += (_FROZEN[kind], _LENGTH.pack(len(parts)))
            stack.extend(reversed(parts))
        elif kind in _MUTABLE:
            place = memo.place(value)
            if place is None:
                _check_size(count + len(stack) + len(value))
                _mutable(kind, value, out, stack)
            else:
                out += (b"m", _LENGTH.pack(place))
        elif kind in (type(None), bool) or value is Ellipsis or value is NotImplemented:
            out.append(_CONSTANTS[value])
        else:
            name, state = stdlib.dump(value, kind) or dump(value)
            tag = name.encode("ascii")
            out += (b"x", bytes([len(tag)]), tag)
            stack.append(state)
    data = b"".join(out)
    if len(data) > MAX_BYTES:
        raise TooLarge(f"more than {MAX_BYTES >> 20} MiB in one message")
    return data


def pack(value: Any) -> bytes:
    """Encodes a value that is plain all through."""
    return encode(value, Memo(), _refuse, lambda _: None)


def unpack(data: bytes) -> Any:
    """Decodes what `pack` encoded.

    Raises:
        Malformed: The data is something else.
    """
    return Decoder(data, Memo(), _refuse).value()


def _refuse(value: Any, state: Any = None) -> Any:
    raise TypeError(f"not plain: {value!r}")


def _check_size(count: int) -> None:
    if count > MAX_VALUES:
        raise TooLarge(f"more than {MAX_VALUES} values in one message")


def _bytes(tag: bytes, data: bytes, out: list[bytes]) -> None:
    out += (tag, _LENGTH.pack(len(data)), data)


def _int(value: int, out: list[bytes]) -> None:
    size = int.bit_length(value) // 8 + 1
    data = int.to_bytes(value, size, "big", signed=True)
    if size < 256:
        out += (b"i", bytes([size]), data)
    else:
        _bytes(b"I", data, out)


def _mutable(kind: type, value: Any, out: list[bytes], stack: list[Any]) -> None:
    if kind is bytearray:
        _bytes(b"a", bytes(value), out)
        return
    parts: list[Any]
    if issubclass(kind, dict):
        parts = [part for item in dict.items(value) for part in item]
    elif kind is list:
        parts = list.__getitem__(value, slice(None))
    else:
        parts = list(kind.__iter__(value))  # type: ignore[attr-defined] # set and deque have it
    out.append(_MUTABLE[kind])
    if kind is defaultdict:
        parts.insert(0, value.default_factory)
    elif kind is deque:
        out.append(_LENGTH.pack(_NO_MAXLEN if value.maxlen is None else value.maxlen))
    out.append(_LENGTH.pack(len(parts)))
    stack.extend(reversed(parts))


class _Open:
    """A container whose parts are being read."""

    __slots__ = ("left", "name", "parts", "tag", "target")

    def __init__(self, tag: int, left: int, target: Any = None, name: str = "") -> None:
        self.tag = tag
        self.left = left
        self.parts: list[Any] = []
        self.target = target
        self.name = name

    def finish(self, load: Callable[[str, Any], Any]) -> Any:
        parts, target = self.parts, self.target
        if self.tag == _TUPLE:
            return tuple(parts)
        if self.tag == _FROZENSET:
            return frozenset(parts)
        if self.tag == _NAMED:
            found, value = stdlib.load(self.name, parts[0])
            return value if found else load(self.name, parts[0])
        if self.tag == _DEFAULTDICT:
            factory = parts.pop(0)
            target.default_factory = None if factory is None else load("factory", factory)
        refill(target, parts)
        return target


_TUPLE, _FROZENSET, _NAMED, _DEFAULTDICT = b"tzxD"


class Decoder:
    """Reads one encoded value."""

    def __init__(self, data: bytes, memo: Memo, load: Callable[[str, Any], Any]) -> None:
        self._data = data
        self._at = 0
        self._memo = memo
        self._load = load
        self._open: list[_Open] = []
        self._count = 0

    def value(self) -> Any:
        """Decodes all of the data.

        Raises:
            Malformed: The data is not exactly one value, or over the limits.
        """
        try:
            value = self._value()
        except Malformed:
            raise
        except Exception as error:  # whatever a state that does not fit makes a constructor raise
            raise Malformed(f"{type(error).__name__}: {error}") from None
        if self._at != len(self._data):
            raise Malformed("bytes after the value")
        return value

    def _value(self) -> Any:
        while True:
            value = self._next()
            if isinstance(value, _Open):
                if len(self._open) >= MAX_DEPTH:
                    raise Malformed(f"values nested deeper than {MAX_DEPTH} levels")
                if value.left:
                    self._open.append(value)
                    continue
                value = value.finish(self._load)
            while self._open:
                top = self._open[-1]
                top.parts.append(value)
                top.left -= 1
                if top.left:
                    break
                self._open.pop()
                value = top.finish(self._load)
            else:
                return value

    def _next(self) -> Any:
        """The next value, or the container that begins here."""
        self._count += 1
        if self._count > MAX_VALUES:
            raise Malformed(f"more than {MAX_VALUES} values in one message")
        tag = self._take(1)[0]
        if tag in _BY_TAG:
            return _BY_TAG[tag]
        if tag in _ATOMS:
            return _ATOMS[tag](self)
        if tag in _NEW:
            target = _NEW[tag]()
            self._memo.add(target)
            return _Open(tag, self._length(), target)
        if tag in b"tz":
            return _Open(tag, self._length())
        if tag == _NAMED:
            return _Open(tag, 1, name=self._take(self._take(1)[0]).decode("ascii"))
        if tag == b"q"[0]:
            maxlen = _LENGTH.unpack(self._take(4))[0]
            target = deque(maxlen=None if maxlen == _NO_MAXLEN else maxlen)
            self._memo.add(target)
            return _Open(tag, self._length(), target)
        raise Malformed(f"unknown tag {tag}")

    def _take(self, size: int) -> bytes:
        part = self._data[self._at : self._at + size]
        if len(part) < size:
            raise Malformed("the data ends too early")
        self._at += size
        return part

    def _length(self) -> int:
        length: int = _LENGTH.unpack(self._take(4))[0]
        if length > len(self._data) - self._at:  # every part takes at least a byte
            raise Malformed("a length points past the end")
        return length

    def _bytearray(self) -> bytearray:
        value = bytearray(self._take(self._length()))
        self._memo.add(value)
        return value

    def _remembered(self) -> Any:
        return self._memo.items[_LENGTH.unpack(self._take(4))[0]]


_ATOMS: dict[int, Callable[[Decoder], Any]] = {
    b"i"[0]: lambda d: int.from_bytes(d._take(d._take(1)[0]), "big", signed=True),
    b"I"[0]: lambda d: int.from_bytes(d._take(d._length()), "big", signed=True),
    b"f"[0]: lambda d: _FLOAT.unpack(d._take(8))[0],
    b"c"[0]: lambda d: complex(*_COMPLEX.unpack(d._take(16))),
    b"s"[0]: lambda d: d._take(d._length()).decode("utf-8", "surrogatepass"),
    b"b"[0]: lambda d: d._take(d._length()),
    b"a"[0]: Decoder._bytearray,
    b"m"[0]: Decoder._remembered,
}
