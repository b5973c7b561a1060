"""Code blocks: what stands in a reply comes out as it was."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from loopwright.replies import code_blocks, ends_in_block, is_python, language_of, split_reasoning

SNIPPETS = (
    "x = 1",
    "def f(a, b):\n    return a + b",
    "class C:\n\tdef m(self):\n\t\treturn [\n\t\t\t1,\n\t\t]",
    'def g():\n    """Shows it.\n\n    ```\n    g()\n    ```\n    """',
    'TEXT = """\n```python\nprint(1)\n```\n~~~\n> - quoted\n"""',
    "MORE = '''\n````\n1. one\n````\n~~~~~\n'''",
    "if True:\n  Y = {\n    'a': '`',\n  }\n  # ``` in a comment",
    'TAGS = """\n<think>\nno\n</think>\n"""',
    "",
    "   ",
)
programs = st.lists(st.sampled_from(SNIPPETS), min_size=1, max_size=5).map(lambda parts: "\n".join(parts) + "\n")
prose = st.sampled_from(
    ("", "Here it is:\n", "It's `larger`, 100% sure. Don't `x`!\n\n", "# Solution\n\n1. First\n2. Second\n\n")
)
thinking = st.sampled_from(
    (
        "",
        "<think>\n```python\nx = 'draft'\n```\nNo.\n</think>\n\n",
        "<thinking>I open ```python\nand forget it\n</thinking>\n",
        "It could be\n```python\nx = 'draft'\n```\nbut is not.\n</think>\n\n",
        "<think><think>deep</think>\nless</think>\n",
        "[THINK]hm[/THINK]\n",
    )
)
containers = st.sampled_from(("", "", "- ", "1. ", "  * ", "> ", "> > ", "1. > ", "> - "))
infos = st.sampled_from(("python", "py", "Python3", "python3.11", "{.python}", "python title=x"))


# Programs without fences of their own: a careless end may stand anywhere else.
plain_programs = st.lists(
    st.sampled_from([one for one in SNIPPETS if one.strip() and "`" not in one and "~" not in one]),
    min_size=1,
    max_size=5,
).map(lambda parts: "\n".join(parts) + "\n")
ends = st.sampled_from(("same", "words", "shorter", "other", "none", "next"))
outers = st.sampled_from(("```markdown", "```md", "````markdown", "```text", "```", "~~~", "~~~~markdown", "`````"))
words = st.sampled_from(("", "Here is the code: ", "**Solution:** ", "1. Write this: ", "So `f`, \u201cit\u201d: "))
shapes = st.one_of(
    st.tuples(outers, words, st.just("same")),
    st.tuples(st.just(""), words, st.sampled_from(("same", "none"))),
    st.tuples(st.just(""), st.just(""), ends),
)
"""An outer fence, words before the fence, and how the block ends."""
marks = st.sampled_from(("", "", "\ufeff", "\u200b", "\u2060", "\xa0"))


def _wrapped(program: str, fence: str, info: str, container: str = "", end: str | None = None) -> str:
    rest = re.sub(r"[^>\s]", " ", container)
    lines = [f"{fence}{info}", *program.split("\n")[:-1], fence if end is None else end]
    return "".join(f"{container if not number else rest}{line}\n" for number, line in enumerate(lines))


@settings(deadline=None)
@given(programs, st.sampled_from("`~"), st.integers(3, 6), infos, containers, prose, prose, thinking, st.booleans())
def test_any_program_comes_out_of_any_wrapping_unchanged(
    program: str, tick: str, length: int, info: str, container: str, before: str, after: str, thought: str, crlf: bool
) -> None:
    assume(is_python(program))
    reply = thought + before + _wrapped(program, tick * length, info, container) + after
    reply = reply.replace("\n", "\r\n") if crlf else reply
    answer, _ = split_reasoning(reply)
    assert [block.body for block in code_blocks(answer)] == [program]


@settings(deadline=None)
@given(plain_programs, st.sampled_from("`~"), infos, prose, shapes, marks, st.booleans())
def test_any_program_comes_out_of_any_careless_wrapping_unchanged(
    program: str, tick: str, info: str, before: str, shape: tuple[str, str, str], mark: str, crlf: bool
) -> None:
    """Fences after words, in other fences, closed by none or by another one; and marks that nobody sees."""
    outer, said, end = shape
    if outer and not outer.strip("`~"):
        before = ""  # a fence without a name is code if it starts with words
    tick, info = ("`", info.partition(" ")[0]) if said else (tick, info)
    fence = tick * 4
    closing = {
        "words": f"{fence} That is it.",
        "shorter": tick * 3,
        "other": "~~~~" if tick == "`" else "````",
        "none": "",
        "next": f"{fence}python\nx = 1\n{fence}",
    }
    reply = before + mark + said + _wrapped(program, fence, info, end=closing.get(end, fence))
    reply = f"{outer}\n{reply}{re.sub('[a-z]', '', outer)}\n" if outer else reply
    reply = reply.replace("\n", "\r\n") if crlf else reply
    first, *others = [block.body for block in code_blocks(reply, language="python")]
    assert first == program + ("\n" if end == "none" else "")
    assert others == (["x = 1\n"] if end == "next" else [])


@pytest.mark.parametrize(
    ("reply", "body"),
    [
        ("```python\n\u200bif x:\n\xa0\xa0y('\xa0')\n```\n", "if x:\n  y('\xa0')\n"),
        ("```python\nif\xa0x:\n  y()\n```\n", "if x:\n  y()\n"),
        ("```python\n\ufeffx = 1\n```\n", "x = 1\n"),
        ("```python\n>>> def f():\n...     return 1\n...\n>>> f()\n1\n```\n", "def f():\n    return 1\n\nf()\n"),
        ("```python\n+++ b/a.py\n@@ -0,0 +1,2 @@\n+def f():\n+    return 1\n```\n", "def f():\n    return 1\n"),
        ("```python def f(a):\n    return a\n```\n", "def f(a):\n    return a\n"),
        ("```python\ndef f():\n    pass\n>>> f()\n```\n", "def f():\n    pass\n>>> f()\n"),
        ("Here: ```python\nx = 1```\n", "x = 1\n"),
        ("```python\nx = \u201cleft alone\u201d\n```\n", "x = \u201cleft alone\u201d\n"),
        ("````python\nTEXT = '''\n```python\n'''\n````\n", "TEXT = '''\n```python\n'''\n"),
    ],
)
def test_python_that_does_not_parse_is_read_as_what_it_shows(reply: str, body: str) -> None:
    assert [block.body for block in code_blocks(reply)] == [body]


@pytest.mark.parametrize(
    ("reply", "bodies"),
    [
        ("A fence is ```\nlike this:\n```python\nx = 1\n```\n", ["x = 1\n"]),
        ("I open ```python\nand forget it.\n```python\nx = 1\n```\n", ["x = 1\n"]),
        ("Open it with: ```\nNow:\n```sh\nls\n```\n", ["ls\n"]),
        ("Write:\n```markdown\n# Title\n```\n```python\nx = 1\n```\n", ["# Title\n", "x = 1\n"]),
        ("```markdown README.md\n```python\nx\n```\n", ["```python\nx\n"]),
        ("```\nls\n```\n", ["ls\n"]),
        ("```sh\nls\n``` and then see.\n", ["ls\n"]),
        ("```sh\ncat > a <<'E'\n``` b c\nE\n```\n", ["cat > a <<'E'\n``` b c\nE\n"]),
    ],
)
def test_what_is_no_wrapping_stays_a_block(reply: str, bodies: list[str]) -> None:
    assert [block.body for block in code_blocks(reply, language="shell")] == bodies


def test_a_text_that_is_asked_for_is_no_wrapping() -> None:
    reply = "```markdown\n```python\nx = 1\n```\n"
    assert [block.body for block in code_blocks(reply)] == ["```python\nx = 1\n"]


def test_a_tag_before_a_fence_on_its_line_is_no_code() -> None:
    assert split_reasoning("<think>Try: ```python\nx = 1\n```\n</think>\n42") == ("42", "Try: ```python\nx = 1\n```")


@settings(deadline=None)
@given(st.text(alphabet="`~>-1. \tpython\n\r<think/>ab#'\"", max_size=80))
def test_blocks_of_any_text_stand_in_it_in_order(text: str) -> None:
    places = [(block.start, block.end) for block in code_blocks(text)]
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert places == sorted(places)
    assert all(end <= start for (_, end), (start, _) in pairwise(places))


@pytest.mark.parametrize(
    ("reply", "bodies"),
    [
        ("```sh\nls\n```\nand\n~~~\npwd\n~~~\n", ["ls\n", "pwd\n"]),
        ("```\nls", ["ls\n"]),
        ("````\n```\nls\n```\n````\n", ["```\nls\n```\n"]),
        ("```bash\nls```\nThat is all.\n", ["ls\n"]),
        ("1. ```python\nif x:\n    y()\n```\n", ["if x:\n    y()\n"]),
        ('1. ```python\n   def f():\n       """One.\n\nTwo."""\n   ```\n', ['def f():\n    """One.\n\nTwo."""\n']),
        ("1. Do\n\n     ```python\n     if x:\n         y()\n     ```\n", ["if x:\n    y()\n"]),
        *(
            (f"```bash\n{code}```\nThen it's done.\n```bash\nls\n```\n", [code, "ls\n"])
            for code in (
                "cat > a.md <<'END-OF-FILE'\n```\nls\n```\nEND-OF-FILE\nls\n",
                'cat > a.md <<-"END OF FILE"\n\t```\n\tit\'s\n\t```\n\tEND OF FILE\n',
                "cat > a <<A > b <<B\n```\nA\nit's\n```\nB\n",
                "printf '\n```\nx\n```\n' > a.md\n",
                'printf "\n```\nit\'s \\"x\n```\n" > a.md\n',
                "git commit -m \"$(cat <<'EOF'\n```\nit's \"x\n```\nEOF\n)\"\n",
                "# it's a comment\necho \\' $'it\\'s' ${#a} 'b'\n",
            )
        ),
        ("```bash\necho it's\n```\nThen:\n```bash\nls\n```\n", ["echo it's\n", "ls\n"]),
        ("```bash\ncat > a.md <<'EOF'\n```\nls\n```\nEOF\n```\n", ["cat > a.md <<'EOF'\n```\nls\n```\nEOF\n"]),
        ("```bash\necho $((1<<4))\n```\nThen\n```\npwd\n```\n", ["echo $((1<<4))\n", "pwd\n"]),
        ("```python\nprint 1\n```\nso\n```python\nprint(1)\n```\n", ["print 1\n", "print(1)\n"]),
        ("> ```\n> a\n\nno quote\n", ["a\n"]),
        ("`ls` or ```ls```, and\n", []),
        ("```bash\r\nls\r\n```\r\n", ["ls\n"]),
        ("```python\nx = '\u2028\x0b'\n```\n", ["x = '\u2028\x0b'\n"]),
    ],
)
def test_blocks(reply: str, bodies: list[str]) -> None:
    assert [block.body for block in code_blocks(reply)] == bodies


def test_a_block_without_a_language_has_the_one_that_is_expected() -> None:
    reply = '```\nA = """\n```\n"""\n```\n'
    assert [block.body for block in code_blocks(reply, language="python")] == ['A = """\n```\n"""\n']


