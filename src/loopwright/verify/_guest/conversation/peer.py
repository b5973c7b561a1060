"""One side of the conversation between test code and candidate: requests, answers, and objects by handle.

Both sides are the same; what one may do to the other is decided by its `Guard`. One message is under way at a time:
while one side waits for an answer, the other may ask it something first (a callback), to any depth.
"""

from __future__ import annotations

import threading
import types
from collections.abc import Callable
from typing import Any

from loopwright.verify._guest.conversation import errors, kept, marked, ops, proxy
from loopwright.verify._guest.conversation.contract import Guard
from loopwright.verify._guest.conversation.values import Decoder, Malformed, Memo, content, encode, refill

MAX_HANDLES = 200_000
MAX_CLASSES = 500
REQUEST, ANSWER = b"q", b"r"
_VIEWS: dict[type, str] = {type({}.keys()): "keys", type({}.items()): "items"}
"""Views of dicts that compare with sets: those of the candidate cross as copies."""


class Gone(BaseException):
    """The other side is no longer there, or no longer makes sense."""


class Peer:
    """This side's end of the pipe."""

    def __init__(
        self,
        send: Callable[[bytes], None],
        receive: Callable[[], bytes],
        guard: Guard,
        special: dict[str, Callable[..., Any]],
    ) -> None:
        self.guard = guard
        self._send = send
        self._receive = receive
        self._special = special
        """Operations that have no object."""
        self.gone: Gone | None = None
        """Why the other side is lost for good."""
        self._containers: dict[int, kept.Kept] = {}
        """Containers of the other side that hold their items here."""
        self._shown: dict[int, tuple[Any, ...] | None] = {}
        """What the other side knows of the items in such containers of this one; None where it knows nothing."""
        self._asked: set[int] = set()
        """Objects of the other side of which something was asked."""
        self._lock = threading.RLock()
        self._own: list[Any] = []
        self._numbers: dict[int, int] = {}
        self._remote: dict[int, Any] = {}
        self._classes: dict[tuple[Any, ...], type] = {}

    # Asking

    def request(self, op: str, target: int | None, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> Any:
        """Has the other side do something, and returns or raises what came of it.

        Raises:
            Gone: The other side is not there any more, or its answer makes no sense.
        """
        try:
            return self._request(op, target, args, kwargs)
        finally:
            self._bring_items()

    def _bring_items(self) -> None:
        """Brings the items of containers up to date; those of containers in them come with the next round.

        Raises:
            Gone: They cannot be had.
        """
        try:
            while self._containers and not self.gone and (changed := self._request("items", None, (), None)):
                for number, found in changed:
                    kept.fill(self._containers.get(number), found)
        except Exception as error:  # a test must not take it for what the candidate raised
            self.gone = Gone(f"the candidate's process sent no items of a container: {error}")
            raise self.gone from None

    def _request(self, op: str, target: int | None, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Any:
        if self.gone:
            raise self.gone
        if target is not None:
            self._asked.add(target)
        memo = Memo()
        # A tuple for the keyword arguments: containers made here are none of the caller's.
        data = self._encode((op, target, args, tuple((kwargs or {}).items())), memo)
        with self._lock:
            try:
                ok, value = self._exchange(REQUEST + data, memo)
            except Gone as gone:
                self.gone = gone
                raise
        if ok:
            return value
        if isinstance(value, (StopIteration, StopAsyncIteration)) and op not in ("__next__", "__anext__"):
            # As in a generator: a stray StopIteration must not silently end a loop over `map(candidate, cases)`.
            message = f"{type(value).__name__} was raised where nothing was iterated over"
            raise RuntimeError(message) from value
        raise value

    def _exchange(self, data: bytes, memo: Memo) -> tuple[bool, Any]:
        self._send(data)
        while True:
            data = self._receive()
            if data[:1] == ANSWER:
                return self._take_answer(data, memo)
            self._answer(data)

    def _take_answer(self, data: bytes, memo: Memo) -> tuple[bool, Any]:
        known = len(memo.items)
        answer = self._decode(data, memo)
        try:
            ok, value, updates = answer
            for place, parts in updates:
                if not 0 <= place < known:
                    raise ValueError("an update of something that was not sent")
                refill(memo.items[place], parts)
            if not ok and not isinstance(value, BaseException):
                raise ValueError("an exception that is none")
        except (ValueError, TypeError, IndexError) as error:
            raise Gone(f"the candidate's process sent a malformed answer: {error}") from None
        return bool(ok), value

    def is_remote(self, value: Any) -> bool:
        """Whether a value is an object, a class or an exception of the other side."""
        kinds = (proxy.Remote, proxy.Record, errors.MirrorType)
        return isinstance(value, kinds) or isinstance(type(value), errors.MirrorType)

    # Answering

    def serve(self) -> None:
        """Answers requests until the other side goes."""
        while True:
            with self._lock:
                data = self._receive()
            self._answer(data)

    def _answer(self, data: bytes) -> None:
        memo = Memo()
        if data[:1] != REQUEST:
            raise Gone("the candidate's process sent an answer that nobody asked for")
        request = self._decode(data, memo)
        self._bring_items()
        before = [content(container) for container in memo.items]
        try:
            op, target, args, kwargs = request
            value = self._do(op, target, tuple(args), dict(kwargs))
            ok = True
        except Gone:
            raise
        except BaseException as error:
            self.guard.failed(error)
            ok, value = False, error
        updates = tuple(
            (place, parts) for place, old in enumerate(before) if not _same(old, parts := content(memo.items[place]))
        )
        try:
            answer = self._encode((ok, value, updates), memo)
        except Exception as error:  # too large, or something that may not cross
            kind = TypeError if isinstance(error, TypeError) else ValueError
            answer = self._encode((False, kind(f"the result cannot be handed over: {error}"), ()), Memo())
        with self._lock:
            self._send(ANSWER + answer)

    def _do(self, op: str, target: int | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if target is None:
            return self._changed_items() if op == "items" else self._special[op](*args, **kwargs)
        own = self.exported(target)
        self.guard.check(op, own, args)
        return ops.ALL[op](own, *args, **kwargs)

    def _changed_items(self) -> tuple[tuple[int, Any], ...]:
        """The containers whose items are others than the other side knows."""
        changed = []
        for number, known in self._shown.items():
            value: Any = self._own[number]
            base = kept.base_of(type(value))
            found = kept.plain(value, base)
            now = content(found)
            if known is None or not _same(known, now):
                changed.append((number, found))
                self._shown[number] = now
        return tuple(changed)

    # Objects

    def export(self, value: Any) -> int:
        """The handle of an object of this side."""
        number = self._numbers.get(id(value))
        if number is None:
            self.guard.may_cross(value)
            number = self._numbers[id(value)] = len(self._own)
            self._own.append(value)
        return number

    def exported(self, number: Any) -> Any:
        """The object of a handle.

        Raises:
            ValueError: There is no such handle.
        """
        if type(number) is not int or not 0 <= number < len(self._own):
            raise ValueError(f"there is no handle {number!r}")
        return self._own[number]

    def mirror(self, number: int, name: str, bases: Any) -> type[BaseException]:
        """The class that stands for an exception class of the other side."""

        def make() -> type:
            loaded = tuple(errors.load_class(base, self) for base in bases)
            try:
                return errors.mirror_class(self, number, name, loaded)
            except TypeError:
                return errors.mirror_class(self, number, name, loaded[:1] or (Exception,))

        mirror: type[BaseException] = self._class(("mirror", number), make)
        return mirror

    def _class(self, key: tuple[Any, ...], make: Callable[[], type]) -> Any:
        if key not in self._classes:
            if len(self._classes) >= MAX_CLASSES:
                raise ValueError(f"more than {MAX_CLASSES} classes")
            self._classes[key] = make()
        return self._classes[key]

    def _encode(self, value: Any, memo: Memo) -> bytes:
        return encode(value, memo, self._dump, self.guard.base_of)

    def _decode(self, data: bytes, memo: Memo) -> Any:
        try:
            return Decoder(data[1:], memo, self._load).value()
        except Malformed as error:
            raise Gone(f"the candidate's process sent a malformed message: {error}") from None

    def _dump(self, value: Any) -> tuple[str, Any]:
        """Name and plain state of what is not plain."""
        if isinstance(value, proxy.Remote):
            return "home", value._lw_id
        if isinstance(value, proxy.Record):
            return "home", value._lw_remote._lw_id
        if isinstance(value, types.FunctionType) and "_lw_id" in vars(value):
            return "home", vars(value)["_lw_id"]
        if isinstance(value, BaseException):
            own = vars(value).get("_lw_id")
            return ("home", own) if own is not None else ("error", errors.describe(value, self))
        if isinstance(value, type) and issubclass(value, BaseException):
            return "error class", errors.describe_class(value, self)
        if type(value) in _VIEWS and not self.guard.hides:
            return _VIEWS[type(value)], tuple(value)
        name = self.guard.global_name(value)
        if name is not None:
            return "name", name
        handle = (self.export(value), type(value).__name__, ops.mask_of(type(value)))
        base = None if self.guard.hides else kept.base_of(type(value))
        if base is not None:
            cls = type(value)
            self._shown.setdefault(handle[0], None)
            return "kept", (handle[0], cls.__name__, self.export(cls), base.__name__, kept.own_names(cls, base))
        base = None if self.guard.hides else marked.base_of(type(value))
        if base is not None:
            cls = type(value)
            known = (handle[0], cls.__name__, self.export(cls), base.__name__, marked.own_names(cls, base))
            return "marked", (known, marked.plain(value))
        if isinstance(value, tuple):
            fields = tuple(str(field) for field in getattr(type(value), "_fields", ()))
            return "record", (handle, fields, tuple.__getitem__(value, slice(None)))
        return "handle", handle

    def _load(self, name: str, state: Any) -> Any:
        if name == "handle":
            return self._handle(*state)
        if name == "home":
            return self.exported(state)
        if name == "name":
            return self.guard.resolve(str(state))
        if name == "error":
            number = state[4]
            return self._interned(number, lambda: errors.load(state, self))
        if name == "error class":
            return self.guard.catches(errors.load_class(state, self))
        if name == "record":
            return self._record(*state)
        if name == "kept":
            return self._container(*state)
        if name == "marked":
            return self._marked(*state)
        if name == "factory":
            return self.guard.factory(state)
        if name == "keys":
            return dict.fromkeys(state).keys()
        if name == "items":
            return dict(state).items()
        raise ValueError(f"there is nothing named {name!r}")

    def _handle(self, number: int, name: str, mask: int) -> Any:
        def make() -> proxy.Proxy:
            cls = self._class(
                (str(name), int(mask)), lambda: proxy.proxy_class(str(name), int(mask), self.guard.refuses)
            )
            return proxy.bind(cls, self, int(number))

        return self._interned(number, make)

    def _interned(self, number: Any, make: Callable[[], Any]) -> Any:
        if number not in self._remote:
            if len(self._remote) >= MAX_HANDLES:
                raise ValueError(f"more than {MAX_HANDLES} objects")
            self._remote[number] = make()
        return self._remote[number]

    def _record(self, handle: Any, fields: Any, items: Any) -> proxy.Record:
        names = tuple(str(field) for field in fields)
        key = ("record", handle[1], names)
        cls = self._class(key, lambda: proxy.record_class(str(handle[1]), names, self.guard.refuses))
        record: proxy.Record = tuple.__new__(cls, items)
        vars(record)["_lw_remote"] = self._handle(*handle)
        return record

    def _container(self, number: Any, name: Any, made_by: Any, base: Any, own: Any) -> Any:
        if made_by not in self._asked:
            raise ValueError("a container of a class that the tests do not use")
        names = frozenset(str(one) for one in own)
        key = ("kept", str(name), str(base), names)
        refuses = self.guard.refuses

        def make() -> Any:
            cls = self._class(key, lambda: kept.kept_class(key[1], kept.BASES[key[2]], names, refuses))
            return kept.bind(cls, self, int(number))

        found = self._interned(number, make)
        if not isinstance(found, kept.Kept):
            raise ValueError("a container that was another object before")
        self._containers[number] = found
        return found

    def _marked(self, known: Any, value: Any) -> Any:
        number, name, made_by, base, own = known
        names, used = frozenset(str(one) for one in own), made_by in self._asked
        key = ("marked", str(name), str(base), names, used)
        refuses = self.guard.refuses

        def make() -> Any:
            cls = self._class(key, lambda: marked.marked_class(key[1], marked.BASES[key[2]], names, refuses, used=used))
            return marked.bind(cls, self, int(number), value)

        return self._interned(number, make)


def _same(old: tuple[Any, ...], new: tuple[Any, ...]) -> bool:
    return len(old) == len(new) and all(map(_is, old, new))


def _is(one: object, other: object) -> bool:
    return one is other
