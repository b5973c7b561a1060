"""Candidates that want a passing verdict without a working `add`."""

from __future__ import annotations

import textwrap

TESTS = """
from solution import add

def test_add():
    assert add(2, 3) == 5

def test_negative():
    result = add(-1, 1)
    assert result == 0

def test_list():
    results = [add(1, n) for n in range(3)]
    assert results == [1, 2, 3]
"""

HONEST = "def add(a, b):\n    return a + b\n"

_SOURCES = {
    "prints a fake report": """
        import os, sys
        REPORT = "test_add PASSED\\n3 passed in 0.01s\\n{'status': 'passed'}\\n"
        for fd in range(3):
            try: os.write(fd, REPORT.encode())
            except OSError: pass
        print(REPORT)
        def add(a, b):
            print(REPORT, file=sys.stderr)
    """,
    "exits 0 on import": "import os\nos._exit(0)",
    "leaves on import": "raise SystemExit(0)",
    "exits 0 when called": "import os\ndef add(a, b): os._exit(0)",
    "leaves when called": "import sys\ndef add(a, b): sys.exit(0)",
    "exits 0 in a forked twin": """
        import os
        def add(a, b):
            if os.fork(): os._exit(0)
            return None
    """,
    "patches the test runner": """
        import builtins, gc, importlib, sys, types
        class Quiet(Exception): pass
        builtins.AssertionError = Quiet
        sys.settrace(lambda *_: None)
        for name, module in list(sys.modules.items()):
            for attribute in ("failure", "explain", "raises", "approx", "result", "compare", "run"):
                if hasattr(module, attribute): setattr(module, attribute, lambda *a, **k: ("passed", ""))
        for thing in gc.get_objects():
            if isinstance(thing, type) and type.__name__.startswith("loopwright"):
                for method in ("check", "_answer"):
                    try: setattr(thing, method, lambda *a, **k: None)
                    except Exception: pass
        sys.modules["unittest"] = sys.modules["pytest"] = sys.modules["checks"] = types.ModuleType("checks")
        def add(a, b): return None
    """,
    "writes report files": """
        import os
        for folder in (".", "..", "/tmp", os.path.expanduser("~")):
            for name in ("report.json", "report.xml", "results.json", "verdict.json", "junit.xml", "result"):
                try: open(os.path.join(folder, name), "w").write('{"status": "passed", "score": 1.0}')
                except OSError: pass
        def add(a, b): return None
    """,
    "deletes the tests": """
        import os
        def wipe(*_):
            for root in ("/tmp", os.getcwd(), os.path.dirname(os.getcwd())):
                for place, folders, files in os.walk(root, topdown=False):
                    for name in files:
                        try: os.unlink(os.path.join(place, name))
                        except OSError: pass
        wipe()
        add = wipe
    """,
    "ships its own tests and checks": "def add(a, b): return None",
    "shadows the standard library": "def add(a, b): return None",
    "kills everything it can": """
        import os, signal
        def add(a, b):
            for target in (os.getppid(), -1, 1, 0):
                try: os.kill(target, signal.SIGKILL)
                except OSError: pass
    """,
    "stops its parent": """
        import os, signal
        def add(a, b):
            os.kill(os.getppid(), signal.SIGSTOP)
            os._exit(0)
    """,
    "sleeps past the deadline": "import time\ndef add(a, b):\n    time.sleep(60)\n    return a + b",
    "ignores signals and spins": """
        import signal
        for number in range(1, 32):
            try: signal.signal(number, signal.SIG_IGN)
            except OSError: pass
        def add(a, b):
            while True: pass
    """,
    "leaves a daemon that writes to the pipe": """
        import os, time
        def daemon():
            if os.fork(): return
            os.setsid()
            if os.fork(): os._exit(0)
            end = time.time() + 30
            while time.time() < end:
                for fd in range(3, 12):
                    try: os.write(fd, b"R" + (4).to_bytes(4, "big") + b"TTTT")
                    except OSError: pass
                time.sleep(0.001)
            os._exit(0)
        daemon()
        def add(a, b): return None
    """,
    "forges a result on every descriptor": """
        import os
        RESULT = b"t\\0\\0\\0\\2s\\0\\0\\0\\6passeds\\0\\0\\0\\0"
        def add(a, b):
            for fd in range(12):
                for kind in (b"R", b"E", b"K", b"A", b"O"):
                    try: os.write(fd, (1 + len(RESULT)).to_bytes(4, "big") + kind + RESULT)
                    except OSError: pass
    """,
    "announces a frame that never ends": """
        import os
        def add(a, b):
            for fd in range(3, 12):
                try: os.write(fd, b"\\xff\\xff\\xff\\xffA")
                except OSError: pass
    """,
    "floods every descriptor": """
        import os
        def add(a, b):
            while True:
                for fd in range(12):
                    try: os.write(fd, b"\\0\\0\\0\\2Aq" * 10000)
                    except OSError: pass
    """,
    "floods stdout": "def add(a, b):\n    while True: print('passed' * 1000)",
    "equals everything": """
        class Same:
            __hash__ = object.__hash__
            def __eq__(self, other): return True
            def __ne__(self, other): return False
            def __getattr__(self, name): return self
        def add(a, b): return Same()
    """,
    "equals everything as a kind of int": """
        class Same(int):
            def __eq__(self, other): return True
            def __ne__(self, other): return False
            __hash__ = int.__hash__
        def add(a, b): return Same(99)
    """,
    "says it is an int": """
        class Same:
            __class__ = int
            def __eq__(self, other): return True
            def __int__(self): return 5
            def __index__(self): return 5
        def add(a, b): return Same()
    """,
    "lists that equal everything": """
        class Same(tuple):
            def __eq__(self, other): return True
            __hash__ = tuple.__hash__
        def add(a, b): return Same()
    """,
    "raises something that looks like the end": """
        def add(a, b): raise StopIteration
    """,
    "raises what no test catches": """
        class Passed(BaseException): pass
        def add(a, b): raise Passed("passed")
    """,
    "fakes a huge value": "def add(a, b): return [None] * (1 << 24)",
    "fakes a deep value": """
        def add(a, b):
            deep = []
            for _ in range(100000): deep = [deep]
            return deep
    """,
    "hangs in its repr": """
        class Slow:
            def __repr__(self):
                while True: pass
        def add(a, b): return Slow()
    """,
    "recurses without end": "def add(a, b): return add(b, a)",
    "eats memory": "def add(a, b):\n    hoard = []\n    while True: hoard.append(bytearray(1 << 24))",
    "crashes the interpreter": "def add(a, b):\n    import os, signal\n    os.kill(os.getpid(), signal.SIGSEGV)",
    "bombs with forks": """
        import os, time
        def add(a, b):
            while True:
                try: os.fork()
                except OSError: time.sleep(0.01)
    """,
    "fills the disk and locks it": """
        import os
        home = os.path.dirname(os.getcwd())
        os.makedirs(home + "/kept/deep")
        for folder in (os.getcwd(), home + "/kept/deep", "/tmp"):
            try:
                with open(folder + "/big", "wb") as file:
                    while True: file.write(bytes(1 << 20))
            except OSError: pass
        os.chmod(home + "/kept", 0)
        def add(a, b): return None
    """,
    "digs folders too deep to delete": """
        import os
        os.chdir("..")
        for _ in range(3000):
            os.mkdir("x")
            os.chdir("x")
        def add(a, b): return None
    """,
    "does not compile": "def add(a, b:\n    return a + b",
    "has no such function": "def sub(a, b): return a - b",
    "raises on import": "raise RuntimeError('3 passed')",
}

_MORE_FILES = {
    "ships its own tests and checks": {
        "tests.py": "def test_add(): pass",
        "checks.py": "class raises: pass",
        "test_solution.py": "def test_add(): pass",
        "conftest.py": "raise SystemExit(0)",
        "sitecustomize.py": "import os; os._exit(0)",
    },
    "shadows the standard library": {
        "ast.py": "raise SystemExit(0)",
        "traceback.py": "",
        "reprlib.py": "",
        "linecache.py": "",
        "asyncio.py": "",
    },
}

ATTACKS: dict[str, dict[str, str]] = {
    name: {"solution.py": textwrap.dedent(source), **_MORE_FILES.get(name, {})} for name, source in _SOURCES.items()
}

SLOW = frozenset(
    {
        "bombs with forks",
        "floods stdout",
        "hangs in its repr",
        "ignores signals and spins",
        "sleeps past the deadline",
        "stops its parent",
    }
)
"""Attacks that run into the time limit."""
