"""The task file as typed objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Instance(BaseModel):
    """One record of a task's data set, split into what agents may see and what they may not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    goal: str
    public: Mapping[str, Any] = {}
    """The environment's fields that agents may see: starting files, visible tests."""
    hidden: Mapping[str, Any] = {}
    """Hidden tests and gold answers: for `Environment.submit` alone."""


class EnvironmentSpec(BaseModel):
    """Which environment, and its fields for every instance."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str
    hidden: Mapping[str, Any] = {}


class SandboxOptions(BaseModel):
    """Isolation and limits; anything weaker than the default is written to the record."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: Literal["auto", "docker", "bubblewrap"] = "auto"
    image: str | None = None
    memory_mb: int = Field(default=512, gt=0)
    pids: int = Field(default=128, gt=0)
    cpus: float = Field(default=1.0, gt=0)
    scratch_mb: int = Field(default=64, gt=0)
    timeout: float = Field(default=30.0, gt=0)
    network: Literal["none", "host"] = "none"
    require: tuple[str, ...] | None = None
    """Controls without which the task does not run; None for the default list."""
