"""The program in several blocks of Python: which of them count, and which belong together."""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from loopwright.replies._python import try_parse

_FUTURE = re.compile(r"^from __future__ import .*\n?", re.MULTILINE)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_BUILTINS = frozenset(dir(builtins)) | {"__file__"}
_MOST = 200
"""Blocks that are looked at for what belongs together: a flood of them must not cost minutes."""


@dataclass(frozen=True, slots=True)
class _Part:
    at: int
    body: str
    defines: frozenset[str]
    """Functions and classes on its top level."""
    binds: frozenset[str]
    """All names that it binds, in functions, too."""
    needs: frozenset[str]
    """Names that it reads and does not bind."""
    only_defines: bool
    """Whether executing it alone does nothing but bind names."""
    imports: frozenset[str]

    @classmethod
    def of(cls, at: int, body: str) -> _Part:
        module = try_parse(body) or ast.Module([], [])
        nodes = list(ast.walk(module))
        binds, loaded, imports = set[str](), set[str](), set[str]()
        for node in nodes:
            match node:
                case ast.Name(name, ast.Load()):
                    loaded.add(name)
                case ast.Name(name) | ast.arg(name) | ast.FunctionDef(name) | ast.AsyncFunctionDef(name):
                    binds.add(name)
                case ast.ClassDef(name) | ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                    binds.add(name)
                case ast.Import(names) | ast.ImportFrom(names=names):
                    binds |= {alias.asname or alias.name.partition(".")[0] for alias in names}
                    modules = [node.module or "."] if isinstance(node, ast.ImportFrom) else [one.name for one in names]
                    imports |= {name.partition(".")[0] for name in modules}
        return cls(
            at,
            body,
            frozenset(node.name for node in module.body if isinstance(node, _DEFINITIONS)),
            frozenset(binds),
            frozenset(loaded - binds - _BUILTINS),
            bool(module.body) and all(map(_only_binds, module.body)),
            frozenset(imports),
        )


def program_of(blocks: Sequence[str]) -> str:
    """The program that blocks of Python make, of which none names a file.

    It is the first that defines a function or a class, or a later one that defines all the same names again, as a
    correction does; the first of all where none defines anything. Blocks that define other names belong to it if they
    only bind names, are no tests of it, and use its names or import nothing but the standard library; and so do
    blocks that bind a name that it reads and that nothing else binds. They keep their order.
    """
    parts = [_Part.of(at, body) for at, body in enumerate(blocks[:_MOST])]
    chosen: list[_Part] = []
    for part in parts:
        if not part.defines:
            continue
        same = [one for one in chosen if one.defines & part.defines]
        if not chosen or frozenset[str]().union(*(one.defines for one in chosen)) <= part.defines:
            chosen = [part]
        elif len(same) == 1 and len(chosen) > 1 and same[0].defines <= part.defines:
            chosen[chosen.index(same[0])] = part
        elif not same and _joins(part, chosen):
            chosen.append(part)
    chosen = chosen or parts[:1]
    while found := _needed(chosen, parts):
        chosen.append(found)
    return _joined([part.body for part in sorted(chosen, key=lambda part: part.at)])


def _joins(part: _Part, chosen: Sequence[_Part]) -> bool:
    if not part.only_defines or any(name.startswith(("test", "Test")) for name in part.defines):
        return False
    related = any(part.needs & one.binds or one.needs & part.binds for one in chosen)
    return related or part.imports <= sys.stdlib_module_names


def _needed(chosen: Sequence[_Part], parts: Sequence[_Part]) -> _Part | None:
    """The last block that binds a name that is missing, and no function that is there already."""
    bound, defined = (frozenset[str]().union(*(getattr(one, name) for one in chosen)) for name in ("binds", "defines"))
    missing = frozenset[str]().union(*(one.needs for one in chosen)) - bound
    fitting = (
        part
        for part in reversed(parts)
        if part not in chosen and part.only_defines and part.binds & missing and not part.defines & defined
    )
    return next(fitting, None)


def _joined(bodies: Sequence[str]) -> str:
    """The bodies as one program, whose `from __future__` lines come first."""
    if len(bodies) == 1:
        return bodies[0]
    future = dict.fromkeys(line.rstrip("\n") for body in bodies for line in _FUTURE.findall(body))
    return "\n".join([*future, *(_FUTURE.sub("", body) for body in bodies)])


def _only_binds(node: ast.stmt) -> bool:
    match node:
        case ast.Expr(ast.Constant()) | ast.If(ast.Compare(ast.Name("__name__"))):
            return True
        case _:
            return isinstance(node, (*_DEFINITIONS, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign))
