"""What a model's reply asks an environment to do."""

from __future__ import annotations

import re

from loopwright.replies import code_blocks, language_of

_INLINE = re.compile(r"`{3,}(?P<body>[^`]+)`{3,}")
_PUBLISHED_FENCE = re.compile(
    r"^[ \t]*(?P<fence>```|~~~)[^\n`]*\n(?P<body>.*?)(?:^[ \t]*(?P=fence)[ \t]*$|\Z)", re.MULTILINE | re.DOTALL
)
_PUBLISHED_INLINE = re.compile(r"```(?:[a-z]+\s)?(?P<body>[^`]+)```", re.DOTALL)
_LANGUAGES = frozenset({"python", "shell", "sql", "console", "text"})
_FILE_OR_OPTION = re.compile(r"-|[\w~-]*[./][\w./-]*(?:\s|$)")
_LABEL = re.compile(r"^\s*(?:action|command|bash|shell|sql|python|execute)\s*:\s*", re.IGNORECASE)
_EXECUTE = re.compile(r"execute\[(?P<body>.*)\]", re.DOTALL)
_ACTION = re.compile(r"[ \t]*action(?:[ \t]*\d+)?[ \t]*:", re.IGNORECASE)
_THOUGHT = re.compile(r"[ \t]*thoughts?(?:[ \t]*\d+)?[ \t]*:", re.IGNORECASE)
_SUBMIT = re.compile(r"submit(?:[ \t]*[.;!]?|(?P<said>[ \t(:].*))", re.IGNORECASE)
_QUOTES = "`*'\""


def action_of(reply: str, language: str = "") -> str:
    """The action in a reply: its first fenced block with something in it, what stands after `Action:`, or all of it.

    Without a block or `Action:`, a first line `Thought:` is left out, and so are words around a line that ends the
    episode.

    Args:
        reply: The model's text, without its reasoning.
        language: The language of blocks that name none, as `loopwright.replies.language_of` tells it.
    """
    for block in code_blocks(reply, language=language):
        if block.body.strip():
            return block.body.strip()
    if found := _INLINE.search(reply):
        return _without_language(found["body"].strip())
    text, thought = _without_thought(reply.strip())
    if executed := _EXECUTE.search(text):
        return executed["body"].strip()
    return _ending(text, thought=thought) or _LABEL.sub("", text).strip()


def _without_language(code: str) -> str:
    """Code between backticks on one line, without a language before it; `python solve.py` is a command."""
    word, *rest = code.split(maxsplit=1) or [""]
    if rest and language_of(word) in _LANGUAGES and not _FILE_OR_OPTION.match(rest[0]):
        return rest[0]
    return code


def submission(command: str) -> str | None:
    """What an action submits: `submit add`, and as models write it as well: `submit(add)`, `Submit: "add"`.

    Returns:
        Nothing for `submit` alone; None for another action.
    """
    found = _SUBMIT.fullmatch(_unquoted(command))
    if found is None:
        return None
    said = (found["said"] or "").removeprefix(":").strip()
    if said.startswith("(") and said.endswith(")"):
        said = said[1:-1]
    return _unquoted(said)


def _unquoted(text: str) -> str:
    text = text.strip()
    while len(text) > 1 and text[0] == text[-1] and text[0] in _QUOTES:
        text = text[1:-1].strip()
    return text


def _without_thought(text: str) -> tuple[str, bool]:
    """What follows the first `Action:`, else the line `Thought:`; and whether a thought was taken off."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if found := _ACTION.match(line):
            return "\n".join([line[found.end() :], *lines[number + 1 :]]).strip(), True
    if len(lines) > 1 and _THOUGHT.match(lines[0]):
        return "\n".join(lines[1:]).strip(), True
    return text, False


def _ending(text: str, *, thought: bool) -> str:
    """The line that ends the episode, where words stand around it that are no action; empty where there is none."""
    lines = text.split("\n")
    found = [lines[0]]
    if thought or (len(lines) > 1 and not lines[-2].strip()):
        found.append(lines[-1])
    return next((_unquoted(line) for line in found if submission(line) is not None or _unquoted(line) == "skip"), "")


def code_block(reply: str) -> str | None:
    """What stands in the first fenced block of a reply as published code finds it; None without one."""
    found = _PUBLISHED_FENCE.search(reply) or _PUBLISHED_INLINE.search(reply)
    return found["body"] if found else None
