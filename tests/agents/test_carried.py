"""Programs that replies carry in other forms than a code block."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from contextlib import suppress

import pytest

from loopwright.agents import extract_files
from loopwright.errors import NoCandidate

TEST = "from solution import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n"
HELPER = "def helper(a):\n    return a\n"
PLAIN = 'def add(a, b):\n    """Adds."""\n    return a + b\n'
FENCES = (
    "import re\n\n\nclass A:\n    x = '```'\n\n    def f(self) -> str:\n        return re.sub('<b>', '&', self.x)\n"
)


def added(program: str) -> str:
    return "".join(f"+{line}\n" for line in program.removesuffix("\n").split("\n"))


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
    "numbers": lambda program: (
        "```python\n" + "".join(f"{at:4d} | {line}\n" for at, line in enumerate(program.splitlines(), 1)) + "```"
    ),
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


@pytest.mark.parametrize("form", ["apply_patch", "python_tag"])
@pytest.mark.parametrize("sign", ["\u2028", "\x85", "\x0c"])
def test_what_else_ends_a_line_in_unicode_stays_in_a_program(form: str, sign: str) -> None:
    program = f'def add(a, b):\n    return "a{sign}b"\n'
    assert extract_files(FORMS[form](program), entry="solution.py").files["solution.py"] == program


def test_quotation_marks_of_typography_and_words_in_an_open_block_are_no_code() -> None:
    typed = extract_files("```python\nx = \u201ca\u201d\n\n\ndef f():\n    return x\n```", entry="solution.py")
    assert typed.files["solution.py"].startswith('x = "a"')
    opened = extract_files(f"Here it is:\n```python\n{PLAIN}\nHope that helps!", entry="solution.py")
    assert opened.files["solution.py"].strip() == PLAIN.strip()


def test_a_block_of_python_goes_before_all_other_forms() -> None:
    reply = f"{json.dumps({'code': 'def add(a, b): return 0'})}\n```python\n{PLAIN}```\n    def add(a, b): return 1\n"
    assert extract_files(reply, entry="solution.py").files == {"solution.py": PLAIN}


def written(*files: tuple[str, str]) -> dict[str, str]:
    """Some files in each form that names files."""
    return {
        "list in JSON": json.dumps({"files": [{"path": path, "content": body} for path, body in files]}),
        "mapping in JSON": json.dumps({"files": dict(files)}),
        "calls in JSON": "".join(
            json.dumps({"name": "write", "arguments": json.dumps({"file_path": path, "content": body})}) + "\n"
            for path, body in files
        ),
        "write_to_file": "".join(
            f"<write_to_file>\n<path>{path}</path>\n<content>\n{body}</content>\n</write_to_file>\n"
            for path, body in files
        ),
        "content first": "".join(
            f"<write_to_file>\n<content>\n{body}</content>\n<path>{path}</path>\n</write_to_file>\n"
            for path, body in files
        ),
        "invoke": "".join(
            f'<invoke name="write">\n<parameter name="path">{path}</parameter>\n'
            f'<parameter name="content">{body}</parameter>\n</invoke>\n'
            for path, body in files
        ),
        "artifact": "".join(f'<antArtifact title="{path}">\n{body}</antArtifact>\n' for path, body in files),
        "apply_patch": "*** Begin Patch\n"
        + "".join(f"*** Add File: {path}\n{added(body)}" for path, body in files)
        + "*** End Patch",
    }


@pytest.mark.parametrize("form", written())
def test_the_file_that_is_named_as_the_entry_is_the_program_beside_others(form: str) -> None:
    files = {"solution.py": PLAIN, "helper.py": HELPER, "test_solution.py": TEST}
    for order in (files, dict(reversed(files.items()))):
        found = extract_files(written(*order.items())[form], entry="solution.py").files
        assert {path: body.strip() for path, body in found.items()} == {
            path: body.strip() for path, body in files.items()
        }


@pytest.mark.parametrize("form", written())
def test_a_file_that_is_named_otherwise_is_no_program(form: str) -> None:
    with pytest.raises(NoCandidate):
        extract_files(written(("helper.py", HELPER))[form], entry="solution.py")


@pytest.mark.parametrize("path", ["a\0.py", "a\n.py", "a" * 300 + ".py", "C:\\a.py", "a/", " "])
def test_files_under_what_is_no_name_do_not_come_along(path: str) -> None:
    reply = written(("solution.py", PLAIN), (path, "X = 1\n"))["list in JSON"]
    assert extract_files(reply, entry="solution.py").files == {"solution.py": PLAIN}


@pytest.mark.parametrize(
    "carry",
    [
        lambda *bodies: json.dumps(dict(zip(("code", "tests"), bodies, strict=True))),
        lambda *bodies: written(*(("solution.py", body) for body in bodies))["write_to_file"],
        lambda *bodies: "".join(f"<content>\n{body}</content>\n" for body in bodies),
    ],
)
def test_tests_are_no_program_and_of_two_programs_none_is_guessed(carry: Callable[..., str]) -> None:
    assert extract_files(carry(PLAIN, TEST), entry="solution.py").files["solution.py"].strip() == PLAIN.strip()
    for bodies in ((PLAIN, HELPER), (HELPER, PLAIN), (TEST, TEST)):
        with pytest.raises(NoCandidate):
            extract_files(carry(*bodies), entry="solution.py")


def test_broken_python_is_replaced_by_nothing_else() -> None:
    broken = "def add(a, b):\n    return a +\n"
    wrong = json.dumps({"code": HELPER})
    for fence in ("```python", "```"):
        for other in (f"\n    {TEST}", f"\n{wrong}\n", f"\n<content>\n{HELPER}</content>\n"):
            for reply in (f"{fence}\n{broken}```\n{other}", f"{other}\n{fence}\n{broken}```\n"):
                assert extract_files(reply, entry="solution.py").files == {"solution.py": broken}


def test_a_block_is_not_cut_at_a_sentence_before_further_code() -> None:
    body = f"{HELPER}\nThe main one:\n{PLAIN}"
    assert extract_files(f"```python\n{body}```", entry="solution.py").files == {"solution.py": body}


def test_entities_between_tags_are_what_they_stand_for_only_in_an_escaped_body() -> None:
    for tag in ("content", "code"):
        found = extract_files(f"<{tag}>def less(a, b):\n    return a &lt; b", entry="solution.py").files
        assert found == {"solution.py": "def less(a, b):\n    return a < b\n"}
        raw = 'def escaped(a):\n    return a.replace("<", "&lt;") if a < "b" else a\n'
        assert extract_files(f"<{tag}>\n{raw}</{tag}>", entry="solution.py").files == {"solution.py": raw}


@pytest.mark.parametrize(
    "reply",
    [
        '{"a": "b"}',
        "<content>words</content>",
        "    indented words",
        "*** Add File: a\n+words\n",
        "I cannot solve this. A stub would be:\n\n    def add(a, b):\n        pass\n",
        f"I cannot solve this: {json.dumps({'code': PLAIN})} would be no answer.",
        f"{json.dumps({'code': PLAIN})} would be no answer.",
        "I write no file such as <content>def add(a, b): pass</content> here.",
    ],
)
def test_words_and_samples_in_sentences_are_no_candidate(reply: str) -> None:
    with pytest.raises(NoCandidate):
        extract_files(reply, entry="solution.py")


@pytest.mark.parametrize(
    "half",
    [
        "<content>\nimport math\n\n\ndef add(a, b):\n    return a\n",
        f'{{"files": [\n{json.dumps({"code": PLAIN})}\n,{{"code": "def',
        f"*** Begin Patch\n*** Add File: solution.py\n{added(PLAIN)}",
    ],
)
def test_what_a_cut_reply_carries_is_not_taken_for_all_of_it(half: str) -> None:
    assert extract_files(half, entry="solution.py").files
    with pytest.raises(NoCandidate):
        extract_files(half, entry="solution.py", cut=True)


@pytest.mark.parametrize(
    "part",
    [
        "<code>",
        "<code ",
        "</code>",
        "<content>\n",
        "<content ",
        "<content></content>",
        "<content>\ndef f(</content>\n",
        "*** Add File: a\n+",
        "    x",
        "\n",
        "1: x\n",
        '{"a": "',
        '{"a":"def f("}\n',
        "```\n1: ",
        "A.",
    ],
)
def test_floods_take_no_longer_than_their_length(part: str) -> None:
    with suppress(NoCandidate):
        extract_files(part * (300_000 // len(part)), entry="sol.py")
