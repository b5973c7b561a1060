"""The runner's program, as it is sent into a sandbox."""

from __future__ import annotations

import binascii
import marshal
import zlib
from functools import cache
from importlib.resources import files

_PARTS = ("lean", "wire", "privileges", "spawn", "streams", "files", "tree", "layers", "memory", "operations", "main")
_START = """
import sys
for name, text in {parts}:
    module = type(sys)(name)
    sys.modules[name] = module
    exec({code}, module.__dict__)
sys.modules[name].main()
"""
_OPTIONS = ("-I", "-S", "-B", "-c")
"""No site packages, no environment, no file of the sandbox but the library."""
_PACKAGE = "loopwright.sandbox._inside"


@cache
def command(interpreter: str) -> tuple[str, ...]:
    """The command that starts the runner with any Python of 3.8 or later."""
    return interpreter, *_OPTIONS, _START.format(parts=repr(_sources()), code='compile(text, name, "exec")')


@cache
def compiled_command(interpreter: str) -> tuple[str, ...]:
    """The same for the Python that this process runs on, compiled once here: most of the time of its start is that."""
    codes = [(name, compile(text, name, "exec", optimize=2)) for name, text in _sources()]
    packed = binascii.b2a_base64(zlib.compress(marshal.dumps(codes)), newline=False)  # an argument has 128 kB at most
    parts = f"marshal.loads(zlib.decompress(binascii.a2b_base64({packed!r})))"
    return interpreter, *_OPTIONS, "import binascii, marshal, zlib" + _START.format(parts=parts, code="text")


def _sources() -> list[tuple[str, str]]:
    packages = [(name, "") for name in ("loopwright", "loopwright.sandbox", _PACKAGE)]
    return packages + [(f"{_PACKAGE}.{name}", (files(_PACKAGE) / f"{name}.py").read_text()) for name in _PARTS]
