"""The program in several blocks of Python: which of them count, and which belong together."""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count, repeat
from typing import Literal

from loopwright.replies._python import try_parse

_FUTURE = re.compile(r"^from __future__ import .*\n?", re.MULTILINE)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_BUILTINS = frozenset(dir(builtins)) | {"__file__"}
_MOST = 200
"""Blocks that are looked at for what belongs together: a flood of them must not cost minutes."""
_MOST_CORRECTIONS = 10
"""Blocks that replace a part of the program."""
_ASIDE = re.compile(
    r"\b(?:for comparison|brute[- ]force|na[iï]ve|common mistakes?|mistakes? to avoid|not recommended|"
    r"(?:previously|before),? (?:it|this|the code) was|previously:|"
    r"(?:original|old|previous) (?:code|version)(?: was)?:|"
    r"async(?:hronous)? (?:version|variant|alternative))",
    re.IGNORECASE,
)
_CORRECTS = re.compile(
    r"\b(?:fix\w*|correct\w*|wait|actually|instead|should (?:be|have)|update[ds]?|replac\w+|improved?|better|faster|"
    r"final)\b",
    re.IGNORECASE,
)
_CHECK = re.compile(
    r"_*(?:test|check|verif|valid|assert|demo|example|usage|show|try|print|sanity|smoke|sample)", re.IGNORECASE
)
"""How the name of a function begins that only tries others."""
_SENTENCE_END = re.compile(r"[.!?]\s+")


@dataclass(frozen=True, slots=True)
class _Part:
    at: int
    body: str
    corrects: bool
    """Whether the sentence before it says that it corrects something."""
    aside: bool
    """Whether that sentence says that it is not the answer."""
    places: Mapping[str, range]
    """The lines of each function, class and lambda with a name on its top level."""
    stubs: frozenset[str]
    """Those of them whose body does nothing."""
    binds: frozenset[str]
    """All names that it binds, in functions, too."""
    gives: frozenset[str]
    """Names that it binds outside of functions and classes; `*` for all of a module."""
    needs: frozenset[str]
    """Names that it reads and does not bind."""
    only_defines: bool
    """Whether executing it alone does nothing but bind names."""
    imports: frozenset[str]
    renames: frozenset[str]
    """What it gives another name, itself or what a call makes of it, if it does nothing else."""
    gives_back: bool
    """Whether a function of it returns something."""
    checks: frozenset[str]
    """Those of its definitions whose name says that they only try others, or that only assert."""

    @classmethod
    def of(cls, at: int, body: str, before: str = "") -> _Part:
        module = try_parse(body) or ast.Module([], [])
        loaded, imports = set[str](), set[str]()
        for node in ast.walk(module):
            match node:
                case ast.Name(name, ast.Load()):
                    loaded.add(name)
                case ast.Import(names):
                    imports |= {one.name.partition(".")[0] for one in names}
                case ast.ImportFrom(source):
                    imports.add((source or ".").partition(".")[0])
        binds = frozenset(name for node in ast.walk(module) for name in _bound(node))
        sentence = _SENTENCE_END.split(before.rstrip().rpartition("\n")[2])[-1]
        corrects = bool(_CORRECTS.search(sentence))
        definitions = {name: node for node in module.body for name in _defined(node)}
        renamed = [handed for node in module.body if (handed := _renamed(node)) is not None]
        return cls(
            at,
            body,
            corrects,
            not corrects and bool(_ASIDE.search(sentence)),
            {name: _place(node) for name, node in definitions.items()},
            frozenset(name for name, node in definitions.items() if _is_stub(node)),
            binds,
            frozenset(name for node in _outside_functions(module) for name in _bound(node)),
            frozenset(loaded - binds - _BUILTINS),
            bool(module.body) and all(map(_only_binds, module.body)),
            frozenset(imports),
            frozenset().union(*renamed) if len(renamed) == len(module.body) else frozenset(),
            any(isinstance(node, ast.Return | ast.Yield) and node.value is not None for node in ast.walk(module)),
            frozenset(name for name, node in definitions.items() if _CHECK.match(name) or _only_asserts(node)),
        )

    @property
    def defines(self) -> frozenset[str]:
        return frozenset(self.places)

    @property
    def is_test(self) -> bool:
        return any(name.startswith(("test", "Test")) for name in self.defines)

    @property
    def tests_another(self) -> bool:
        """Whether it is nothing but tests of what stands elsewhere."""
        tests = all(name.startswith(("test", "Test")) for name in self.defines)
        return tests and bool(self.needs or self.imports - sys.stdlib_module_names)

    def only_checks(self, later: Sequence[_Part]) -> bool:
        """Whether it executes checks of later blocks, and defines nothing else, and nothing that those use."""
        executes = bool(self.needs & _all(later, "defines")) and not (self.only_defines or self.gives_back)
        return executes and self.defines <= self.checks and not self.defines & _all(later, "needs")

    def without(self, names: frozenset[str]) -> _Part:
        """It without the definitions of some names."""
        if not names:
            return self
        lines = _lines(self.body)
        left_out = {line for name, place in self.places.items() if name in names for line in place}
        left = _Part.of(self.at, "\n".join(line for at, line in enumerate(lines) if at not in left_out))
        return replace(left, corrects=self.corrects, aside=self.aside)


