"""The runner's program text, as it is sent into a sandbox."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

_PARTS = ("wire", "privileges", "spawn", "streams", "files", "tree", "layers", "memory", "operations", "main")
_START = """
import sys
for name, text in {parts!r}:
    module = type(sys)(name)
    sys.modules[name] = module
    exec(compile(text, name, "exec"), module.__dict__)
sys.modules[name].main()
"""
_PACKAGE = "loopwright.sandbox._inside"


@cache
def command(interpreter: str) -> tuple[str, ...]:
    """The command that starts the runner: no site packages, no environment, no file of the sandbox but the library."""
    parts = [(f"{_PACKAGE}.{name}", (files(_PACKAGE) / f"{name}.py").read_text()) for name in _PARTS]
    packages = [(name, "") for name in ("loopwright", "loopwright.sandbox", _PACKAGE)]
    return interpreter, "-I", "-S", "-B", "-c", _START.format(parts=packages + parts)
