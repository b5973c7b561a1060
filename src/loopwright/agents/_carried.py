"""Python that a reply carries in another form than a code block: JSON, a notebook, tags of tools, a patch."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from loopwright.replies import defined_names, is_python, outermost_json, program_lines, repaired_python

_MUCH = 400_000
"""Characters of the longest reply that is looked through."""
_MOST = 100
"""Bodies of a form that are looked at: in a flood of them stands no single program."""
_DEEPEST = 20
"""How deep strings stand in JSON."""
_NEAR = 200
"""Characters around a body that are read for whether it stands in a sentence, and for its file."""
_PATHS = ("path", "file_path", "filepath", "filename", "file_name", "file", "target_file")
_BODIES = frozenset({"content", "contents", "code", "file_text", "file_content", "source", "text", "body"})
_FILE = re.compile(r"[\w./-]{1,200}\.[a-z]\w{0,9}")
_OPENING = re.compile(
    r"<(?P<tag>content|file_text|file_content|antArtifact|"
    r"parameter(?==(?:content|code|file_text)\b| name=\"(?:content|code|file_text)\"))(?P<said>[ =][^>\n]{0,300})?>"
    r"|<\|(?P<token>python_tag)\|>",
    re.IGNORECASE,
)
_NAME = "|".join(_PATHS)
_NAMED = re.compile(
    rf"<(?:{_NAME}|parameter(?:=| name=\")(?:{_NAME})\"?)>\s{{0,9}}(?P<path>[\w./-]{{1,200}})\s{{0,9}}</", re.IGNORECASE
)
_TITLE = re.compile(r"\b(?:title|path|file(?:name)?)=\"(?P<path>[\w./-]{1,200}\.\w{1,9})\"", re.IGNORECASE)
_CALL_ENDS = re.compile(r"</(?:write_to_file|create_file|write_file|invoke|function|tool_call|file)>", re.IGNORECASE)
_ADDED = re.compile(r"^\*\*\* Add File: (?P<path>.*)\n(?P<lines>(?:\+.*\n?)+)", re.MULTILINE)
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|#\d{1,6}|#x[0-9a-f]{1,6});", re.IGNORECASE)

_Bodies = Iterator[tuple[str, str]]
"""Each with the path that its form names, or an empty one."""


def carried_files(reply: str, entry: str, clean: Callable[[str], str]) -> Mapping[str, str]:
    """The files in the first form that holds a program: JSON and notebooks, tags and parameters of tools, patches.

    A body that is named otherwise than the entry, or that defines nothing but tests, is no program. In a sentence
    stands a sample, and no answer.

    Args:
        reply: A reply without a block of Python, which came to its end.
        entry: The program's file.
        clean: Makes a path that the reply names one in the candidate's folder.

    Returns:
        The entry, and the files that the form names otherwise; nothing if the form holds several programs, or none.
    """
    text = reply.replace("\r\n", "\n")
    for form in (_in_json, _in_tags, _in_patches) if len(text) <= _MUCH else ():
        found = list(form(text))
        if sum(_may_define(body) for _, body in found) > _MOST:
            break
        bodies = dict.fromkeys((clean(path) if path else "", _repaired(body)) for path, body in found)
        defining = {(path, body): names for path, body in bodies if (names := _names(body))}
        programs = [
            body
            for (path, body), names in defining.items()
            if path in ("", entry) and not all(name.startswith(("test_", "Test")) for name in names)
        ]
        if len(programs) == 1:
            return {path: body for path, body in bodies if _FILE.fullmatch(path)} | {entry: programs[0]}
        if defining:
            break
    return {}


def unescaped(body: str) -> str:
    """A body without HTML's entities, if it is written with them: it holds no bare `<` and `&` beside them."""
    if not _ENTITY.search(body) or ("<" in (rest := _ENTITY.sub("", body)) or "&" in rest):
        return body
    return code if is_python(code := html.unescape(body)) else body


def _repaired(body: str) -> str:
    return repaired_python(body) if _may_define(body) else body


def _names(body: str) -> frozenset[str]:
    return defined_names(body) if _may_define(body) else frozenset()


def _may_define(body: str) -> bool:
    return "def " in body or "class " in body


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether nothing but marks and tags stands beside a part of a text on its lines."""
    before = text[max(0, start - _NEAR) : start].rpartition("\n")[2].strip(" \t`")
    after = text[end : end + _NEAR].partition("\n")[0].strip(" \t`")
    return all(not words or words.startswith("<") for words in (before, after))


def _in_json(text: str) -> _Bodies:
    for start, end, value in outermost_json(text):
        if _stands_alone(text, start, end):
            yield from _strings(value)


def _strings(value: Any, path: str = "", deep: int = 0) -> _Bodies:
    if isinstance(value, str):
        yield path, value
        if value[:1] in ("{", "[") and deep < _DEEPEST:  # arguments of a call are often JSON in JSON
            try:
                yield from _strings(json.loads(value), path, deep + 1)
            except (ValueError, RecursionError):
                return
    elif isinstance(value, Mapping) and isinstance(value.get("cells"), list):
        sources = (cell.get("source") for cell in value["cells"] if _is_code(cell))
        yield path, "\n".join(one if isinstance(one, str) else "".join(map(str, one or ())) for one in sources)
    elif isinstance(value, Mapping) and deep < _DEEPEST:
        named = next((value[key] for key in _PATHS if isinstance(value.get(key), str)), "")
        for key, one in value.items():
            if not (named and isinstance(one, str) and key not in _BODIES):
                yield from _strings(one, named or (key if _FILE.fullmatch(key) else path), deep + 1)
    elif isinstance(value, list) and deep < _DEEPEST:
        for one in value:
            yield from _strings(one, path, deep + 1)


def _is_code(cell: object) -> bool:
    return isinstance(cell, Mapping) and cell.get("cell_type") == "code" and isinstance(cell.get("source"), str | list)


def _in_tags(text: str) -> _Bodies:
    at = 0
    while found := _OPENING.search(text, at):
        closing = r"<\|" if found["token"] else f"</{found['tag']}>"
        closed = re.compile(closing, re.IGNORECASE).search(text, found.end())
        end, after = closed.span() if closed else (len(text), len(text))
        if _stands_alone(text, found.start(), found.start()):
            yield _path_beside(text, found, at, after), unescaped(text[found.end() : end].strip("\n") + "\n")
        at = after


def _path_beside(text: str, tag: re.Match[str], last: int, after: int) -> str:
    """The file that a tag names, or one of the same call before or after its body."""
    before = _CALL_ENDS.split(text[max(last, tag.start() - _NEAR) : tag.start()])[-1]
    behind = _CALL_ENDS.split(text[after : after + _NEAR], maxsplit=1)[0]
    places = (_TITLE.search(tag["said"] or ""), *(_NAMED.search(place) for place in (before, behind)))
    return next((found["path"] for found in places if found), "")


def _in_patches(text: str) -> _Bodies:
    for found in _ADDED.finditer(text):
        yield found["path"].strip(), "".join(f"{line[1:]}\n" for line in program_lines(found["lines"].rstrip("\r\n")))
