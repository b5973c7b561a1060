"""Functions whose keywords are options declared once: their whole signature, and a word on what is misspelt."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable
from types import SimpleNamespace
from typing import Any, ParamSpec, TypeVar, cast, get_args, get_type_hints

P = ParamSpec("P")
T = TypeVar("T")


def spelled_as(name: str, call: Callable[P, object]) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Gives a function the arguments and the help of `call`, and a name of its own, which its errors tell.

    The function refuses keywords that `call` does not have with a `TypeError` that names the nearest.
    """
    signature = _whole(call)

    def named(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(call)
        def public(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                signature.bind(*args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{name}() {error}{_meant(kwargs, signature)}") from None
            return function(*args, **kwargs)

        wrapped: Any = public
        if inspect.iscoroutinefunction(function):

            @functools.wraps(call)
            async def awaited(*args: P.args, **kwargs: P.kwargs) -> Any:
                return await cast("Awaitable[Any]", public(*args, **kwargs))

            wrapped = awaited
        wrapped.__name__ = wrapped.__qualname__ = name
        wrapped.__signature__ = signature
        return cast("Callable[P, T]", wrapped)

    return named


def spelled(function: Callable[P, T]) -> Callable[P, T]:
    """Makes a function show the keywords of its options one by one, and refuse others."""
    return spelled_as(getattr(function, "__name__", ""), function)(function)


def _whole(call: Callable[..., object]) -> inspect.Signature:
    """A signature in which `**options: Unpack[Options]` is replaced by the keywords of the options."""
    signature = inspect.signature(call)
    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD:
            parameters.append(parameter)
            continue
        # Alone, as other annotations may name what only type checkers import.
        alone: Any = SimpleNamespace(__annotations__={"options": parameter.annotation})
        (options,) = get_args(get_type_hints(alone, inspect.unwrap(call).__globals__)["options"])
        parameters += [
            inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_text(annotation))
            for option, annotation in options.__annotations__.items()
        ]
    return signature.replace(parameters=parameters)


def _text(annotation: object) -> object:
    return getattr(annotation, "__forward_arg__", annotation)


def _meant(given: Iterable[str], signature: inspect.Signature) -> str:
    """What a keyword that there is not may stand for."""
    for keyword in given:
        near = difflib.get_close_matches(keyword, signature.parameters, n=1)
        if keyword not in signature.parameters and near:
            return f"; did you mean {near[0]!r}?"
    return ""
