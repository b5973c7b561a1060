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
    found = _FENCE.search(reply) or _INLINE.search(reply)
    if found:
        return found["body"].strip()
    text = _THOUGHT.sub("", reply, count=1)
    if executed := _EXECUTE.search(text):
        return executed["body"].strip()
    return _LABEL.sub("", text).strip()


def legacy_action(reply: str) -> str:
    """The same as the published experiments do it for shells: fenced commands in lower case on one line.

    A command between tildes is a recorded one, on which that was done already.
    """
    if reply.startswith("~~~\n"):
        return reply.removeprefix("~~~\n").removesuffix("\n~~~")
    found = _FENCE.search(reply) or _INLINE.search(reply)
    return " ".join(found["body"].lower().split()) if found else reply.strip()
