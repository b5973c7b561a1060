"""The shape of a run's configuration, as far as readers look into it: somebody else may have written it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

# What a task may say is checked where a run goes on: records of other versions may hold more, or less.


class _Record(BaseModel):
    id: Any
    vars: Mapping[str, Any] = {}


class _Task(BaseModel):
    name: str
    environment: Mapping[str, Any] = {}
    agents: Mapping[str, Any] = {}
    models: Mapping[str, Any] = {}
    data: tuple[_Record, ...] = ()


class ConfigShape(BaseModel):
    """What readers of a record rely on."""

    tasks: tuple[_Task, ...] = ()
    files: tuple[Any, ...] = ()
    models: tuple[Any, ...] = ()
    regrade: Mapping[str, Any] | None = None
    endpoints: Mapping[str, Any] = {}
    budget: Mapping[str, Any] | None = None
