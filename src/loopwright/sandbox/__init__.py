"""Isolated machines in which untrusted code runs."""

from loopwright.sandbox._colocation import Colocated, ColocatingProvider, OpenedThere, colocated
from loopwright.sandbox._doctor import Diagnosis, doctor
from loopwright.sandbox._gc import gc
from loopwright.sandbox._open import open_provider
from loopwright.sandbox._owners import Found
from loopwright.sandbox._pool import Pool, PoolStats
from loopwright.sandbox._types import Change, Completed, Limits, Output, Process, Sandbox, SandboxProvider, SandboxSpec
from loopwright.sandbox.docker._provider import default_image
from loopwright.sandbox.host._program import GuestLost, GuestProgram
from loopwright.types import Control, ControlState

__all__ = [
    "Change",
    "Colocated",
    "ColocatingProvider",
    "Completed",
    "Control",
    "ControlState",
    "Diagnosis",
    "Found",
    "GuestLost",
    "GuestProgram",
    "Limits",
    "OpenedThere",
    "Output",
    "Pool",
    "PoolStats",
    "Process",
    "Sandbox",
    "SandboxProvider",
    "SandboxSpec",
    "colocated",
    "default_image",
    "doctor",
    "gc",
    "open_provider",
]
