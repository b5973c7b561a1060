"""Python that a reply carries in another form than a code block: JSON, a notebook, tags of tools, a patch."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from itertools import count, islice
from textwrap import dedent
from typing import Any

from loopwright.replies import defined_names, outermost_json, read_edits, repaired_python

_MOST = 20
"""Texts that are looked at in each form, the last ones: a flood of them must not cost minutes."""
_MUCH = 400_000
"""Characters of a reply that are looked at, the last ones."""
_OPENING = re.compile(
    r"<(?P<tag>content|file_text|file_content|new_str|code|pre|python|answer|solution|antArtifact|"
    r"parameter(?==(?:content|code|file_text)\b| name=\"(?:content|code|file_text)\"))(?:[ =][^>\n]{0,300})?>"
    r"|<\|(?P<token>python_tag)\|>",
    re.IGNORECASE,
)
_ADDED = re.compile(r"^\*\*\* Add File: .*\n(?P<lines>(?:\+.*\n?)+)", re.MULTILINE)
_NUMBERED = re.compile(r"[ \t]*(?P<number>\d{1,5})(?:[ \t]?[:|.)\u2502]|\t| (?= |$))[ \t]?(?P<line>.*)")
_FENCED = re.compile(r"^[ \t]*(?:```|~~~)[^\n]*\n(?P<body>.*?)(?:^[ \t]*(?:```|~~~)|\Z)", re.MULTILINE | re.DOTALL)
_TYPED = str.maketrans({"\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'"})
_SENTENCE = re.compile(r"^[A-Z][\w']*(?: [^\n]*)?[.:!?]$", re.MULTILINE)


def carried_program(reply: str) -> str:
    """The last program in the first form that holds one; empty where there is none.

    These are strings in JSON, cells of a notebook, what stands between tags such as `<content>` and in parameters of
    tool calls, files that a patch adds, edits of nothing, lines behind numbers, lines that are indented, and blocks
    with quotation marks of typography or with words at their end.
    """
    text = reply[-_MUCH:].replace("\r\n", "\n")
    for form in (_in_json, _in_tags, _in_patches, _in_edits, _in_lines, _indented):
        programs = [code for body in list(form(text))[-_MOST:] if defined_names(code := repaired_python(body))]
        if programs:
            return programs[-1]
    return ""


def _in_json(text: str) -> Iterator[str]:
    for _, _, value in outermost_json(text):
        yield from _strings(value)


def _strings(value: Any, deep: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        if value[:1] in "{[" and deep < _MOST:  # arguments of a call are often JSON in JSON
            try:
                yield from _strings(json.loads(value), deep + 1)
            except (ValueError, RecursionError):
                return
    elif isinstance(value, Mapping) and isinstance(value.get("cells"), list):
        sources = (cell.get("source") for cell in value["cells"] if _is_code(cell))
        yield "\n".join(source if isinstance(source, str) else "".join(map(str, source or ())) for source in sources)
    elif isinstance(value, Mapping | list) and deep < _MOST:
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _strings(one, deep + 1)


def _is_code(cell: object) -> bool:
    return isinstance(cell, Mapping) and cell.get("cell_type") == "code" and isinstance(cell.get("source"), str | list)


def _in_tags(text: str) -> Iterator[str]:
    lower = text.lower()
    for found in list(_OPENING.finditer(text))[-_MOST:]:
        end = lower.find("<|" if found["token"] else f"</{found['tag'].lower()}>", found.end())
        body = text[found.end() : end if end >= 0 else len(text)].strip("\n") + "\n"
        yield html.unescape(body)
        yield body


def _in_patches(text: str) -> Iterator[str]:
    for found in _ADDED.finditer(text):
        yield "".join(f"{line[1:]}\n" for line in found["lines"].splitlines())


def _in_edits(text: str) -> Iterator[str]:
    return (edit.replace for edit in read_edits(text) if not edit.search.strip())


def _in_lines(text: str) -> Iterator[str]:
    """What stands in fences, without numbers before its lines, with plain quotation marks, or up to a sentence."""
    for found in islice(_FENCED.finditer(text), _MOST):
        body = found["body"]
        lines = [_NUMBERED.fullmatch(line) for line in body.rstrip("\n").split("\n")]
        counted = count(int(lines[0]["number"])) if lines[0] else count()
        if all(line and int(line["number"]) == number for line, number in zip(lines, counted, strict=False)):
            yield "".join(f"{line['line']}\n" for line in lines if line)
        yield body.translate(_TYPED)
        yield _SENTENCE.split(body, maxsplit=1)[0]


def _indented(text: str) -> Iterator[str]:
    run: list[str] = []
    for line in [*text.split("\n"), "end"]:
        if not line.strip() or line.startswith(("    ", "\t")):
            run.append(line)
        elif run:
            yield dedent("\n".join(run)).strip("\n") + "\n"
            run = []
