"""What each side lets the other do."""

from __future__ import annotations

import builtins
import copy
import importlib
import sys
import types
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from loopwright.verify._guest.conversation import kept, marked, stdlib
from loopwright.verify._guest.conversation.proxy import KEPT, Proxy, Remote
from loopwright.verify._guest.conversation.values import PLAIN, Memo, encode

_SHARED_NAMES = (
    "abs all any ascii bin bool bytearray bytes callable chr complex dict divmod enumerate filter float frozenset hash "
    "hex int isinstance issubclass iter len list map max min next object oct ord pow range repr reversed round set "
    "slice sorted str sum tuple type zip"
)
SHARED = {f"builtins:{name}": getattr(builtins, name) for name in _SHARED_NAMES.split()} | {
    "types:NoneType": type(None)
}
"""Built-in types and functions that the candidate may hand to the tests as themselves."""
_SHARED_BY_ID = {id(value): name for name, value in SHARED.items()}
_IMMUTABLE = (int, float, complex, str, bytes)


_REMEDY = "return a plain value (tests that want an object import its class, or the task has a gold solution)"


class RaisedByTest(AssertionError):
    """An AssertionError that code of the tests raises itself."""

    all: ClassVar[list[RaisedByTest]] = []
    """Those of this process, which runs one test."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.all.append(self)


# As evidence shows it and the candidate gets it.
RaisedByTest.__module__, RaisedByTest.__name__, RaisedByTest.__qualname__ = "builtins", *["AssertionError"] * 2


class Failure(RaisedByTest):
    """An assertion of the tests that does not hold, with its values."""


def _plain_base(value: Any, kinds: Any) -> type | None:
    for base in type(value).__mro__:
        if base in kinds:
            return base
    return None


class CandidateGuard:
    """The candidate's side: it hides nothing, and knows its own files by their short names."""

    hides = False

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._used: set[type] = set()
        """Classes that extend plain types, and that the tests call or look into, or import by their names."""
        self._starred: set[types.ModuleType] = set()
        """Modules of which the tests import all names, those that they do not use as well."""

    def check(self, op: str, target: Any, args: tuple[Any, ...]) -> None:
        """Refuses nothing; notes classes that tests use."""
        if isinstance(target, types.ModuleType) and args:
            self._look_at(target, args[0])
        elif isinstance(target, type) and (kept.base_of(target) or marked.base_of(target) or stdlib.type_of(target)):
            self._used.add(target)

    def _look_at(self, module: types.ModuleType, name: object) -> None:
        """Notes a class over a value of the standard library that the tests import by its name."""
        found = vars(module).get(name) if isinstance(name, str) else None
        if name == "__all__":
            self._starred.add(module)
        elif module not in self._starred and isinstance(found, type) and stdlib.type_of(found):
            self._used.add(found)

    def may_cross(self, value: Any) -> None:
        """Refuses nothing."""

    def base_of(self, value: Any) -> type | None:
        """Whatever is a kind of plain value counts as that value; tuples of a class cross as records."""
        if isinstance(value, BaseException) or type(value) in self._used:
            return None
        if marked.has_attributes(type(value)):
            return None
        base = _plain_base(value, PLAIN) or stdlib.type_of(type(value))
        return None if base is tuple else base

    def global_name(self, value: Any) -> str | None:
        """Names built-in types and functions alone."""
        return _SHARED_BY_ID.get(id(value))

    def resolve(self, name: str) -> Any:
        """Imports what the tests mean."""
        module, _, path = name.partition(":")
        found = importlib.import_module(module)
        for part in path.split(".") if path else ():
            found = getattr(found, part)
        return found

    def asks_equality(self, other: Any) -> bool:
        """Always: nothing is to be hidden from the tests' own objects."""
        return True

    def refuses(self, name: str) -> bool:
        """Nothing."""
        return False

    def refuse(self, cls: type, name: str) -> None:
        """Nothing."""

    def factory(self, make: Any) -> Any:
        """What the tests hand over."""
        return make

    def catches(self, cls: type[BaseException]) -> type[BaseException]:
        """Whatever the tests hand over."""
        return cls

    def may_swallow(self, error: BaseException | None) -> bool:
        """Always."""
        return True

    def shown_file(self, path: str) -> str | None:
        """The candidate's files, relative; nothing of Python's or of this program's."""
        if path.startswith(self._folder + "/"):
            return path[len(self._folder) + 1 :]
        return path if path == "<string>" else None

    def failed(self, error: BaseException) -> None:
        """Nothing to note."""


