"""What a model's reply asks an environment to do."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from loopwright.replies import code_blocks, language_of

_INLINE = re.compile(r"(?<!`)`{3,}+(?P<body>[^`]++)`{3,}")
_PUBLISHED_FENCE = re.compile(
    r"^[ \t]*(?P<fence>```|~~~)[^\n`]*\n(?P<body>.*?)(?:^[ \t]*(?P=fence)[ \t]*$|\Z)", re.MULTILINE | re.DOTALL
)
_PUBLISHED_INLINE = re.compile(r"```(?:[a-z]+\s)?(?P<body>[^`]+)```", re.DOTALL)
_LANGUAGES = frozenset({"python", "shell", "sql", "console", "text"})
_FILE_OR_OPTION = re.compile(r"-|[\w~-]*[./][\w./-]*(?:\s|$)")
_LABEL = re.compile(r"^\s*(?:action|command|bash|shell|sql|python|execute)\s*:\s*", re.IGNORECASE)
_EXECUTE = re.compile(r"execute\[")
_BOLD = r"[*_]{0,2}"
_ACTION = re.compile(rf"[ \t]*{_BOLD}action(?:[ \t]*\d+)?{_BOLD}[ \t]*:{_BOLD}", re.IGNORECASE)
_INPUT = re.compile(rf"^[ \t]*{_BOLD}action[ \t]+input{_BOLD}[ \t]*:{_BOLD}", re.IGNORECASE | re.MULTILINE)
_THOUGHT = re.compile(rf"[ \t]*{_BOLD}thoughts?(?:[ \t]*\d+)?{_BOLD}[ \t]*:", re.IGNORECASE)
_OBSERVATION = re.compile(rf"^[ \t]*{_BOLD}observation(?:[ \t]*\d+)?{_BOLD}[ \t]*:", re.IGNORECASE | re.MULTILINE)
_CODE_SPAN = re.compile(r"(`{1,2})(?P<code>[^`\n]+)\1")
_TAG = re.compile(
    r"^[ \t]*<(?P<tag>tool_call|command|(?:execute_)?(?:bash|shell|sql|python|ipython)|execute)>", re.MULTILINE
)
_COMMANDS = ("command", "cmd", "code", "query", "sql")
"""What tools call the argument that is executed."""
_CONSOLES = frozenset({"console", "shell-session", "shellsession", "sh-session", "terminal"})
_DOCUMENT = re.compile(r"<<-?[ \t]*(?P<quote>['\"]?)(?P<end>\w+)(?P=quote)")
_OPEN_END = re.compile(r"(?:\\|\||&&)$")
"""What a line ends with that the next one belongs to."""
_OPEN_BLOCK = re.compile(r"(?:\{|\(|\b(?:do|then|in))$")
_CLOSED = re.compile(r"(?:done|fi|esac|\}|\))")
"""What a block ends with, without blanks before it: those inside of it are indented."""
_MOVED = re.compile(r"\$ cd(?:[ \t]+(?!-)[^\s|;&<>$]+)?\n(?P<more>[A-Za-z_.~/](?![\w./-]*: )(?:(?!\n\$ )[\s\S])*)")
"""A console with one prompt, behind which a change of the folder was typed: it prints nothing but complaints."""
_SENTENCE = re.compile(r"[^\W\d_a-z](?=[^ ]* )[^`$|;&=<>]*\w[.!:]")
_SUBMIT = re.compile(r"submit(?:[ \t]*[.;!]?|(?P<said>[ \t(:].*))", re.IGNORECASE)
_QUOTES = "`*'\""


def action_of(reply: str, language: str = "") -> str:
    """The action in a reply: its first fenced block with something in it, what stands after `Action:`, or all of it.

    Without a block or `Action:`, a first line `Thought:` is left out, and so are words around a line that ends the
    episode. Tags such as `<bash>` and `<tool_call>`, backticks around all of the action and the prompts of a console
    are taken off. What a model imagines after its action, from a line `Observation:` on, is left out.

    Args:
        reply: The model's text, without its reasoning.
        language: The language of blocks that name none, as `loopwright.replies.language_of` tells it.
    """
    reply = _without_observations(reply, language)
    for block in code_blocks(reply, language=language):
        if block.body.strip():
            body = block.body.strip()
            shell = (block.language or language) == "shell"
            return _typed(body) if shell or block.info.lower() in _CONSOLES else body
    if found := _INLINE.search(reply):
        return _without_language(found["body"].strip())
    text, thought = _without_thought(reply.strip())
    if executed := _EXECUTE.search(text, 0, max(text.rfind("]"), 0)):
        return _bracketed(text[executed.end() :]).strip()
    if (tagged := _tagged(text)) is not None:
        return tagged
    if (span := _CODE_SPAN.match(text)) and (span.end() == len(text) or (thought and text[span.end()] == "\n")):
        return span["code"].strip()
    return _ending(text, thought=thought) or _LABEL.sub("", text).strip()


def _without_observations(reply: str, language: str) -> str:
    """What stands before an imagined observation in a reply that has an action before it, outside of code."""
    if not _OBSERVATION.search(reply):
        return reply
    blocks = [(block.start, block.end) for block in code_blocks(reply, language=language)]
    for found in _OBSERVATION.finditer(reply):
        at = found.start()
        if any(start <= at < end for start, end in blocks):
            continue
        before = reply[:at]
        acts = any(end <= at for _, end in blocks) or any(
            label.match(line) for line in before.split("\n") for label in (_ACTION, _THOUGHT)
        )
        return before if acts else reply
    return reply


def _typed(session: str) -> str:
    """What was typed in a console: the lines after its prompts, and those that belong to them.

    What stands behind the one prompt of a session and `cd`, which prints nothing, was typed as well.
    """
    if _MOVED.fullmatch(session):
        return session.removeprefix("$ ")
    lines = session.split("\n")
    if not lines[0].startswith("$ "):
        return session
    typed: list[str] = []
    at = 0
    while at < len(lines):
        if not lines[at].startswith("$ "):
            at += 1
            continue
        line, at = lines[at][2:], at + 1
        end = _end_of_prompted(lines, at)
        more = [one[2:] for one in lines[at:end]]
        if not more:
            end = _end_of_typed(line, lines, at)
            more = lines[at:end]
        typed += [line, *more]
        at = end
    return "\n".join(typed).strip()


def _end_of_prompted(lines: Sequence[str], at: int) -> int:
    """Where the lines after `> ` end, with which a shell asks for more."""
    while at < len(lines) and lines[at].startswith("> "):
        at += 1
    return at


def _end_of_typed(line: str, lines: Sequence[str], at: int) -> int:
    """Where the lines end that belong to one without a prompt of theirs: a document, a block, or after an open end."""
    if document := _DOCUMENT.search(line):
        return next((end + 1 for end in range(at, len(lines)) if lines[end].strip() == document["end"]), len(lines))
    if _OPEN_BLOCK.search(line):
        return next((end + 1 for end in range(at, len(lines)) if _CLOSED.match(lines[end])), len(lines))
    while at < len(lines) and _OPEN_END.search(line):
        line, at = lines[at], at + 1
    return at


def _bracketed(text: str) -> str:
    """What stands before the bracket that closes the first one: outside of quotes, else anywhere, else the last."""
    for quotes in ("'\"", ""):
        depth, quoted = 1, ""
        for at, letter in enumerate(text):
            if quoted:
                quoted = "" if letter == quoted else quoted
            elif letter in quotes:
                quoted = letter
            else:
                depth += (letter == "[") - (letter == "]")
            if not depth:
                return text[:at]
    return text[: text.rindex("]")]


def _tagged(text: str) -> str | None:
    """What stands between tags such as `<bash>` at the beginning or after a sentence; None where there are none."""
    found = _TAG.search(text)
    if found is None or text[: found.start()].rstrip()[-1:] not in ("", ".", ":", "!"):
        return None
    body = text[found.end() :].partition(f"</{found['tag']}>")[0].strip()
    return _called(body) if found["tag"] == "tool_call" else body


def _called(text: str) -> str:
    """The action that a call of a tool in JSON is; the text itself where it is no such call."""
    try:
        call = json.loads(text)
        arguments = call["arguments"] if "arguments" in call else call["parameters"]
        if isinstance(arguments, str):
            arguments = json.loads(arguments)
        said = [value for value in arguments.values() if isinstance(value, str)]
        # An editor's `command` with a `path` is none of a shell.
        names = () if "path" in arguments else _COMMANDS
        named = [arguments[name] for name in names if isinstance(arguments.get(name), str)]
        if call["name"] == "submit":
            return " ".join(["submit", *said])
        return said[0] if len(said) == 1 else named[0] if len(named) == 1 else text
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return text


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
    first, last = 0, len(text) - 1  # Places, as a flood of pairs would be copied once for each of them.
    while True:
        while first <= last and text[first].isspace():
            first += 1
        while first <= last and text[last].isspace():
            last -= 1
        if first >= last or text[first] != text[last] or text[first] not in _QUOTES:
            return text[first : last + 1]
        first, last = first + 1, last - 1


def _without_thought(text: str) -> tuple[str, bool]:
    """What follows the first `Action:`, else the line `Thought:`; and whether a thought was taken off."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if found := _ACTION.match(line):
            return _given("\n".join([line[found.end() :], *lines[number + 1 :]]).strip()), True
    if len(lines) > 1 and _THOUGHT.match(lines[0]):
        return "\n".join(lines[1:]).strip(), True
    return text, False


def _given(text: str) -> str:
    """What `Action Input:` gives to the tool that `Action:` names; without it, what stands after `Action:`."""
    found = _INPUT.search(text)
    if found is None:
        return text
    given = text[found.end() :].strip()
    return f"submit {given}".strip() if text[: found.start()].strip().lower() == "submit" else given


def _ending(text: str, *, thought: bool) -> str:
    """The line that ends the episode, where words stand around it that are no action; empty where there is none."""
    lines = text.split("\n")
    found = [lines[0]]
    if thought or (len(lines) > 1 and (not lines[-2].strip() or _SENTENCE.fullmatch(lines[-2].strip()))):
        found.append(lines[-1])
    return next((_unquoted(line) for line in found if submission(line) is not None or _unquoted(line) == "skip"), "")


def code_block(reply: str) -> str | None:
    """What stands in the first fenced block of a reply as published code finds it; None without one."""
    found = _PUBLISHED_FENCE.search(reply) or _PUBLISHED_INLINE.search(reply)
    return found["body"] if found else None