def program_of(blocks: Sequence[str], before: Sequence[str] = ()) -> str:
    """The program that blocks of Python make, of which none names a file.

    It is the first that defines a function or a class, tests of others aside, or a later one that defines all the same
    names again, as a correction does; the first of all where none defines anything. A later block that defines some of
    the names again replaces those alone, if it uses others of the program or the sentence before it says that it
    corrects. A body that does nothing (`pass`, `...`, a docstring) replaces none that does something, and neither does
    a block before which is said that it is not the answer. Blocks that define other names belong to the program if they
    only bind names, are no tests of it, and use its names or import nothing but the standard library; and so do blocks
    that bind a name that it reads and that nothing else binds, or give a function of it another name. They keep their
    order, but a block that executes something follows those that define what it needs.

    Args:
        blocks: Python, in the order of the reply.
        before: What the reply says right before each.
    """
    if len(blocks) == 1:
        return blocks[0]
    said = [*before, *repeat("", len(blocks))]
    parts = [_Part.of(at, body, said[at]) for at, body in enumerate(blocks[:_MOST])]
    last = max((part.at for part in parts if part.defines and not part.tests_another), default=0)
    chosen: list[_Part] = []
    corrections = count()
    for part in parts:
        written = _all(chosen, "defines") - _all(chosen, "stubs")
        rest = part.without(part.stubs & written)
        if not rest.defines or (not chosen and part.tests_another and part.at < last):
            continue
        if not chosen and part.only_checks(parts[part.at + 1 :]):
            continue
        if not chosen:
            chosen = [rest]
        elif not rest.defines & _all(chosen, "defines"):
            chosen += [rest] if _joins(rest, chosen) else []
        elif not (rest.aside and rest.defines & written):
            chosen = _corrected(chosen, rest, corrections)
    chosen = chosen or parts[:1]
    while found := _needed(chosen, parts):
        chosen.append(found)
    chosen += [part for part in parts if _names_again(part, [one for one in chosen if one.at < part.at])]
    return _joined([part.body for part in _in_order(chosen)])


def _in_order(chosen: Iterable[_Part]) -> list[_Part]:
    """Blocks as they stand in the reply, but one that executes something behind those that define what it needs."""
    ordered = sorted(chosen, key=lambda part: part.at)
    for part in [one for one in ordered if not one.only_defines]:
        at = ordered.index(part)
        missing = part.needs - _all(ordered[:at], "gives")
        last = max((place for place, one in enumerate(ordered) if place > at and one.defines & missing), default=at)
        ordered.insert(last, ordered.pop(at))
    return ordered


def missing_names(code: str) -> frozenset[str]:
    """Names that a program reads and binds nowhere; none where it imports all of a module."""
    part = _Part.of(0, code)
    return frozenset() if "*" in part.gives else part.needs


