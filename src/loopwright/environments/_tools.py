"""Actions as tools: what a model is offered in place of a code block, and the action that a call of it is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from loopwright.project import parse_json
from loopwright.replies import code_blocks, language_of
from loopwright.types import Tool

EXECUTE, SUBMIT = "execute", "submit"
_FENCE = re.compile(r"`{3,}")
_TOOL_CALL = re.compile(r"(?<!`)(?P<fence>`{3,}+)tool\n(?P<call>[^\n]*)\n(?P=fence)")


class ActionKind(BaseModel):
    """What an action of an environment is; environments of one's own say it in their public field `actions`."""

    model_config = ConfigDict(frozen=True)

    place: str = "an environment that executes actions"
    fence: str = "text"
    """The language of an action, as code blocks name it."""
    noun: str = "action"
    submits: str = ""
    """What a submission names, such as the flag; empty where the state itself is the answer."""
    answer: str = ""
    """What counts as the answer where a submission names none."""


_KINDS: Mapping[str, ActionKind] = {
    "bash": ActionKind(
        place="a Bash shell on Linux",
        fence="bash",
        noun="Bash command",
        answer="The output of your last command, and the files as you leave them, are the answer.",
    ),
    "sql": ActionKind(
        place="an SQL database",
        fence="sql",
        noun="SQL statement",
        answer="The rows of your last query are the answer.",
    ),
    "interpreter": ActionKind(
        place="a Python interpreter",
        fence="python",
        noun="piece of Python",
        submits="the name of the function that the task asks for, once it is defined and works",
    ),
    "ctf": ActionKind(
        place="a Bash shell in the folder of a capture-the-flag task",
        fence="bash",
        noun="Bash command",
        submits="the flag",
    ),
}


def action_tools(public: Mapping[str, Any], *, every_action_counts: bool) -> tuple[Tool, ...]:
    """The tools for an environment's actions: one that executes, and one that ends the episode.

    Args:
        public: The public fields of an instance.
        every_action_counts: Whether each action is graded, so that nothing is submitted but what has a name.
    """
    kind = _kind_of(public)
    noun = f"{kind.noun[0].lower()}{kind.noun[1:]}" if kind.noun[1:2].islower() else kind.noun
    execute = Tool(
        name=EXECUTE,
        description=f"Executes one {kind.noun} in {kind.place} and returns its output.",
        parameters=_schema("command", f"The {noun} alone, without a code block around it."),
    )
    if kind.submits:
        described = f"Submits an answer: {kind.submits}."
        return execute, Tool(
            name=SUBMIT, description=described, parameters=_schema("answer", f"{kind.submits.capitalize()}.")
        )
    if every_action_counts:
        return (execute,)
    described = f"Ends the task; call it when the task is solved. {kind.answer}".strip()
    return execute, Tool(name=SUBMIT, description=described, parameters=_schema())


def action_text(public: Mapping[str, Any], tool: str, argument: str) -> str:
    """The action that a call of a tool is, as a model writes it that is asked in text.

    Args:
        public: The public fields of the instance.
        tool: Which of the tools was called.
        argument: Its argument; empty where it takes none.
    """
    action = f"submit {argument}".rstrip() if tool == SUBMIT else argument
    inside = max((len(found) for found in _FENCE.findall(action)), default=2)
    fence = "`" * (inside + 1)
    return f"{fence}{_kind_of(public).fence}\n{action}\n{fence}"


def tool_call_text(tool: str, arguments: Mapping[str, Any]) -> str:
    """The action that is a call of a tool beside those of the environment."""
    call = json.dumps({"tool": tool, "arguments": arguments}, ensure_ascii=False)
    fence = "`" * (max((len(found) for found in _FENCE.findall(call)), default=2) + 1)
    return f"{fence}tool\n{call}\n{fence}"


def tool_call_of(text: str) -> tuple[str, Mapping[str, Any]] | None:
    """The tool and the arguments of such an action; None for any other."""
    found = _TOOL_CALL.fullmatch(text.strip())
    if found is None:
        return None
    try:
        call = parse_json(found["call"])
    except ValueError:
        return None
    known = isinstance(call, dict) and isinstance(call.get("tool"), str) and isinstance(call.get("arguments"), dict)
    return (call["tool"], call["arguments"]) if known else None


def told_action(public: Mapping[str, Any], text: str) -> str:
    """The text of a model that was offered tools and wrote its action instead, as if it had been asked in text.

    Args:
        public: The public fields of the instance.
        text: What the model wrote, without its reasoning.

    Returns:
        The text where it holds one code block in the language of actions and no other; else nothing.
    """
    language = language_of(_kind_of(public).fence)
    blocks = [block for block in code_blocks(text, language=language) if block.body.strip()]
    fits = len(blocks) == 1 and blocks[0].complete and blocks[0].language == language
    return text.strip() if fits else ""


def _kind_of(public: Mapping[str, Any]) -> ActionKind:
    kind = _KINDS.get(str(public.get("kind", "bash")), ActionKind())
    told = public.get("actions")
    if not isinstance(told, Mapping):
        return kind
    return kind.model_copy(update={name: str(told[name]) for name in ActionKind.model_fields if told.get(name)})


def _schema(argument: str = "", meaning: str = "") -> dict[str, Any]:
    properties = {argument: {"type": "string", "description": meaning}} if argument else {}
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }
