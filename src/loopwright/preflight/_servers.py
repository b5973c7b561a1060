"""Checks what a task asks for by `mcp_servers`, without starting any."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator

from loopwright.agents import AgentRole, ModelAgent
from loopwright.errors import TaskError, UserError
from loopwright.loop import traits_of
from loopwright.mcp_tools import needs_mcp
from loopwright.plan import PlannedEpisode, ResolvedComponents
from loopwright.task import Task


def check_servers(task: Task) -> None:
    """Refuses servers that nobody could be offered tools of.

    Raises:
        MissingExtra: The package of the protocol is not installed.
        TaskError: The task asks every model in text.
    """
    if not task.mcp_servers:
        return
    needs_mcp()
    if task.loop.tools == "never":
        raise TaskError(
            "the tools of mcp_servers are offered as tools, and `loop.tools` is `never`",
            remedy="Leave out one of both.",
        )


def refuse_outside_servers(tasks: Iterable[Task]) -> None:
    """Refuses servers outside of the sandbox, for users who did not allow them: anybody may have sent a task file.

    Raises:
        UserError: A task names one.
    """
    for task in tasks:
        for name, options in task.mcp_servers.items():
            if options.outside:
                what = f"asks {options.url} from" if options.url else f"starts {shlex.join(options.command)} on"
                raise UserError(
                    f"mcp_servers.{name} of the task {task.name!r} {what} this machine, outside of the sandbox",
                    remedy="If you trust the task, allow that with --trust-sandbox.",
                )


def server_notes(episode: PlannedEpisode, cast: ResolvedComponents) -> Iterator[str]:
    """Says where servers are of no use to who plays."""
    task = episode.task
    if not task.mcp_servers:
        return
    proposer: object = cast.agents[AgentRole.PROPOSER]
    if not traits_of(cast.strategy).acts:
        yield f"{task.name}: mcp_servers: {episode.strategy} offers no tools; strategies that act do, such as react"
    elif not isinstance(proposer, ModelAgent) or proposer.tool_prompt is None:
        yield f"{task.name}: mcp_servers: the proposer offers no tools; a card with a `tool_prompt` does, such as actor"