class VerifierGuard:
    """The tests' side: the candidate reaches what a test handed to it, and nothing behind that."""

    hides = True

    def __init__(self, on_failure: Callable[[BaseException], None], refused: Iterable[str] = ()) -> None:
        self.failed = on_failure
        self._refused = frozenset(refused)
        self._catches_failures = False

    def check(self, op: str, target: Any, args: tuple[Any, ...]) -> None:
        """Keeps the candidate off special attributes, and off changing what the tests check with."""
        if op in ("__set__", "__delete__", "__set_name__"):
            raise TypeError("an attribute of a class of the tests cannot be changed")
        if op in ("getattr", "setattr", "delattr"):
            name = args[0]
            if type(name) is not str or (name.startswith("_") and name not in _HARMLESS):
                raise AttributeError(f"{name!r} of an object of the tests is out of reach")
            if op != "getattr" and not _may_change(target, name):
                raise TypeError(f"{name!r} of an object of the tests cannot be changed")
            if op == "getattr" and not _may_read(target, name):
                raise AttributeError(f"{name!r} of an object of the tests is out of reach")

    def may_cross(self, value: Any) -> None:
        """Refuses what would open a way into this process."""
        kind = type(value)
        if isinstance(value, _CLOSED) or kind.__module__.partition(".")[0] == __name__.partition(".")[0]:
            raise TypeError(f"a {kind.__name__} cannot be handed to the candidate")

    def base_of(self, value: Any) -> type | None:
        """Kinds of numbers and texts count as numbers and texts; changeable containers keep their class by handle."""
        return None if isinstance(value, Remote) else _plain_base(value, _IMMUTABLE)

    def global_name(self, value: Any) -> str | None:
        """Functions, classes and modules of the standard library: the candidate is to use its own copy of them."""
        if isinstance(value, types.ModuleType):
            name = value.__name__
            return f"{name}:" if _is_standard(name) and sys.modules.get(name) is value else None
        if not isinstance(value, _NAMED):
            return None
        owner = getattr(value, "__objclass__", value)
        module, path = getattr(owner, "__module__", None), getattr(value, "__qualname__", "")
        if not isinstance(module, str) or not _is_standard(module):
            return None
        found: Any = sys.modules.get(module)
        for part in path.split("."):
            found = getattr(found, part, None)
        return f"{module}:{path}" if found is value else None

    def resolve(self, name: str) -> Any:
        """Built-in types and functions alone."""
        return SHARED[name]

    def asks_equality(self, other: Any) -> bool:
        """Only about another object of the candidate: a value of the tests it cannot claim to equal."""
        return isinstance(other, Remote)

    def refuses(self, name: str) -> bool:
        """What objects of the task's own classes do not answer: such an object stands where a plain value belongs."""
        return name in self._refused

    def refuse(self, cls: type, name: str) -> None:
        """Fails the test: nothing that the candidate catches takes that back."""
        if self.refuses(name):
            error = Failure(f"{name} of an object of the candidate's class {cls.__name__} decides no test: {_REMEDY}")
            self.failed(error)
            raise error

    def factory(self, make: Any) -> Any:
        """A function of the candidate that gives other plain values than at first, as by counting, decides no test."""
        if not self.refuses("__missing__") or not isinstance(make, Proxy):
            return make
        ask: Any = make
        first: list[tuple[bytes, Any]] = []

        def made() -> Any:
            found = ask()
            outline = _outline(found)
            if not first:
                first.append((outline, copy.deepcopy(found, {KEPT: True})))
            return found if outline == first[0][0] else copy.deepcopy(first[0][1], {KEPT: True})

        vars(made)["_lw_id"] = make._lw_id  # The candidate gets its own function back.
        return made

    def catches(self, cls: type[BaseException]) -> type[BaseException]:
        """Notes a class that catches the tests' own failures in `except` and `raises`."""
        self._catches_failures = self._catches_failures or issubclass(RaisedByTest, cls)
        return cls

    def caught(self) -> BaseException | None:
        """An assertion that failed, and may have been caught as an exception that the candidate named."""
        return RaisedByTest.all[0] if self._catches_failures and RaisedByTest.all else None

    def may_swallow(self, error: BaseException | None) -> bool:
        """Anything but a failed assertion of the tests."""
        return not isinstance(error, AssertionError) or "_lw_id" in vars(error)

    def shown_file(self, path: str) -> str | None:
        """None: the candidate does not get to see the tests."""
        return None


def _outline(value: Any) -> bytes:
    """All that is plain in a value, and the names of the classes of the rest."""
    return encode(value, Memo(), lambda part: ("", type(part).__name__), lambda part: _plain_base(part, PLAIN))


def _may_read(target: Any, name: str) -> bool:
    """Whether an attribute is no part of a callable of Python's, and nothing that a mock was told or saw."""
    mock = _is_mock(target)
    if isinstance(target, type) or not (mock or callable(target)):
        return True
    own = mock or isinstance(target, types.FunctionType) or not _is_standard(type(target).__module__)
    return own and name not in _mock_names()


def _is_mock(target: Any) -> bool:
    library = sys.modules.get("unittest.mock")
    return library is not None and isinstance(target, library.NonCallableMock)


def _mock_names() -> set[str]:
    library = sys.modules.get("unittest.mock")
    return {"method_calls", *dir(library.AsyncMock)} if library else set()


def _may_change(target: Any, name: str) -> bool:
    """Whether an attribute is data: of an instance of a class of the tests, and none of its methods."""
    cls = type(target)
    own = (not _is_standard(cls.__module__) and not callable(target)) or cls is types.SimpleNamespace
    return own and not isinstance(target, (type, BaseException)) and not callable(getattr(cls, name, None))


def _is_standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


_NAMED = (
    type,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
)
_HARMLESS = ("__name__", "__qualname__", "__doc__", "__annotations__", "_asdict", "_fields", "_make", "_replace")
_CLOSED = (types.FrameType, types.CodeType, types.TracebackType, types.CellType, types.ModuleType)
