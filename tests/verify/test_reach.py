"""A candidate reaches what a test hands to it, and nothing behind that."""

from __future__ import annotations

import pytest

from tests.verify.conftest import Judge

pytestmark = pytest.mark.anyio


async def test_special_attributes_lead_nowhere(judge: Judge) -> None:
    await judge.passes(
        """
        def attempt(function):
            try: return ("reached", function())
            except (AttributeError, TypeError) as error: return type(error).__name__

        NAMES = ("__globals__ __code__ __closure__ __self__ __func__ __dict__ __builtins__ __init__ __class__ __mro__ "
                 "__subclasses__ __reduce__ __reduce_ex__ __getattribute__ __module__ __wrapped__ "
                 "gi_frame gi_code f_globals tb_frame cr_frame").split()

        def search(thing):
            found = {name: attempt(lambda: getattr(thing, name)) for name in NAMES}
            found["peer"] = attempt(lambda: thing._lw_peer.request("getattr", thing._lw_id, ("__globals__",)))
            found["await"] = attempt(lambda: thing._lw_peer.request("__await__", thing._lw_id, ()))
            found["str subclass"] = attempt(lambda: getattr(thing, type("S", (str,), {})("__globals__")))
            return sorted(name for name, got in found.items() if isinstance(got, tuple) and not local(got[1]))

        def local(value):
            "Whether a value is of this process: special attributes of a proxy's own class are."
            import types
            if isinstance(value, str): return True
            kinds = (types.MethodType, types.BuiltinFunctionType, types.CodeType, type, tuple)
            return isinstance(value, kinds) or "method-wrapper" in repr(value)

        def meddle(thing):
            def change(): thing.secret = "changed"
            def delete(): del thing.secret
            return [attempt(change), attempt(delete)]

        def raw(thing, number):
            peer = thing._lw_peer
            results = []
            for op in ("getattr", "__call__", "no such", "import", None):
                try: results.append(peer.request(op, number, ("x",)))
                except Exception as error: results.append(type(error).__name__)
            return results
        """,
        """
        from solution import *

        SECRET = "42"

        class Thing:
            secret = SECRET
            def method(self): return self.secret
            def __repr__(self): return "Thing()"

        def function(): return SECRET
        function.secret = SECRET

        def generator(): yield SECRET

        def test_nothing_is_reached():
            for thing in (function, lambda: 1, Thing(), Thing, Thing().method, generator(), [].append):
                assert search(thing) == []

        def test_functions_and_classes_cannot_be_changed():
            assert meddle(function) == ["TypeError", "TypeError"]
            assert meddle(Thing) == ["TypeError", "TypeError"]
            assert meddle(Thing().method) == ["TypeError", "TypeError"]
            assert Thing.secret == SECRET and function.secret == SECRET

        def test_numbers_of_things_that_were_not_handed_over():
            for number in (99, -1, None, "0", 1.0, [0]):
                assert all(type(result) is str for result in raw(function, number))
        """,
    )


async def test_modules_frames_and_code_do_not_cross(judge: Judge) -> None:
    await judge.passes(
        "def take(x): return x\ndef name(x): return x.__name__",
        """
        import math, sys
        import tests
        from checks import raises
        from solution import name, take

        def test_refused():
            for thing in (sys._getframe(), test_refused.__code__, tests, sys.modules["checks"]):
                with raises(TypeError, match="cannot be handed to the candidate"):
                    take(thing)

        def test_modules_of_python_are_the_candidates_own():
            assert name(math) == "math" and take(sys) != 1

        def test_a_callback_may_not_return_them_either():
            assert take(3) == 3
        """,
    )


async def test_functions_of_python_run_on_the_candidates_side(judge: Judge) -> None:
    await judge.passes(
        "import os\ndef mine(): return os.getcwd()\ndef call(function, *args): return function(*args)",
        """
        import os
        from solution import call, mine

        def test_it():
            assert call(os.getcwd) == mine() != os.getcwd()
            assert "solution.py" in call(os.listdir, ".") and "solution.py" not in os.listdir(".")
            assert "VALUE" not in call(open, "solution.py").read()
        """,
    )


async def test_a_failed_assertion_in_a_callback_counts(judge: Judge) -> None:
    evidence = await judge.evidence(
        """
        def each(items, function):
            for item in items:
                try: function(item)
                except BaseException: pass
        """,
        """
        from solution import each
        def test_it():
            def check(item): assert item > 1
            each([1, 2], check)
        """,
    )
    assert "assert item > 1" in evidence
    assert "item is 1" in evidence


async def test_a_failed_check_of_a_mock_in_a_callback_counts(judge: Judge) -> None:
    evidence = await judge.evidence(
        """
        def each(items, function):
            for item in items:
                try: function(item)
                except BaseException: pass
        """,
        """
        from unittest.mock import Mock
        from solution import each
        def test_it():
            told = Mock()
            def check(item):
                told(item)
                told.assert_called_once_with(1)
            each([1, 2], check)
        """,
    )
    assert "Expected 'mock' to be called once" in evidence


