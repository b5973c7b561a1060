"""The reference of the task file, made from the models themselves.

`python -m loopwright.task._reference > docs/task-file.md` writes it.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from loopwright.task._caps import BudgetOptions, CapOptions
from loopwright.task._data import DataFile
from loopwright.task._models import (
    AgentOptions,
    EnvironmentOptions,
    LoopOptions,
    MatrixOptions,
    PilotOptions,
    Record,
    SandboxOptions,
    Task,
    Template,
)
from loopwright.task._session import (
    AnchoringOptions,
    ConsolidationOptions,
    DriftOptions,
    MemoryOptions,
    MitigationOptions,
    RoutingOptions,
    SessionOptions,
)
from loopwright.types import Endpoint, Sampling

SECTIONS: dict[str, type[BaseModel]] = {
    "environment": EnvironmentOptions,
    "data, as a list": Record,
    "data, as a file": DataFile,
    "agents": AgentOptions,
    "endpoints, each": Endpoint,
    "endpoints, sampling": Sampling,
    "loop": LoopOptions,
    "loop.pilot": PilotOptions,
    "matrix": MatrixOptions,
    "budget": BudgetOptions,
    "budget.run": CapOptions,
    "sandbox": SandboxOptions,
    "session": SessionOptions,
    "session.memory": MemoryOptions,
    "drift": DriftOptions,
    "drift.mitigations": MitigationOptions,
    "drift.mitigations.consolidation": ConsolidationOptions,
    "drift.mitigations.routing": RoutingOptions,
    "drift.mitigations.anchoring": AnchoringOptions,
    "a template": Template,
}

_INTRODUCTION = """\
# The task file

A task file is YAML 1.2: plain data in UTF-8, at most a megabyte, without tags, anchors and aliases. A key that is not
below is an error, except in `environment` and in records, where the other keys are the environment's own fields. This
page is generated from the models in `loopwright.task`; `loopwright schema` prints the same as JSON schema.

Three things may stand for a value:

- `{file: NAME}` is the text of that file. For `agents`, `budget`, `drift`, `environment`, `loop`, `matrix`,
  `models`, `sandbox` and `session` it is that file's YAML. The path is relative to the file that names it and stays
  inside the project.
- `${NAME}` and `${NAME:-default}` are environment variables, except in `name`, `goal`, `data` and `environment`: what
  agents and programs see holds none. A plain `${` is written `$${`.
- `{template: TEXT}`, as the goal and anywhere in `environment`, is a Jinja template filled from each record of the
  data set. Only templates under `environment.hidden` can name hidden fields.
"""

_WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false"}
_TITLES: dict[type[BaseModel], str] = {Record: "records", Template: "a template"}


def reference() -> str:
    """Returns the page as Markdown."""
    parts = [_INTRODUCTION, "## The task\n", _table(Task)]
    for name, model in SECTIONS.items():
        title = f"`{name}`" if re.fullmatch(r"[\w.]+", name) else name[0].upper() + name[1:]
        parts += [f"## {title}\n", f"{inspect.getdoc(model)}\n", _table(model)]
    return "\n".join(parts)


@cache
def field_docs(model: type[BaseModel]) -> dict[str, str]:
    """The string below each field of a model and of its bases, on one line."""
    docs: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        tree = ast.parse(inspect.getsource(sys.modules[kind.__module__])) if issubclass(kind, BaseModel) else None
        for node in tree.body if tree and kind.__module__.startswith("loopwright.") else ():
            if isinstance(node, ast.ClassDef) and node.name == kind.__name__:
                docs |= _documented(node)
    return docs


def _documented(definition: ast.ClassDef) -> dict[str, str]:
    docs = {}
    for field, below in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            match below:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    docs[field.target.id] = " ".join(text.split())
    return docs


def _table(model: type[BaseModel]) -> str:
    documented = field_docs(model)
    rows = [
        f"| `{name}` | {_type(field.annotation)} | {_default(field)} | {documented.get(name, '')} |"
        for name, field in model.model_fields.items()
    ]
    return "\n".join(["| key | value | default | meaning |", "|---|---|---|---|", *rows, ""])


def _type(annotation: Any) -> str:
    """A type in the words of somebody who writes YAML."""
    arguments = [kind for kind in get_args(annotation) if kind is not type(None)]
    origin = get_origin(annotation)
    if origin is Literal:
        return " or ".join(f"`{choice}`" for choice in arguments)
    if origin in (Union, UnionType):
        return " or ".join(_type(kind) for kind in arguments)
    if origin is tuple:
        return f"list of {_type(arguments[0])}"
    if origin is not None:
        return f"mapping to {_type(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _TITLES.get(annotation, "a section")
    return _WORDS.get(annotation, "anything")


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    if isinstance(field.default, BaseModel) or field.default in ((), {}):
        return ""
    return "none" if field.default is None else f"`{str(field.default).lower()}`"


if __name__ == "__main__":
    print(reference(), end="")
