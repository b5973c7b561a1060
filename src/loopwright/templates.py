"""Templates that somebody may have sent: Jinja in its sandbox, with bounds on the work that a template makes.

The sandbox keeps a template from what it must not reach. It does not keep it from nested loops, from `'a' * 3000000000`
or from texts that double. So everything that a template does is counted here before it is done: each round of a loop,
call, filter, test and operation, and the size of what goes into it. What multiplies sizes is estimated first.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from jinja2 import StrictUndefined, Template, nodes
from jinja2.exceptions import SecurityError
from jinja2.lexer import Token, TokenStream
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer
from pydantic import BaseModel

STEPS = 300_000
"""Steps of one filling: rounds, calls, operations, and the parts of values that they look at."""
CHARACTERS = 100_000_000
"""Characters that the steps of one filling may go through."""
LARGEST = 10_000_000
"""Characters of a text, or items of a list, that one step may make."""
_LARGEST_NUMBER = 100_000
"""Of a number that says how much to make, such as the width of `center`."""
_CALL = 10
"""Steps of the call of a macro or function."""
_PART = 15
"""Steps of compiling one part of a template: a name, a number or a sign."""
_LARGEST_BITS = 10_000
"""Of a whole number that an operation makes."""

_SHALLOW = frozenset({"attr", "count", "d", "default", "first", "last", "length"})
"""Filters that do not look into what they get."""
_ABOUT_AS_LARGE = """
abs capitalize dictsort e escape float forceescape groupby int items list lower map max min pprint random
reject rejectattr reverse safe select selectattr sort string striptags title trim truncate unique upper
urlencode urlize wordcount append casefold decode encode endswith find get index isalnum isalpha isascii isdecimal
isdigit isidentifier islower isnumeric isprintable isspace istitle isupper keys lstrip partition removeprefix
removesuffix rfind rindex rpartition rsplit rstrip split splitlines startswith strip swapcase values
"""
_LINEAR = _SHALLOW | frozenset(_ABOUT_AS_LARGE.split())
"""Filters and methods whose result is about as large as what goes in. All others are taken to multiply."""
_SQUARE = frozenset({"striptags", "urlize"})
"""Those that may go through a text again for each of its marks."""
_COMPARING = frozenset(
    ("in", "eq", "==", "equalto", "ne", "!=", "lt", "<", "lessthan", "le", "<=", "gt", ">", "ge", ">=")
)
"""Tests that go through what they get."""

_CODECS = frozenset({"utf-8", "utf8", "ascii", "latin-1", "strict", "ignore", "replace", "backslashreplace"})
"""What `encode` and `decode` may name: the time that others take, such as `punycode`, grows with the cube of a text."""

_WIDTH_FROM_ARGUMENT = re.compile(r":[^{}]*\{")


class TooMuch(SecurityError):
    """A template makes more work than is allowed."""


@dataclass(slots=True)
class Work:
    """What fillings may still do. One is used for all records of a task, so that many records do not add up."""

    steps: int = STEPS
    characters: int = CHARACTERS

    def allow(self, steps: int, characters: int) -> None:
        """Adds to what may still be done."""
        self.steps += steps
        self.characters += characters

    def take(self, steps: int, characters: int = 0) -> None:
        """Counts work before it is done.

        Raises:
            TooMuch: It is more than is left.
        """
        self.steps -= steps
        self.characters -= characters
        if self.steps < 0 or self.characters < 0:
            raise TooMuch("the template makes too much work: it loops, repeats or copies without end")

    def size(self, value: Any) -> int:
        """Counts a value that a step goes through, and returns how large it is: its characters and items.

        Raises:
            TooMuch: It is more than is left.
        """
        if isinstance(value, str | bytes):
            self.take(1, len(value))
            return len(value)
        total, stack = 0, [value]
        while stack:
            part = stack.pop()
            size = len(part) if isinstance(part, str | bytes | range) else 1
            self.take(1 + size if isinstance(part, range) else 1, size)
            total += size
            if isinstance(part, int):
                if part.bit_length() > _LARGEST_BITS:
                    raise TooMuch("the template makes a number that is too large")
            elif isinstance(part, Mapping):
                stack += [*part.keys(), *part.values()]
            elif isinstance(part, list | tuple | set | frozenset):
                stack += part
            elif isinstance(part, BaseModel):
                stack += vars(part).values()
        return total


_work: ContextVar[Work | None] = ContextVar("work", default=None)


def _now() -> Work:
    # While a prompt is compiled there is none: then constants are looked at one by one.
    return _work.get() or Work()


@contextmanager
def counted(work: Work) -> Iterator[None]:
    """Counts what templates do meanwhile; also their compiling, which takes longer than what they do."""
    token = _work.set(work)
    try:
        yield
    finally:
        _work.reset(token)


def render(template: Template, values: Mapping[str, Any], work: Work | None = None) -> str:
    """Fills a template of `environment`.

    Args:
        template: What to fill.
        values: The names that it may use.
        work: What it may do; as much as one filling may where it is None.

    Raises:
        TooMuch: The template makes more work than is allowed, or a text that is too large.
        Exception: The template fails in its own way.
    """
    work = work or Work()
    try:
        with counted(work):
            parts, size = [], 0
            for part in template.generate(values):
                work.take(1, len(part))
                size += len(part)
                if size > LARGEST:
                    raise TooMuch(f"the template makes more than {LARGEST} characters")
                parts.append(part)
            return "".join(parts)
    except (MemoryError, RecursionError) as error:
        raise TooMuch(f"the template makes too much work ({type(error).__name__})") from None


def _product(arguments: tuple[Any, ...]) -> None:
    """Refuses what could make too much of its arguments: in the worst case, all of their sizes multiplied."""
    work, product = _now(), 1
    for argument in arguments:
        if isinstance(argument, bool | float) or argument is None:
            continue
        if isinstance(argument, int):
            if abs(argument) > _LARGEST_NUMBER:
                raise TooMuch(
                    f"the template asks for {str(argument)[:20]} of something; {_LARGEST_NUMBER} are the most"
                )
            product *= max(1, abs(argument))
        else:
            product *= max(1, work.size(argument))
        if product > LARGEST:
            raise TooMuch(f"the template could make more than {LARGEST} characters in one step")
    work.take(1, product)


def _check_call(name: str, arguments: tuple[Any, ...]) -> None:
    work = _now()
    work.take(1)
    if name in _SHALLOW:
        return
    if name in ("encode", "decode") and not _CODECS.issuperset(arguments[1:]):
        raise TooMuch(f"`{name}` of a template knows {', '.join(sorted(_CODECS))}")
    if name in _LINEAR:
        for argument in arguments:
            size = work.size(argument)
            if name in _SQUARE:
                work.take(size * size // 10_000)
    elif name in ("format", "format_map"):
        _check_format(arguments)
    elif name == "replace" and all(isinstance(part, str) for part in arguments[:3]) and len(arguments) >= 3:
        text, old, new = arguments[:3]
        made = work.size(text) + text.count(old) * work.size(new)
        if made > LARGEST:
            raise TooMuch(f"the template could make more than {LARGEST} characters in one step")
        work.take(1, made)
    else:
        _product(arguments if name != "wordwrap" else tuple(part for part in arguments if not isinstance(part, int)))


def _check_format(arguments: tuple[Any, ...]) -> None:
    """A format may hold widths, and take them from its arguments: each is as large as the largest number at hand."""
    text, *rest = arguments
    digits = "".join(char if char.isdecimal() else " " for char in str(text))
    widths = [int(word[:9]) for word in digits.split()]
    if "*" in str(text) or _WIDTH_FROM_ARGUMENT.search(str(text)):
        widths += [abs(number) for number in _numbers(rest)]
    _product((str(text), max([1, *widths]), *(part for part in rest if not isinstance(part, int))))


def _numbers(values: Any) -> list[int]:
    found, stack = [], [values]
    while stack:
        part = stack.pop()
        _now().take(1)
        if isinstance(part, int):
            found.append(part)
        elif isinstance(part, Mapping):
            stack += part.values()
        elif isinstance(part, list | tuple):
            stack += part
    return found


def _guarded(name: str, function: Any) -> Callable[..., Any]:
    passed = 1 if getattr(function, "jinja_pass_arg", None) else 0

    @functools.wraps(function)
    def guarded(*arguments: Any, **named: Any) -> Any:
        given = (*arguments[passed:], *named.values())
        _check_call(name, given)
        if name == "round" and any(isinstance(each, int) and abs(each) > 300 for each in given[1:]):
            raise TooMuch("the template rounds to more than 300 places")
        if name == "sum" and any(not isinstance(each, int | float | str) for each in given[1:]):
            raise TooMuch("`sum` adds numbers")
        return function(*arguments, **named)

    return guarded


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "**", "%"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        # A view holds models within models: their fields are data, which need no search for what is unsafe.
        if isinstance(obj, BaseModel) and attribute in type(obj).model_fields:
            return getattr(obj, attribute)
        return super().getattr(obj, attribute)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        _now().take(1)
        if numbers and isinstance(left, int) and isinstance(right, int):
            bits = left.bit_length() * max(1, right) if operator == "**" else left.bit_length() + right.bit_length()
            if bits > _LARGEST_BITS:
                raise TooMuch("the template makes a number that is too large")
        elif not numbers and operator == "%":
            _check_format((left, right) if not isinstance(right, tuple) else (left, *right))
        elif not numbers and operator == "*":
            _product((left, right))
        elif not numbers:
            _now().size(left)
            _now().size(right)
        return super().call_binop(context, operator, left, right)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # as the base
        given = (*args, *(value for name, value in kwargs.items() if not name.startswith("_")))
        name = getattr(__obj, "__name__", "")
        # The sandbox's own `format` of a text wraps that of the text.
        owner = getattr(getattr(__obj, "__wrapped__", __obj), "__self__", None)
        if isinstance(owner, str | bytes | list | tuple | dict | int):
            _check_call(name, (owner, *given))
        else:
            _now().take(_CALL)
            for value in given:
                _now().size(value)
        return super().call(__context, __obj, *args, **kwargs)

    def _tokenize(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        stream = super()._tokenize(source, name, filename, state)
        return TokenStream(_counted_parts(stream), name, filename)

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        counted = _Counted(self).visit(source)
        return super()._generate(counted, name, filename, defer_init)


def _counted_parts(stream: TokenStream) -> Iterator[Token]:
    work = _now()
    for part in stream:
        try:
            work.take(_PART)
        except TooMuch:
            raise TooMuch(
                f"the template has too many parts: {STEPS // _PART:,} are about the most for all templates of a task; "
                "long lists go into the data"
            ) from None
        yield part


class _Counted(NodeTransformer):
    """Makes a template count what the environment does not see: rounds of loops, bodies, and operations of its own."""

    def __init__(self, environment: _Environment) -> None:
        self._environment = environment

    def _value(self, node: Any, name: str = "_sized") -> nodes.Expr:
        return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno, environment=self._environment)

    def _body(self, node: Any) -> Any:
        self.generic_visit(node)
        text = sum(len(data.data) for part in node.body for data in part.find_all(nodes.TemplateData))
        constant = nodes.Const(text, lineno=node.lineno, environment=self._environment)
        counted = self._value(constant, "_round")
        node.body.insert(0, nodes.ExprStmt(counted, lineno=node.lineno, environment=self._environment))
        return node

    def visit_For(self, node: nodes.For) -> nodes.Node:  # jinja's name
        node.iter = self._value(node.iter, "_rounds")
        return self._body(node)  # type: ignore[no-any-return]

    visit_Macro = visit_CallBlock = visit_FilterBlock = visit_AssignBlock = _body  # jinja's names

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        node.nodes = [self._value(part) for part in node.nodes]
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        node.expr = self._value(node.expr)
        for operand in node.ops:
            operand.expr = self._value(operand.expr)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = self._value(node.node)
        return node


def _sized(value: Any) -> Any:
    _now().size(value)
    return value


def _rounds(value: Any) -> Any:
    _now().take(len(value) if isinstance(value, Sized) else 1)
    return value


def _round(text: int) -> int:
    _now().take(1, text)
    return text


def environment(**options: Any) -> ImmutableSandboxedEnvironment:
    """An environment whose templates are filled by `render`; names that are not there are errors.

    Args:
        **options: As of Jinja's environment.
    """
    # The texts are for models and programs, not HTML: nothing is escaped. What is folded would be counted once.
    made = _Environment(undefined=StrictUndefined, finalize=_sized, optimized=False, **options)
    made.filters = {name: _guarded(name, function) for name, function in made.filters.items()}
    made.filters |= {"_sized": _sized, "_round": _round, "_rounds": _rounds}
    made.tests = {
        name: _guarded("list" if name in _COMPARING else "length", function) for name, function in made.tests.items()
    }
    made.globals.pop("lipsum")
    return made
