"""The JSON schema of task files, for editors and other programs."""

from __future__ import annotations

from typing import Any

from loopwright.task._data import DataFile
from loopwright.task._models import Task
from loopwright.task._variables import LITERAL_KEYS

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
    properties = schema["properties"]
    for name, value in properties.items():
        if name == "data":
            properties[name] = {"anyOf": [value, {"$ref": "#/$defs/DataFile"}], "description": "The data set."}
        elif name not in ("version", "name"):
            properties[name] = _with_include(_loose(value) if name not in LITERAL_KEYS else value)
    for name in ("AgentOptions", "BudgetOptions", "CapOptions", "LoopOptions", "MatrixOptions", "SandboxOptions"):
        nested = definitions[name]["properties"]
        definitions[name]["properties"] = {key: _loose(value) for key, value in nested.items()}
    return schema


def _with_include(value: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [value, {"$ref": "#/$defs/Include"}]}


def _loose(value: dict[str, Any]) -> dict[str, Any]:
    """A schema that takes a variable too, where it does not take any text already."""
    if "$ref" in value or value.get("type") in ("object", "array") or value == {"type": "string"}:
        return value
    return {"anyOf": [value, _VARIABLE]}
