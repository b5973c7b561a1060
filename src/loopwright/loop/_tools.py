"""Tools beside the actions of an environment: what is offered, and how a call of one is carried out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from loopwright.candidate import Candidate
from loopwright.environments import Observation, action_tools, tool_call_of
from loopwright.loop._context import EpisodeContext
from loopwright.loop._program_calls import asked_hash
from loopwright.mcp_tools import Toolbox
from loopwright.models import Tool
from loopwright.store import CallKey

_EVERY_ACTION_COUNTS = frozenset({"again", "step"})
"""Styles in which each action is graded."""
_MOST_ARGUMENTS = 4 * 1024 * 1024
"""Characters of a call outside of the sandbox, whose arguments are recorded."""


async def offered(context: EpisodeContext, style: str) -> tuple[Tool, ...]:
    """What a model may call: the environment's actions, and the tools of servers as the episode first found them.

    Raises:
        ToolServerFailed: A server does not start, or does not answer as one.
    """
    if context.options.tools == "never":
        return ()
    actions = action_tools(context.known.public, every_action_counts=style in _EVERY_ACTION_COUNTS)
    return actions if context.toolbox is None else (*actions, *await _listed(context, context.toolbox))


async def _listed(context: EpisodeContext, toolbox: Toolbox) -> tuple[Tool, ...]:
    async def ask() -> Mapping[str, Any]:
        return {"tools": [tool.model_dump(mode="json") for tool in await toolbox.tools()]}

    key = CallKey(context.episode, 0, "tools", 0, "list")
    found = await context.store.once(key, ask, kind="other", repeatable=True, request={"list": "tools"})
    return tuple(Tool.model_validate(tool) for tool in found["tools"])


async def executed(context: EpisodeContext, candidate: Candidate) -> Observation:
    """Carries out an action: by the environment, or where it is a call of a tool, by the tool's server.

    A call outside of the sandbox is written ahead and made once.

    Raises:
        CallInDoubt: Such a call was begun before a crash, and what became of it is not known.
        ToolServerFailed: A server outside of the sandbox is gone.
        SandboxError: The sandbox was lost.
    """
    toolbox, call = context.toolbox, tool_call_of(candidate.text)
    if toolbox is None or call is None:
        return await context.environment.step(candidate)
    tool, arguments = call
    if not toolbox.is_outside(tool):
        return await toolbox.call(tool, arguments)
    if len(json.dumps(arguments)) > _MOST_ARGUMENTS:
        return Observation(text=f"The arguments have more than {_MOST_ARGUMENTS} characters; the tool was not called.")
    asked = {"tool": tool, "arguments": arguments}
    key = CallKey(context.episode, len(context.tree) - 1, "act", 0, asked_hash(asked))

    async def once() -> Mapping[str, Any]:
        return {"text": (await toolbox.call(tool, arguments)).text}

    done = await context.store.once(key, once, kind="other", repeatable=False, request=asked)
    return Observation(text=done["text"])


def calls_outside(context: EpisodeContext, candidate: Candidate | None) -> bool:
    """Whether an action is a call that acts outside of the sandbox."""
    call = tool_call_of(candidate.text) if candidate else None
    return context.toolbox is not None and call is not None and context.toolbox.is_outside(call[0])


def answer_of(context: EpisodeContext, candidate: Candidate) -> Candidate:
    """What an environment grades: an action of its own, or where the last one called a tool, the state alone."""
    called = context.toolbox is not None and tool_call_of(candidate.text) is not None
    return Candidate() if called else candidate