def without_words(code: str) -> str:
    """A program without lines on its top level that are words, and Python by chance: `[BEGIN]`, `Done`, `EOF`.

    They call nothing, and hold a name that the program binds nowhere. `cat > solution.py <<'EOF'` is such a line, too.
    A line with another statement on it stays.
    """
    module, missing = try_parse(code), missing_names(code)
    body = module.body if module else []
    words = [isinstance(node, ast.Expr) and _is_words(node, missing) for node in body]
    found, others = ([node for node, one in zip(body, words, strict=True) if one is kind] for kind in (True, False))
    left_out = {line for node in found for line in _place(node)} - {line for node in others for line in _place(node)}
    lines = _lines(code)
    return "\n".join(line for at, line in enumerate(lines) if at not in left_out) if left_out else code


def _is_words(node: ast.Expr, missing: frozenset[str]) -> bool:
    parts = list(ast.walk(node))
    calls = any(isinstance(part, ast.Call | ast.Await | ast.NamedExpr | ast.Yield | ast.YieldFrom) for part in parts)
    return not calls and any(isinstance(part, ast.Name) and part.id in missing for part in parts)


def _all(parts: Iterable[_Part], names: Literal["binds", "defines", "gives", "needs", "stubs"]) -> frozenset[str]:
    return frozenset[str]().union(*(getattr(part, names) for part in parts))


def _joins(part: _Part, chosen: Sequence[_Part]) -> bool:
    if not part.only_defines or part.is_test:
        return False
    related = any(part.needs & one.binds or one.needs & part.binds for one in chosen)
    return related or part.imports <= sys.stdlib_module_names


def _names_again(part: _Part, before: Sequence[_Part]) -> bool:
    """Whether a block gives functions of blocks before it other names, and needs nothing else."""
    gives, imports = _all(before, "gives"), frozenset[str]().union(*(one.imports for one in before))
    return (
        bool(part.renames & _all(before, "defines"))
        and part.renames | part.needs <= gives
        and not part.gives & gives
        and part.imports <= imports | sys.stdlib_module_names
    )


def _corrected(chosen: list[_Part], part: _Part, corrections: Iterator[int]) -> list[_Part]:
    """The program after a block that defines names of it again."""
    uses = part.needs & _all(chosen, "gives")
    if not uses and _all(chosen, "defines") <= part.defines:
        return [part]
    same = [one for one in chosen if one.defines & part.defines]
    if len(same) == 1 and len(chosen) > 1 and same[0].defines <= part.defines and not part.needs & same[0].gives:
        return [part if one is same[0] else one for one in chosen]
    if part.is_test or not (uses or part.corrects) or next(corrections) >= _MOST_CORRECTIONS:
        return chosen
    first, *others = chosen
    program = _Part.of(first.at, _joined([one.body for one in chosen])) if others else first
    return [_Part.of(first.at, _with_corrections(program, part))]


def _with_corrections(program: _Part, later: _Part) -> str:
    """A program with its definitions replaced by later ones; what stands before those comes first, the rest last."""
    lines, new = _lines(program.body.rstrip("\n")), _lines(later.body.rstrip("\n"))
    names = sorted(program.defines & later.defines, key=lambda name: program.places[name].start)
    begin = min(place.start for place in later.places.values())
    taken = {line for name in names for line in later.places[name]}
    for name in reversed(names):
        place = program.places[name]
        lines[place.start : place.stop] = [
            *(new[:begin] if name == names[0] else ()),
            *(new[at] for at in later.places[name]),
        ]
    lines += [line for at, line in enumerate(new) if at >= begin and at not in taken]
    return _with_future("\n".join(lines) + "\n")


