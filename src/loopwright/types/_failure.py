"""Failures: why something has no result."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict


class Failure(BaseModel):
    """Why an episode has no score, or a call no result."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cause: str = ""
    """A value of `loopwright.errors.Cause`: who or what failed."""
    error: str = ""
    """Class name of what was raised."""
    message: str = ""
    """What the error said, its remedy below it; a traceback where it was a defect."""

    @property
    def line(self) -> str:
        """One line: what was raised, and the remedy after it."""
        lines = self.message.strip().splitlines() or [self.error]
        if lines[0].startswith("Traceback "):
            own = re.compile(rf"(\S+\.)?{re.escape(self.error)}(:|$)")
            return next((line for line in reversed(lines) if own.match(line)), self.error)
        remedy = lines[-1] if len(lines) > 1 and lines[-1].startswith("  ") else ""
        end = "" if not remedy or lines[0].rstrip().endswith((".", "!", "?", ":")) else "."
        return f"{lines[0].rstrip()}{end} {remedy.strip()}".rstrip()
