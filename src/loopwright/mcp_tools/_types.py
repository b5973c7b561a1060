"""What a loop knows of tools beside the actions of its environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from loopwright.types import Observation, Tool


class Toolbox(Protocol):
    """The tools of one episode."""

    async def tools(self) -> tuple[Tool, ...]:
        """What there is; servers are started when this is first asked.

        Raises:
            ToolServerFailed: A server does not start, or does not answer as one.
        """
        ...

    def is_outside(self, tool: str) -> bool:
        """Whether a call acts outside of the sandbox, so that it is not made once more to come to a state again."""
        ...

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> Observation:
        """Calls a tool. What goes wrong in the tool or by its arguments is told in the observation.

        Raises:
            ToolServerFailed: A server outside of the sandbox is gone.
            SandboxError: The sandbox was lost.
        """
        ...

    async def close(self) -> None:
        """Ends all servers; harmless when called twice."""
        ...
