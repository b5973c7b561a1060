"""Isolated machines in which untrusted code runs."""

from loopwright.sandbox._open import open_provider
from loopwright.sandbox._types import (
    Change,
    Completed,
    Control,
    ControlState,
    Limits,
    Output,
    Process,
    Sandbox,
    SandboxProvider,
    SandboxSpec,
)

__all__ = [
    "Change",
    "Completed",
    "Control",
    "ControlState",
    "Limits",
    "Output",
    "Process",
    "Sandbox",
    "SandboxProvider",
    "SandboxSpec",
    "open_provider",
]
