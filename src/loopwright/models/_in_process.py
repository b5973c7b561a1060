"""Models that compute in this process."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class InProcess(Protocol):
    """Optional, of a model: it computes in this process. So it may as well be opened by its name in another one."""

    @property
    def in_process(self) -> bool:
        """Whether it does."""
        ...
