"""The program in the verifier's sandbox: runs one test at a time, each in a fresh process.

Messages in: `L` a token and tests, `T` run a test, `A` from the candidate, `X` the candidate is gone.
Messages out: `K` tests taken, with the token, `B` tests that this Python cannot compile, `Q` to the candidate, `R` a
result, `E` the process ended.
"""

from __future__ import annotations

import importlib.machinery
import sys
import threading
import types
from collections.abc import Sequence
from typing import Any

from loopwright.sandbox._guest.frames import take_pipe, write_frame
from loopwright.verify._guest.conversation.guards import Failure, VerifierGuard
from loopwright.verify._guest.conversation.peer import Gone, Peer
from loopwright.verify._guest.conversation.proxy import Proxy, attribute
from loopwright.verify._guest.conversation.values import pack, unpack
from loopwright.verify._guest.programs import TOKEN, in_child, loop, read_message
from loopwright.verify._guest.testing import checks, evidence
from loopwright.verify._guest.testing.rewrite import FILE, RUNTIME, rewrite

_RECURSION = 4000  # a callback of a callback of a callback costs ten frames of this program's each time
_CAUGHT = "the test caught this as an exception class of the candidate, which is a base class of AssertionError"


class _Module(types.ModuleType):
    """A module of the candidate, as the tests import it."""

    def __getattr__(self, name: str) -> Any:
        if name == "__path__":
            raise AttributeError(name)
        if name == "__all__":
            return self._brought()
        return attribute(vars(self)["@module"], name)

    def _brought(self) -> list[str]:
        """Names that a star import takes: none that means something else in the tests."""
        try:
            names = attribute(vars(self)["@module"], "__all__")
        except AttributeError:
            names = [public for public in dir(self) if not public.startswith("_")]
        return [name for name in names if type(name) is str and _is_free(name) and name not in vars(self)["@withheld"]]

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("__") or isinstance(value, types.ModuleType):  # as the import of a submodule does
            super().__setattr__(name, value)
        else:
            setattr(vars(self)["@module"], name, value)

    def __delattr__(self, name: str) -> None:
        if name in vars(self):
            super().__delattr__(name)
        else:
            delattr(vars(self)["@module"], name)

    def __dir__(self) -> list[str]:
        return list(dir(vars(self)["@module"]))


def _is_free(name: str) -> bool:
    """Whether a name means nothing to Python or to this program, unlike `__builtins__`."""
    return name.isidentifier() and not (name.startswith("__") and name.endswith("__"))


class _Finder:
    """Imports the modules that the task names from the candidate, and no others: it cannot shadow any."""

    def __init__(self, peer: Peer, tests: _Tests) -> None:
        self._peer = peer
        self._served = frozenset(tests.served)
        self._withheld = frozenset(tests.withheld)

    def find_spec(self, name: str, path: object = None, target: object = None) -> importlib.machinery.ModuleSpec | None:
        """Finds a module of the candidate."""
        if name not in self._served:
            return None
        package = any(other.startswith(name + ".") for other in self._served)
        return importlib.machinery.ModuleSpec(name, self, is_package=package)  # type: ignore[arg-type] # duck-typed

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> _Module:
        """Has the candidate import it."""
        remote = self._peer.request("import", None, (spec.name,))
        if not isinstance(remote, Proxy):
            raise Gone("the candidate's process answered an import with a plain value")
        module = _Module(spec.name)
        vars(module).update({"@module": remote, "@withheld": self._withheld})
        vars(module)["__file__"] = spec.name.replace(".", "/") + ".py"
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        """Does nothing: the module runs on the other side."""


class _Tests:
    """Compiled tests."""

    def __init__(
        self, source: str, served: Sequence[str], refused: Sequence[str], withheld: Sequence[str] = ()
    ) -> None:
        self.served = list(served)
        self.refused = refused
        self.withheld = withheld
        self.code, self.statements = rewrite(source)


