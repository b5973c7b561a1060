"""What a model's reply asks an environment to do."""

from __future__ import annotations

import re

_FENCE = re.compile(
    r"^[ \t]*(?P<fence>```|~~~)[^\n`]*\n(?P<body>.*?)(?:^[ \t]*(?P=fence)[ \t]*$|\Z)", re.MULTILINE | re.DOTALL
)
_INLINE = re.compile(r"```(?:[a-z]+\s)?(?P<body>[^`]+)```", re.DOTALL)
_LABEL = re.compile(r"^\s*(?:action|command|bash|shell|sql|python|execute)\s*:\s*", re.IGNORECASE)
_EXECUTE = re.compile(r"execute\[(?P<body>.*)\]", re.DOTALL)
_THOUGHT = re.compile(r"^.*?^\s*action(?:\s*\d+)?\s*:", re.IGNORECASE | re.MULTILINE | re.DOTALL)


def action_of(reply: str) -> str:
    """The action in a reply: its first fenced block, what stands after `Action:`, or the whole of it."""
    block = code_block(reply)
    if block is not None:
        return block.strip()
    text = _THOUGHT.sub("", reply, count=1)
    if executed := _EXECUTE.search(text):
        return executed["body"].strip()
    return _LABEL.sub("", text).strip()


def code_block(reply: str) -> str | None:
    """What stands in the first fenced block of a reply; None without one."""
    found = _FENCE.search(reply) or _INLINE.search(reply)
    return found["body"] if found else None
