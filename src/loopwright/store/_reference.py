"""The reference of the event schema, made from the models themselves.

`python -m loopwright.store._reference > docs/events.md` writes it.
"""

from __future__ import annotations

import ast
import inspect
import re
from typing import Any, get_args

from pydantic import BaseModel

from loopwright.store import _events
from loopwright.store._events import SCHEMA_VERSION, Event, Payload

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
    return "\n".join(part for part in parts if part)


def _table(model: type[BaseModel]) -> str:
    documented = _field_docs(model)
    rows = [
        f"| `{name}` | `{_type(field.annotation)}` | {_default(field)} | {documented.get(name, '')} |"
        for name, field in model.model_fields.items()
        if name not in {"type", "data"}
    ]
    return "\n".join(["| field | type | default | meaning |", "|---|---|---|---|", *rows, ""]) if rows else ""


def _type(annotation: Any) -> str:
    text = annotation.__name__ if isinstance(annotation, type) and not get_args(annotation) else str(annotation)
    text = re.sub(r"\b(typing|collections\.abc|decimal)\.", "", text)
    return text.replace("|", "\\|")


def _default(field: Any) -> str:
    return "required" if field.is_required() else f"`{field.default!r}`"


def _field_docs(model: type[BaseModel]) -> dict[str, str]:
    """The string below each field, on one line."""
    tree = ast.parse(inspect.getsource(_events))
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
