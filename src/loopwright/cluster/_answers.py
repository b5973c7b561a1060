"""Errors as values, so that Ray never sees an exception of ours, whose text or arguments it would write to its logs."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any

import loopwright.errors
from loopwright.errors import LoopwrightError


@dataclass(frozen=True, slots=True)
class Failed:
    """An error that a worker met."""

    kind: str
    """The class, of `loopwright.errors` or built in."""
    arguments: tuple[Any, ...] = ()
    state: Mapping[str, Any] = field(default_factory=dict)
    """Its attributes."""

    @classmethod
    def of(cls, error: Exception) -> Failed:
        """Takes an error apart."""
        match error:
            case LoopwrightError():
                return cls(type(error).__name__, error.args, dict(vars(error)))
            case OSError():
                numbered = (error.errno, error.strerror, error.filename)
                return cls("OSError", numbered if error.errno is not None else (str(error),))
            case ValueError():
                return cls("ValueError", (str(error),))
        return cls(type(error).__name__, (str(error), _where(error)))

    def error(self, unknown: type[LoopwrightError]) -> Exception:
        """The error again; one of an unexpected class as another."""
        if self.kind == "OSError":
            return OSError(*self.arguments)
        if self.kind == "ValueError":
            return ValueError(*self.arguments)
        known = getattr(loopwright.errors, self.kind, None)
        if not (isinstance(known, type) and issubclass(known, LoopwrightError)):
            return unknown(f"a worker failed: {self.kind}: {' '.join(map(str, self.arguments))}")
        error = known(str(self.arguments[0]) if self.arguments else "")
        for name, value in self.state.items():
            setattr(error, name, value)
        return error


def _where(error: Exception) -> str:
    """Where an unexpected error was raised, for whoever mends it."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    return "".join(f"({frame.filename}:{frame.lineno})" for frame in last)


async def answered(work: Awaitable[Any]) -> Any:
    """What work gives, or how it failed."""
    try:
        return await work
    except Exception as error:
        return Failed.of(error)
