"""Hardening controls of sandboxes, and what was read back of each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Control(StrEnum):
    """A hardening control. All are on unless the spec loosens them."""

    NETWORK = "network"
    CAPABILITIES = "capabilities"
    NO_NEW_PRIVILEGES = "no_new_privileges"
    SECCOMP = "seccomp"
    PIDS = "pids"
    MEMORY = "memory"
    CPU = "cpu"
    READ_ONLY_ROOT = "read_only_root"
    UNPRIVILEGED_USER = "unprivileged_user"
    INIT = "init"


REQUIRED_CONTROLS = frozenset(Control) - {Control.MEMORY, Control.CPU, Control.PIDS}
"""Controls without which nothing runs, unless a task says otherwise. The three left out need cgroups or Docker."""


@dataclass(frozen=True, slots=True)
class ControlState:
    """What the self-check inside a sandbox read back for one control."""

    control: Control
    in_force: bool
    evidence: str
    """The value that was read, e.g. `CapEff 0000000000000000`."""
    remedy: str = ""
    """What would put the control in force on this machine; empty where it is."""
