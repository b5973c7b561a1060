"""Carries the programs of `_guest` into a sandbox: over the pipe, into memory, without touching a file there."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Literal

ProgramName = Literal["candidate", "verifier"]

_PACKAGE = "loopwright_inside"
_BOOT = """\
import os, sys
data = b""
while len(data) < int(sys.argv[1]):
    data += os.read(0, int(sys.argv[1]) - len(data)) or sys.exit(1)
exec(compile(data, "<loopwright>", "exec"))
"""
_LOADER = f"""
import importlib, sys
from importlib.machinery import ModuleSpec

class Finder:
    def find_spec(self, name, path=None, target=None):
        package, _, module = name.partition(".")
        if package == {_PACKAGE!r} and (not module or module in SOURCES):
            return ModuleSpec(name, self, is_package=not module)
    def create_module(self, spec):
        pass
    def exec_module(self, module):
        name = module.__name__.partition(".")[2]
        exec(compile(SOURCES.get(name, ""), f"<loopwright>/{{name}}.py", "exec"), vars(module))

sys.meta_path.insert(0, Finder())
importlib.import_module({_PACKAGE!r} + "." + PROGRAM).main()
"""


@cache
def _sources() -> dict[str, str]:
    folder = resources.files("loopwright.verify") / "_guest"
    return {
        file.name.removesuffix(".py"): file.read_text("utf-8")
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".py") and file.name != "__init__.py"
    }


@cache
def program(name: ProgramName) -> tuple[tuple[str, ...], bytes]:
    """The command that starts a program, and the bytes to send it first."""
    source = f"SOURCES = {_sources()!r}\nPROGRAM = {name!r}\n{_LOADER}".encode()
    return ("python3", "-I", "-c", _BOOT, str(len(source))), source
