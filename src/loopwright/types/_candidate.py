"""The candidate: what a proposer made."""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class Candidate(BaseModel):
    """What a proposer made, in whichever of the three forms its environment takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = ""
    """An answer, or an action such as a shell command or an SQL statement."""
    files: Mapping[str, str] = {}
    """Relative POSIX path to content."""
    artifacts: Mapping[str, str] = {}
    """Name to artifact reference (sha256), for bytes such as images or predictions."""
    made: Mapping[str, JsonValue] = Field(default={}, exclude_if=operator.not_)
    """How it was made, for programs such as policies and reports; it does not make a candidate another one."""

    @property
    def digest(self) -> str:
        """sha256 of the text, files and artifacts, whatever order those are in; equal candidates have equal digests.

        Records hold it, so the text that is hashed, a Python literal, stays as it is.
        """
        canonical = {
            "artifacts": dict(sorted(self.artifacts.items())),
            "files": dict(sorted(self.files.items())),
            "text": self.text,
        }
        return hashlib.sha256(repr(canonical).encode("utf-8", "surrogatepass")).hexdigest()