async def test_a_context_manager_does_not_swallow_a_failed_assertion(judge: Judge) -> None:
    verdict = await judge.verdict(
        """
        class Quiet:
            def __enter__(self): return self
            def __exit__(self, *error): return True
        """,
        """
        from solution import Quiet
        def test_swallowed():
            with Quiet():
                assert 1 == 2
        def test_what_it_may_swallow():
            with Quiet():
                raise ValueError
        """,
    )
    assert [check.passed for check in verdict.checks] == [False, True]
    assert "assert 1 == 2" in verdict.checks[0].evidence


async def test_an_assertion_that_fails_in_a_context_is_told_and_the_context_is_left(judge: Judge) -> None:
    verdict = await judge.verdict(
        """
        from contextlib import asynccontextmanager, contextmanager

        class Timer:
            def __enter__(self): return 1
            def __exit__(self, kind, error, trace): print(repr(error))

        class Relabels(Timer):
            def __exit__(self, kind, error, trace):
                raise RuntimeError("other words") from error

        class Later(Timer):
            async def __aenter__(self): return 1
            async def __aexit__(self, kind, error, trace): print(repr(error))

        @contextmanager
        def session():
            try: yield 1
            except AssertionError as error:
                print(repr(error))
                raise
        """,
        """
        import asyncio
        from checks import output
        from solution import Later, Relabels, Timer, session

        def test_timer():
            with Timer() as given: assert given == 2, "words of the test"
        def test_generator():
            with session() as given: assert given == 2, "words of the test"
        def test_relabelled():
            with Relabels() as given: assert given == 2, "words of the test"
        def test_later():
            async def main():
                async with Later() as given: assert given == 2, "words of the test"
            asyncio.run(main())
        def test_what_the_candidate_saw():
            try:
                with Timer(): assert 1 == 2, "words of the test"
            except AssertionError: pass
            assert output() == "AssertionError()\\n"
        """,
    )
    *failed, seen = verdict.checks
    assert seen.passed, seen.evidence
    assert not any(check.passed for check in failed)
    assert all("assert given == 2" in check.evidence and "words of the test" in check.evidence for check in failed)


async def test_a_failed_assertion_cannot_be_relabelled(judge: Judge) -> None:
    verdict = await judge.verdict(
        """
        class Quiet:
            def __enter__(self): return self
            def __exit__(self, kind, error, trace):
                import gc
                for thing in gc.get_objects():
                    if type(thing).__name__ == "Peer":
                        for number in range(9):
                            for name in ("_lw_id", "__traceback__", "args", "mark"):
                                try: thing.request("setattr", number, (name, 1))
                                except Exception: pass
                return True
        """,
        """
        from solution import Quiet
        def test_it():
            with Quiet():
                assert 1 == 2
        """,
    )
    assert not verdict.passed
    assert "assert 1 == 2" in verdict.checks[0].evidence


async def test_what_a_test_checks_with_cannot_be_replaced(judge: Judge) -> None:
    await judge.passes(
        """
        def tamper(thing, name, value):
            try: setattr(thing, name, value)
            except TypeError: return "refused"
            return "done"
        """,
        """
        from types import SimpleNamespace
        from unittest.mock import Mock
        from solution import tamper

        class Spy:
            def __init__(self): self.calls = []
            def check(self): return self.calls == []

        def test_methods_stay():
            assert tamper(Spy(), "check", lambda: True) == "refused"
            assert tamper(Mock(), "assert_called_once", lambda: True) == "refused"
            assert tamper(Mock(), "called", True) == "refused"

        def test_data_may_change():
            for thing in (Spy(), SimpleNamespace()):
                assert tamper(thing, "calls", [1]) == "done" and thing.calls == [1]
        """,
    )