def _know_failures() -> None:
    """Has the standard library's checks fail by exceptions that are known to come from the tests."""
    if "unittest" in sys.modules:
        sys.modules["unittest"].TestCase.failureException = Failure
    if "unittest.mock" in sys.modules:
        vars(sys.modules["unittest.mock"])["AssertionError"] = Failure


class _Session:
    """One test, in a process of its own."""

    def __init__(self, incoming: int, outgoing: int, tests: _Tests) -> None:
        self._incoming = incoming
        self._tests = tests
        self._failed: BaseException | None = None
        self._contacted = False
        self._outgoing = outgoing
        self._guard = VerifierGuard(self._note, tests.refused)
        self.peer = Peer(self._send, self._receive, self._guard, {})

    def _send(self, data: bytes) -> None:
        self._contacted = True
        write_frame(self._outgoing, b"Q", data)

    def _receive(self) -> bytes:
        kind, payload = read_message(self._incoming)
        if kind == b"X":
            raise Gone(payload.decode("utf-8", "replace"))
        return payload

    def _note(self, error: BaseException) -> None:
        """An assertion that fails in a callback counts, whatever the candidate does about it."""
        if isinstance(error, Failure) and self._failed is None:
            self._failed = error

    def _note_thread(self, ended: Any) -> None:
        """An exception that ends a thread of the tests counts, as nobody else sees it."""
        if self._failed is None:
            self._failed = ended.exc_value or ended.exc_type()

    def result(self, name: str) -> tuple[str, str]:
        """Runs a test, or merely imports what the tests import where the name is empty."""
        module = self._prepare()
        loaded = False
        try:
            if not name:
                for served in self._tests.served[:1]:
                    importlib.import_module(served)
                return "passed", ""
            exec(self._tests.code, vars(module))
            loaded = True
            _know_failures()
            vars(module)[name]()
        except BaseException as error:
            own = "_lw_id" not in vars(error) and not isinstance(error, (Gone, AssertionError))
            foreign_import = isinstance(error, ModuleNotFoundError) and error.name not in self._tests.served
            broken = own and not loaded and (foreign_import or not self._contacted)
            return "broken" if broken else "failed", evidence.explain(error, self._tests.statements)
        stop = self._failed or self.peer.gone
        if stop is None and (stop := self._guard.caught()):
            told = f"{evidence.explain(stop, self._tests.statements)}\n  {_CAUGHT}"
            return "failed", told
        return ("failed", evidence.explain(stop, self._tests.statements)) if stop else ("passed", "")

    def _output(self) -> str:
        """What the candidate printed; an object in its place would decide what the test asks of it."""
        printed = self.peer.request("output", None, ())
        if type(printed) is not str:
            raise Gone("the candidate's process answered with no text where its output was asked for")
        return printed

    def _prepare(self) -> types.ModuleType:
        sys.setrecursionlimit(_RECURSION)
        sys.meta_path.insert(0, _Finder(self.peer, self._tests))
        helpers = types.ModuleType("checks", checks.__doc__)
        vars(helpers).update(raises=checks.raises, approx=checks.approx, output=self._output)
        module = types.ModuleType(FILE)
        meant = [name for name in self._tests.withheld if name in sys.stdlib_module_names]
        vars(module).update({RUNTIME: evidence, **{name: importlib.import_module(name) for name in meant}})
        threading.excepthook = self._note_thread
        sys.modules.update({"checks": helpers, FILE: module})
        return module


def main() -> None:
    """Serves until the pipe is closed."""
    incoming, outgoing = take_pipe()
    tests = _Tests("", (), ())

    def load(payload: bytes) -> tuple[bytes, bytes]:
        nonlocal tests
        try:
            tests = _Tests(*unpack(payload[TOKEN:]))
        except SyntaxError as error:
            return b"B", f"line {error.lineno}: {error.msg}".encode()
        return b"K", payload[:TOKEN]

    def run(payload: bytes) -> tuple[bytes, bytes]:
        def session() -> None:
            result = _Session(incoming, outgoing, tests).result(payload.decode())
            write_frame(outgoing, b"R", pack(result))

        return b"E", pack(in_child(session))

    loop(incoming, outgoing, {b"L": load, b"T": run})