def _needed(chosen: Sequence[_Part], parts: Sequence[_Part]) -> _Part | None:
    """A block that binds a name that is missing, and no function that is there already.

    The one that says that it corrects, else the last before the program, else the first after it.
    """
    defined, first = _all(chosen, "defines"), min((one.at for one in chosen), default=0)
    missing = _all(chosen, "needs") - _all(chosen, "binds")
    fitting = [
        part
        for part in parts
        if part not in chosen
        and (part.only_defines or (part.at < first and not part.needs & defined))
        and not part.defines & defined
        and (part.gives & missing or (missing and "*" in part.gives and part.only_defines))
    ]
    return max(
        fitting,
        key=lambda part: (
            "*" not in part.gives,
            part.corrects,
            part.at < first,
            part.at if part.at < first else -part.at,
        ),
        default=None,
    )


def _joined(bodies: Sequence[str]) -> str:
    """The bodies as one program, whose `from __future__` lines come first."""
    return bodies[0] if len(bodies) == 1 else _with_future("\n".join(bodies))


def _with_future(code: str) -> str:
    """Code whose `from __future__` lines come first."""
    future = dict.fromkeys(line.rstrip("\n") for line in _FUTURE.findall(code))
    return "\n".join([*future, _FUTURE.sub("", code)])


def _lines(code: str) -> list[str]:
    """The lines as Python counts them."""
    return code.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _place(node: ast.stmt) -> range:
    """The lines of a statement, from 0, with its decorators."""
    starts = [node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))]
    return range(min(starts) - 1, node.end_lineno or 0)


def _renamed(node: ast.stmt) -> set[str] | None:
    """Names that an assignment gives another one, or hands to what makes another one of them; none of an import.

    None where a statement does anything else: `total = add(1, 2)` hands nothing on.
    """
    match node:
        case ast.Import() | ast.ImportFrom():
            return set()
        case ast.Assign([ast.Name()], ast.Name(name)):
            return {name}
        case ast.Assign([ast.Name()], ast.Call(args=[*given])):
            return {one.id for one in given if isinstance(one, ast.Name)} or None
        case _:
            return None


def _defined(node: ast.stmt) -> tuple[str, ...]:
    match node:
        case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
            return (name,)
        case ast.Assign([ast.Name(name)], ast.Lambda()):
            return (name,)
        case _:
            return ()


def _bound(node: ast.AST) -> Iterable[str]:
    match node:
        case (
            ast.Name(name, ast.Store() | ast.Del()) | ast.arg(name) | ast.FunctionDef(name) | ast.AsyncFunctionDef(name)
        ):
            return (name,)
        case ast.ClassDef(name) | ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            return (name,)
        case ast.Import(names) | ast.ImportFrom(names=names):
            return [alias.asname or alias.name.partition(".")[0] for alias in names]
        case _:
            return ()


def _outside_functions(module: ast.Module) -> Iterator[ast.AST]:
    left: list[ast.AST] = list(module.body)
    while left:
        node = left.pop()
        yield node
        if not isinstance(node, (*_DEFINITIONS, ast.Lambda)):
            left += ast.iter_child_nodes(node)


def _is_stub(node: ast.stmt) -> bool:
    """Whether a function or a class does nothing: all that it holds is `pass`, `...`, text, or such functions."""
    match node:
        case ast.FunctionDef(body=body) | ast.AsyncFunctionDef(body=body) | ast.ClassDef(body=body):
            return all(map(_is_stub, body))
        case ast.Pass() | ast.Expr(ast.Constant()):
            return True
        case ast.Raise(ast.Name("NotImplementedError") | ast.Call(ast.Name("NotImplementedError"))):
            return True
        case _:
            return False


def _only_asserts(node: ast.stmt) -> bool:
    """Whether it is a function without parameters that asserts something."""
    match node:
        case ast.FunctionDef(args=ast.arguments(posonlyargs=[], args=[], vararg=None, kwonlyargs=[], kwarg=None)):
            return any(isinstance(part, ast.Assert) for part in ast.walk(node))
        case _:
            return False


def _only_binds(node: ast.stmt) -> bool:
    match node:
        case ast.Expr(ast.Constant()) | ast.If(ast.Compare(ast.Name("__name__"))):
            return True
        case _:
            return isinstance(node, (*_DEFINITIONS, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign))
