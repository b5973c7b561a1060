"""How a command ended."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended."""

    output: bytes
    """stdout and stderr in the order they were written."""
    ok: bool
    """Whether it ended by itself with status 0."""
    exit_code: int = 0
    timed_out: bool = False

    @property
    def text(self) -> str:
        """The output as UTF-8, bad bytes replaced."""
        return self.output.decode("utf-8", "replace")