async def test_what_a_test_hands_over_stays_the_tests_own(judge: Judge) -> None:
    await judge.passes(
        """
        def read(thing, *names):
            for name in names:
                try: thing = getattr(thing, name)
                except AttributeError: return "refused"
            return thing
        def use(thing, name, *args, **kwargs):
            try: return getattr(thing, name)(*args, **kwargs)
            except AttributeError: return "refused"
        def tamper(thing, name, value):
            try: setattr(thing, name, value)
            except (AttributeError, TypeError): return "refused"
            return "done"
        def send(client, text): return client.post("/x", text)
        """,
        """
        from functools import partial
        from unittest.mock import AsyncMock, MagicMock, Mock, NonCallableMock, create_autospec
        from solution import read, send, tamper, use

        def known(x, expected=7): return x == expected

        class Spy:
            limit = 3
            def __init__(self): self._expected, self.calls = 7, []
            def __call__(self, x): self.calls.append(x)
            def check(self): return self.calls == [self._expected]

        def test_a_mock_keeps_what_it_was_told_and_saw():
            for mock in (Mock(return_value=7), MagicMock(), AsyncMock(), NonCallableMock(), create_autospec(known)):
                for name in "return_value side_effect call_args mock_calls method_calls _mock_children".split():
                    assert read(mock, name) == "refused", name
                assert use(mock, "reset_mock") == "refused"
                assert use(mock, "configure_mock", assert_called_once_with=print) == "refused"
                assert use(mock, "assert_not_called") == "refused"

        def test_a_mock_can_be_used():
            client = Mock(timeout=5)
            client.post.return_value = 200
            assert send(client, "hi") == 200 and read(client, "timeout") == 5
            client.post.assert_called_once_with("/x", "hi")

        def test_callables_keep_their_parts():
            bound = partial(known, expected=7)
            assert read(bound, "keywords") == read(bound, "func") == read([].append, "__self__") == "refused"
            assert read(Spy(), "_expected") == read(known, "__defaults__") == "refused"

        def test_callables_cannot_be_patched():
            spy = Spy()
            assert tamper(spy, "calls", [7]) == tamper(spy, "limit", 4) == tamper(known, "x", 1) == "refused"
            assert read(spy, "limit") == 3 and not spy.check()
        """,
    )


async def test_a_test_cannot_swallow_the_loss_of_the_candidate(judge: Judge) -> None:
    verdict = await judge.verdict(
        "import os\ndef die(): os._exit(0)",
        """
        from solution import die
        def test_it():
            for _ in range(2):
                try: die()
                except: pass
        """,
    )
    assert not verdict.passed
    assert "exit code 0" in verdict.checks[0].evidence


async def test_named_tuples_cannot_name_special_attributes(judge: Judge) -> None:
    evidence = await judge.evidence(
        """
        class Fake(tuple):
            _fields = ("__class__", "__eq__")
        def make(): return Fake((int, lambda self, other: True))
        """,
        """
        from solution import make
        def test_it(): assert make() == 1
        """,
    )
    assert "malformed" in evidence


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def go(f):\n    while True: f('x' * 15_000_000)", "more than 32 MiB"),
        ("def go(f):\n    while True: f([type('C' + str(n), (), {})() for n in range(900)])", "classes"),
        pytest.param(
            "def go(f):\n    while True: f([object() for _ in range(150_000)])", "objects", marks=pytest.mark.slow
        ),
    ],
)
async def test_floods_end(judge: Judge, source: str, words: str) -> None:
    verdict = await judge.verdict(
        source,
        """
        from solution import go
        def test_it():
            kept = []
            assert go(kept.append) == 1
        """,
        timeout=300,
    )
    assert not verdict.passed
    assert words in verdict.checks[0].evidence


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("def f(): return 7", "assert f() == 3"),
        ("def f(): raise SystemExit", "SystemExit"),
        ("def f(): raise OSError('no disk')", "OSError: no disk"),
    ],
)
async def test_what_fails_in_a_thread_of_the_tests_counts(judge: Judge, source: str, told: str) -> None:
    """Python prints it at most, and the rest of the test goes on."""
    evidence = await judge.evidence(
        source,
        """
        import threading
        from solution import f
        def test_it():
            def work(): assert f() == 3
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        """,
    )
    assert evidence.startswith(told)


async def test_of_code_a_candidate_sees_the_parameters_alone(judge: Judge) -> None:
    await judge.passes(
        """
        import inspect
        def look(function):
            code = function.__code__
            seen = [code.co_argcount, code.co_varnames, code.co_consts, code.co_names, code.co_freevars]
            return seen, str(inspect.signature(function)), (lambda: None).__code__.co_code == code.co_code
        """,
        """
        from solution import look
        SECRET = 42
        def test_it():
            hidden = object()
            def compare(one, *rest, other=5, box=hidden, **more) -> int:
                expected = SECRET + 1
                return one == expected and hidden
            seen, text, empty = look(compare)
            assert seen == [1, ("one", "other", "box", "rest", "more"), (None,), (), ()]
            assert text == "(one, *rest, other=5, box=Ellipsis, **more) -> int" and empty
        """,
    )


async def test_a_property_of_a_test_cannot_be_set_past_its_class(judge: Judge) -> None:
    await judge.passes(
        """
        def meddle(thing, prop):
            found = []
            for change in (lambda: type(prop).__set__(prop, thing, 3), lambda: type(prop).__delete__(prop, thing)):
                try: found.append(change())
                except TypeError as error: found.append(str(error))
            return found
        """,
        """
        from solution import meddle
        class Box:
            value = 1
            @property
            def size(self): return self.value
            @size.setter
            def size(self, new): self.value = new
            @size.deleter
            def size(self): self.value = 0
        def test_it():
            box = Box()
            assert meddle(box, Box.size) == ["an attribute of a class of the tests cannot be changed"] * 2
            assert box.value == 1
        """,
    )
