"""The JSON schema of task files, for editors and other programs."""

from __future__ import annotations

import ast
import inspect
from functools import cache
from itertools import pairwise
from textwrap import dedent
from typing import Any

from pydantic import BaseModel

from loopwright.task._caps import BudgetOptions, CapOptions
from loopwright.task._data import DataFile
from loopwright.task._loop_options import ArmOptions, IdeaOptions, LoopOptions, PilotOptions
from loopwright.task._mcp_servers import McpServerOptions
from loopwright.task._models import (
    AgentOptions,
    EnvironmentOptions,
    ImageModelOptions,
    MatrixOptions,
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
from loopwright.task._variables import LITERAL_KEYS
from loopwright.types import CheckThreshold, Endpoint, Sampling, ValueOptions, ValueThreshold

SECTIONS: dict[str, type[BaseModel]] = {
    "environment": EnvironmentOptions,
    "data, as a list": Record,
    "data, as a file": DataFile,
    "agents": AgentOptions,
    "image_models": ImageModelOptions,
    "endpoints, each": Endpoint,
    "endpoints, sampling": Sampling,
    "loop": LoopOptions,
    "loop.threshold, for one check": CheckThreshold,
    "loop.threshold, for the value": ValueThreshold,
    "loop.value": ValueOptions,
    "loop.pilot": PilotOptions,
    "loop.ideas": IdeaOptions,
    "loop.arms, each": ArmOptions,
    "matrix": MatrixOptions,
    "budget": BudgetOptions,
    "budget.run": CapOptions,
    "sandbox": SandboxOptions,
    "mcp_servers, each": McpServerOptions,
    "session": SessionOptions,
    "session.memory": MemoryOptions,
    "drift": DriftOptions,
    "drift.mitigations": MitigationOptions,
    "drift.mitigations.consolidation": ConsolidationOptions,
    "drift.mitigations.routing": RoutingOptions,
    "drift.mitigations.anchoring": AnchoringOptions,
    "a template": Template,
}

_INCLUDE = {
    "type": "object",
    "properties": {"file": {"type": "string", "description": "A path in the project."}},
    "required": ["file"],
    "additionalProperties": False,
}
_VARIABLE = {"type": "string", "pattern": r"^\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}$"}


def task_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a task file, with includes, variables and data files."""
    schema = Task.model_json_schema(ref_template="#/$defs/{model}")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Loopwright task"
    schema["required"] = ["version", *(name for name in schema["required"] if name != "version")]
    definitions = schema["$defs"]
    definitions["DataFile"] = DataFile.model_json_schema()
    definitions["Include"] = _INCLUDE
    for model, properties in [(Task, schema["properties"])] + [
        (model, definitions[model.__name__]["properties"]) for model in SECTIONS.values()
    ]:
        for name, text in field_docs(model).items():
            properties[name].setdefault("description", text)
    properties = schema["properties"]
    for name, value in properties.items():
        if name == "data":
            properties[name] = _either(value, {"$ref": "#/$defs/DataFile"})
        elif name not in ("version", "name"):
            properties[name] = _with_include(_loose(value) if name not in LITERAL_KEYS else value)
    for name in [kind.__name__ for kind in SECTIONS.values() if kind.__name__.endswith("Options")]:
        if name == "EnvironmentOptions":
            continue
        nested = definitions[name]["properties"]
        definitions[name]["properties"] = {key: _loose(value) for key, value in nested.items()}
    return schema


def _with_include(value: dict[str, Any]) -> dict[str, Any]:
    return _either(value, {"$ref": "#/$defs/Include"})


def _loose(value: dict[str, Any]) -> dict[str, Any]:
    """A schema that takes a variable too, where it does not take any text already."""
    if "$ref" in value or value.get("type") in ("object", "array", "string"):
        return value
    return _either(value, _VARIABLE)


def _either(value: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """A schema that takes one or the other; what editors show stays on top."""
    shown: dict[str, Any] = {key: value[key] for key in ("title", "description", "default") if key in value}
    return {**shown, "anyOf": [{key: item for key, item in value.items() if key not in shown}, other]}


@cache
def field_docs(model: type) -> dict[str, str]:
    """The string below each field of a class and of its bases, on one line."""
    docs: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if kind.__module__.startswith("loopwright."):
            [definition] = ast.parse(dedent(inspect.getsource(kind))).body
            assert isinstance(definition, ast.ClassDef)
            for field, below in pairwise(definition.body):
                match field, below:
                    case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                        docs[name] = " ".join(text.split())
    return docs
