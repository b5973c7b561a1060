"""Programs that replies carry in other forms than a code block."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from contextlib import suppress

import pytest

from loopwright.agents import extract_files
from loopwright.errors import NoCandidate

PLAIN = 'def add(a, b):\n    """Adds."""\n    return a + b\n'
FENCES = (
    "import re\n\n\nclass A:\n    x = '```'\n\n    def f(self) -> str:\n        return re.sub('<b>', '&', self.x)\n"
)


def added(program: str) -> str:
    return "".join(f"+{line}\n" for line in program.splitlines())


def notebook(program: str) -> str:
    code = {"cell_type": "code", "source": program.splitlines(keepends=True), "outputs": [], "metadata": {}}
    words = {"cell_type": "markdown", "source": ["# def add(a, b): return 0"], "metadata": {}}
    return json.dumps({"cells": [words, code], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


FORMS: dict[str, Callable[[str], str]] = {
    "JSON": lambda program: json.dumps({"code": program}),
    "files in JSON": lambda program: "```json\n" + json.dumps({"files": {"solution.py": program}}, indent=1) + "\n```",
    "notebook": lambda program: f"```json\n{notebook(program)}\n```",
    "call in JSON": lambda program: (
        "<tool_call>\n"
        + json.dumps({"name": "write_file", "arguments": json.dumps({"path": "solution.py", "content": program})})
        + "\n</tool_call>"
    ),
    "write_to_file": lambda program: (
        f"<write_to_file>\n<path>solution.py</path>\n<content>\n{program}</content>\n</write_to_file>"
    ),
    "invoke": lambda program: (
        '<invoke name="write_file">\n<parameter name="path">solution.py</parameter>\n'
        f'<parameter name="content">{program}</parameter>\n</invoke>'
    ),
    "function": lambda program: (
        f"<tool_call>\n<function=write_file>\n<parameter=content>\n{program}\n</parameter>\n</function>\n</tool_call>"
    ),
    "artifact": lambda program: (
        f'<antArtifact identifier="a" type="application/vnd.ant.code" language="python">\n{program}</antArtifact>'
    ),
    "python_tag": lambda program: f"<|python_tag|>{program}<|eom_id|>",
    "pre": lambda program: f'<pre><code class="language-python">{html.escape(program)}</code></pre>',
    "apply_patch": lambda program: f"*** Begin Patch\n*** Add File: solution.py\n{added(program)}*** End Patch",
    "apply_patch in a block": lambda program: (
        f"```\n*** Begin Patch\n*** Add File: solution.py\n{added(program)}*** End Patch\n```"
    ),
    "edit of nothing": lambda program: f"```python\n<<<<<<< SEARCH\n=======\n{program}>>>>>>> REPLACE\n```",
    "numbers": lambda program: (
        "```python\n" + "".join(f"{at:4d} | {line}\n" for at, line in enumerate(program.splitlines(), 1)) + "```"
    ),
    "indented": lambda program: "Here it is:\n\n" + "".join(f"    {line}\n" for line in program.splitlines()),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("program", [PLAIN, FENCES])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_program_in_another_form_is_read(form: str, program: str, end: str) -> None:
    found = extract_files(FORMS[form](program).replace("\n", end), entry="solution.py").files["solution.py"]
    names: dict[str, object] = {}
    exec(found, names)
    assert names.keys() & {"add", "A"}
    assert found.replace("\r\n", "\n").strip() == program.strip()


def test_quotation_marks_of_typography_and_words_in_an_open_block_are_no_code() -> None:
    typed = extract_files("```python\nx = \u201ca\u201d\n\n\ndef f():\n    return x\n```", entry="solution.py")
    assert typed.files["solution.py"].startswith('x = "a"')
    opened = extract_files(f"Here it is:\n```python\n{PLAIN}\nHope that helps!", entry="solution.py")
    assert opened.files["solution.py"].strip() == PLAIN.strip()


def test_a_block_of_python_goes_before_all_other_forms() -> None:
    reply = f"{json.dumps({'code': 'def add(a, b): return 0'})}\n```python\n{PLAIN}```\n    def add(a, b): return 1\n"
    assert extract_files(reply, entry="solution.py").files == {"solution.py": PLAIN}


def test_words_alone_are_no_candidate() -> None:
    for reply in ('{"a": "b"}', "<content>words</content>", "    indented words", "*** Add File: a\n+words\n"):
        with pytest.raises(NoCandidate):
            extract_files(reply, entry="solution.py")


@pytest.mark.parametrize(
    "part",
    ["<code>", "</code>", "<content>\n", "*** Add File: a\n+", "    x", "\n", "1: x\n", '{"a": "', "```\n1: ", "A."],
)
def test_floods_take_no_longer_than_their_length(part: str) -> None:
    with suppress(NoCandidate):
        extract_files(part * (300_000 // len(part)), entry="sol.py")
