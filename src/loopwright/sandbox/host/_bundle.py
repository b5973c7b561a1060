"""Programs of `_guest` folders, ready to be sent into a sandbox: over the pipe, into memory, past every file there."""

from __future__ import annotations

import ast
import importlib.util
import marshal
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from loopwright.replies import parse_python

_BOOT = """\
import marshal, os, sys
def load(size):
    data = b""
    while len(data) < size:
        data += os.read(0, size - len(data)) or sys.exit(1)
    magic, codes, texts = marshal.loads(data)
    same = magic == sys.modules["_frozen_importlib_external"].MAGIC_NUMBER
    parts = marshal.loads(codes if same else texts)
    for name, part in parts:
        module = sys.modules[name] = type(sys)(name)
        exec(part if same else compile(part, "<" + name + ">", "exec"), module.__dict__)
    for name, _ in parts:
        del sys.modules[name]
    return module.main
load({size})()
"""
_OLD = 2
"""A version of marshal's format that every Python reads, for what is not code."""


@dataclass(frozen=True, slots=True)
class GuestBundle:
    """A program with all its modules."""

    boot: str
    """The source that `python3 -c` starts with."""
    payload: bytes
    """What the started process reads first from its stdin: the modules as text, and compiled for Pythons whose code
    is the same as this one's, as most of a start's time would be compiling."""


@cache
def bundle(entry: str) -> GuestBundle:
    """Puts a program together.

    Args:
        entry: The module whose `main` is the program, such as `loopwright.sandbox._guest.runner`.

    Raises:
        ValueError: A module of it imports a part of Loopwright that is in no `_guest` folder.
    """
    texts: dict[str, str] = {}
    _collect(entry, texts)
    codes = [(name, compile(text, f"<{name}>", "exec", dont_inherit=True, optimize=0)) for name, text in texts.items()]
    parts = importlib.util.MAGIC_NUMBER, marshal.dumps(codes), marshal.dumps([*texts.items()], _OLD)
    payload = marshal.dumps(parts, _OLD)
    return GuestBundle(_BOOT.format(size=len(payload)), payload)


def _collect(name: str, texts: dict[str, str]) -> None:
    """Adds a module after all that it imports when it starts."""
    if name in texts:
        return
    text = _source(name)
    for node in parse_python(text).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("loopwright."):
            _collect(node.module, texts)
            if _folder(node.module).is_dir():
                for alias in node.names:
                    _collect(f"{node.module}.{alias.name}", texts)
    texts[name] = text


def _source(name: str) -> str:
    if "_guest" not in name.split("."):
        raise ValueError(f"code inside sandboxes cannot import {name}")
    if _folder(name).is_dir():
        return ""  # a package is nothing but a name that its modules are imported from
    parent, _, module = name.rpartition(".")
    return _folder(parent).joinpath(f"{module}.py").read_text("utf-8")


def _folder(package: str) -> Traversable:
    return files("loopwright").joinpath(*package.split(".")[1:])
