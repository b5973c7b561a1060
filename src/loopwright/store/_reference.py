"""The reference of the event schema, made from the models themselves.

`python -m loopwright.store._reference > docs/events.md` writes it.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from typing import Any, Literal, get_args

from pydantic import BaseModel

from loopwright.store._events import SCHEMA_VERSION, Event, Payload
from loopwright.types import Candidate, Check, ControlState, Failure, Observation, Usage, Verdict

_TYPES = (Candidate, Observation, Verdict, Check, Failure, Usage, ControlState)
"""What payloads carry."""

_INTRODUCTION = f"""\
# Events

A run's `events.jsonl` holds one JSON object per line, in the order in which things happened. This page is generated
from the models in `loopwright.store`; the schema version is {SCHEMA_VERSION}.

Beside the fields below every line begins with `v`, the schema version, and ends with `crc`: the CRC-32 (zlib, eight
hexadecimal digits) of the run's id followed by the bytes of the line up to `,"crc"`. Fields that are null are left
out of a line, except in `data`.

A text of 72 characters or more that an earlier line of the same episode holds is referred to instead of written again:
in the file it is `{{"$text": [PART, ...]}}`, where a part is text, or `[seq, n, start, end]`: those characters of text
number n (from 0, among the texts of that length, in the order of the line) of event `seq`. Results of calls are always
written in full. `loopwright show --json` and `read_run` give every text in full.

A line of a newer version is refused, one of an older version is migrated when it is read; files are never rewritten.
Within a version events and optional fields may be added, never changed or taken away.
"""


def reference() -> str:
    """Returns the page as Markdown."""
    payloads = get_args(get_args(Payload)[0])
    parts = [_INTRODUCTION, "## The line\n", _table(Event)]
    for payload in payloads:
        name = payload.model_fields["type"].default
        parts += [f"## `{name}`\n", f"{inspect.getdoc(payload)}\n", _table(payload)]
    parts.append("# Types\n\nWhat the fields above carry. Keys that a type does not have are passed over.\n")
    for carried in _TYPES:
        parts += [f"## `{carried.__name__}`\n", f"{inspect.getdoc(carried)}\n", _table(carried)]
    return "\n".join(part for part in parts if part)


def _table(model: type) -> str:
    documented = _field_docs(model)
    told_elsewhere = {"type", "data"} if model is Event else {"type"}
    rows = [
        f"| `{name}` | `{kind}` | {default} | {documented.get(name, '')} |"
        for name, kind, default in _fields(model)
        if name not in told_elsewhere
    ]
    return "\n".join(["| field | type | default | meaning |", "|---|---|---|---|", *rows, ""]) if rows else ""


def _fields(model: type) -> Iterator[tuple[str, str, str]]:
    """Name, type and default of each field."""
    if is_dataclass(model):
        for one in fields(model):
            yield one.name, _type(one.type), "required" if one.default is MISSING else f"`{one.default!r}`"
    elif issubclass(model, BaseModel):
        for name, field in model.model_fields.items():
            yield name, _type(field.annotation), "required" if field.is_required() else f"`{field.get_default()!r}`"


def _type(annotation: Any) -> str:
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        annotation = Literal[tuple(member.value for member in annotation)]
    text = annotation.__name__ if isinstance(annotation, type) and not get_args(annotation) else str(annotation)
    text = re.sub(r"\b(typing|collections\.abc|decimal|loopwright\.types\._\w+)\.", "", text)
    text = re.sub(r"Annotated\[(\w+), [^\]]*\]", r"\1", text)
    return text.replace("|", "\\|")


def _field_docs(model: type) -> dict[str, str]:
    """The string below each field, on one line."""
    tree = ast.parse(inspect.getsource(sys.modules[model.__module__]))
    [definition] = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == model.__name__]
    docs = {}
    for field, below in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            match below:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    docs[field.target.id] = " ".join(text.split())
    return docs


if __name__ == "__main__":
    print(reference(), end="")
