"""Why a test failed, in a few lines: the assertion with its values, or the exception with the candidate's frames."""

from __future__ import annotations

import reprlib
import sys
import types
from typing import Any

from loopwright.verify._guest.conversation.guards import Failure
from loopwright.verify._guest.conversation.guards import RaisedByTest as RaisedByTest
from loopwright.verify._guest.conversation.peer import Gone
from loopwright.verify._guest.conversation.proxy import Proxy
from loopwright.verify._guest.testing.rewrite import FILE, Statements

UNSET = object()
"""Value of a part of an assertion that was not evaluated."""
_VALUE_SHOWN = 240
_LOCALS_SHOWN = 4
_HIDDEN_KINDS = (types.FunctionType, types.BuiltinFunctionType, types.ModuleType, type)


class _Repr(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 4
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdeque = self.maxdict = 24
        self.maxstring = self.maxother = self.maxlong = _VALUE_SHOWN

    def repr_dict(self, x: dict[Any, Any], level: int) -> str:
        if level <= 0 and x:
            return "{...}"
        items = [
            f"{self.repr1(key, level - 1)}: {self.repr1(value, level - 1)}"
            for key, value in list(x.items())[: self.maxdict]
        ]
        return "{" + ", ".join(items + ["..."] * (len(x) > self.maxdict)) + "}"

    def repr_int(self, x: int, level: int) -> str:
        return repr(x) if x.bit_length() < 4 * _VALUE_SHOWN else f"<int of {x.bit_length()} bits>"


_repr = _Repr()


def show(value: Any) -> str:
    """A short repr that never fails."""
    try:
        text = _repr.repr(value)
    except BaseException as error:  # a repr may be the candidate's code, and the candidate may be gone
        text = f"<{type(value).__name__}, whose repr raised {type(error).__name__}>"
    return text if len(text) <= _VALUE_SHOWN else f"{text[: _VALUE_SHOWN - 60]} ... {text[-50:]}"


def failure(source: str, values: tuple[tuple[str, Any], ...], names: tuple[str, ...], message: Any) -> Failure:
    """The exception for an assertion that does not hold; the rewritten tests call it."""
    lines = [f"assert {source}"]
    if message is not None:
        lines.append(f"  {message if isinstance(message, str) else show(message)}"[:500])
    known = [(label, value) for label, value in values if value is not UNSET]
    lines += [f"  {label} is {show(value)}" for label, value in known]
    if len(known) == 2:
        lines += _difference(known[0][1], known[1][1])
    if "==" in source:
        lines += [
            f"  an object of class {type(value).__name__} equals no plain value"
            for _, value in known
            if isinstance(value, Proxy)
        ]
    frame = sys._getframe(1)
    if frame.f_locals is not frame.f_globals:
        told = {label for label, _ in values}
        local = [(name, frame.f_locals[name]) for name in names if name in frame.f_locals and name not in told]
        kept = [(name, value) for name, value in local if not isinstance(value, _HIDDEN_KINDS)]
        lines += [f"  {name} is {show(value)}" for name, value in kept[:_LOCALS_SHOWN]]
    return Failure("\n".join(lines))


def _difference(one: Any, other: Any) -> list[str]:
    """Where two long sequences part."""
    if type(one) is not type(other) or type(one) not in (list, tuple, str) or max(len(one), len(other)) <= 12:
        return []
    for place, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return [f"  first difference at [{place}]: {show(left)} and {show(right)}"]
    return [f"  the lengths differ: {len(one)} and {len(other)}"] if len(one) != len(other) else []


def explain(error: BaseException, statements: Statements) -> str:
    """Evidence for a test that ended with an exception."""
    trace = error.__traceback__
    lines: list[int] = []
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == FILE:
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    places = list(dict.fromkeys(statements.at(line) for line in (lines[0], lines[-1]))) if lines else []
    if isinstance(error, Failure) and str(error).startswith("assert "):
        return "\n".join(
            [str(error), *(f"  in the test: {place}" for place in places if not place.startswith("assert "))]
        )
    return "\n".join([*_headline(error), *(f"  in the test: {place}" for place in places), *_frames(error)])


def _headline(error: BaseException) -> list[str]:
    if isinstance(error, (Failure, Gone)):
        return [str(error)]
    if isinstance(error, SyntaxError) and error.text:
        place = f"{error.filename}, line {error.lineno}:"
        caret = " " * max(0, (error.offset or 1) - 1 - (len(error.text) - len(error.text.lstrip()))) + "^"
        return [
            f"{type(error).__name__}: {error.msg}",
            f"  {place}",
            f"    {error.text.strip()[:300]}",
            f"    {caret[:300]}",
        ]
    try:
        text = str(error)
    except BaseException as failed:
        text = f"<{type(failed).__name__} in __str__>"
    name = type(error).__name__
    text = f"{name}: {text}" if text else name
    return [text if len(text) <= 600 else f"{text[:500]} ... {text[-80:]}"]


def _frames(error: BaseException) -> list[str]:
    return [
        f"  {file}, line {line}, in {function}: {source}" if file else f"  {source}"
        for file, line, function, source in vars(error).get("_lw_frames", ())
    ]