@pytest.mark.parametrize(
    ("info", "language"),
    [
        ("python3.11", "python"),
        ("Py", "python"),
        ("{.python .numbered}", "python"),
        ("python:solution.py", "python"),
        ("python, title=x", "python"),
        ("sqlite3", "sql"),
        ("sh", "shell"),
        ("c++", "c++"),
        ("solution.py", ""),
        ("", ""),
    ],
)
def test_languages(info: str, language: str) -> None:
    assert language_of(info) == language


@pytest.mark.parametrize(
    "flood",
    [
        "```\n" * 20_000,
        "```python\nx = (\n" * 5_000,
        "> " * 50_000,
        "~~~python\n```\n" * 5_000,
        "a: ```\n" * 20_000,
        "```md\n" * 20_000,
        "a: " + "`" * 200_000 + " b",
        "a: ```b" + " " * 200_000 + "c",
    ],
)
def test_a_flood_of_fences_is_survived(flood: str) -> None:
    assert all(block.body in flood for block in code_blocks(flood))


@pytest.mark.parametrize(
    ("text", "open_"),
    [
        ("```python\nx = 1\n", True),
        ("Say:\n```\nx = (1\n", True),
        ("~~~sql\nSELECT", True),
        ("```python\nx = 1\n```", False),
        ("```python\nx = (\n```\nand", False),
        ("words", False),
        ("", False),
    ],
)
def test_a_text_may_end_within_a_block(text: str, open_: bool) -> None:
    assert ends_in_block(text) is open_
