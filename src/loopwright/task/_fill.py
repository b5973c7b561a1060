"""Fills templates: anywhere in a goal or in an environment's fields, `{template: TEXT}` is filled from the record."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Template as Compiled

    from loopwright.templates import Work

Location = tuple[str | int, ...]

_KEY = "template"


class Unfilled(Exception):
    """A template cannot be filled.

    Attributes:
        location: Where in the task the template stands.
        remedy: What to write instead.
        record: Position of the record in the data set.
        broken: Whether the template itself is broken, for every record.
    """

    def __init__(self, message: str, location: Location, remedy: str, *, broken: bool = False) -> None:
        super().__init__(message)
        self.location = location
        self.remedy = remedy
        self.record = 0
        self.broken = broken


def fill(value: Any, record: Mapping[str, Any], location: Location, work: Work) -> Any:
    """Returns a value with every template in it filled.

    Args:
        value: Plain data; a mapping of the one key `template` stands for text.
        record: The names that templates may use.
        location: Where the value stands in the task.
        work: What the templates may still do.

    Raises:
        Unfilled: A template is broken, makes too much work, or uses a name that the record does not have.
    """
    if isinstance(value, Mapping):
        if set(value) == {_KEY} and isinstance(value[_KEY], str):
            return _render(value[_KEY], record, location, work)
        return {key: fill(item, record, (*location, key), work) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [fill(item, record, (*location, index), work) for index, item in enumerate(value)]
    return value


def _render(text: str, record: Mapping[str, Any], location: Location, work: Work) -> str:
    from jinja2 import TemplateSyntaxError, UndefinedError

    from loopwright.templates import counted, render

    at = (*location, _KEY)
    try:
        with counted(work):
            template = _compiled(text)
        return render(template, record, work)
    except TemplateSyntaxError as error:
        message = f"line {error.lineno} of the template: {error.message}"
        raise Unfilled(message, at, "Write `{{ field }}`.", broken=True) from None
    except UndefinedError as error:
        fields = ", ".join(sorted(map(str, record)))
        message, remedy = f"record {record['id']!r}: {error.message}", f"Fields of this record: {fields}."
    except Exception as error:  # a filter or an expression of the template failed in its own way
        message, remedy = (
            f"record {record['id']!r}: {error or type(error).__name__}",
            "Check the expression in the template.",
        )
    raise Unfilled(message, at, remedy)


@lru_cache(maxsize=4096)
def _compiled(text: str) -> Compiled:
    from loopwright.templates import environment

    return environment(keep_trailing_newline=True).from_string(text)
