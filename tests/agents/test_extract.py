"""Candidates out of replies."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from loopwright.agents import extract_files
from loopwright.errors import NoCandidate
from loopwright.replies import is_python, repaired_python

CODE = "def add(a, b):\n    return a + b\n"
OTHER = "def helper(a):\n    return a\n"
CONSOLE = ">>> def add(a, b):\n...     return a + b\n...\n>>> add(1, 2)\n3\n"
ADDED = "+++ b/solution.py\n@@ -0,0 +1,2 @@\n+def add(a, b):\n+    return a + b\n"


def files(reply: str, known: frozenset[str] = frozenset()) -> dict[str, str]:
    return dict(extract_files(reply, entry="solution.py", known=known).files)


@pytest.mark.parametrize(
    "reply",
    [
        f"Here it is:\n```python\n{CODE}```\nDone.",
        f"```py\n{CODE}```",
        f"```\n{CODE}```",
        f"~~~python\n{CODE}~~~",
        f"```python\n{CODE}",
        CODE,
        f"```python\n{CODE}```\n\nUse it:\n```python\nprint(add(1, 2))\n```",
    ],
    ids=["prose around", "short tag", "no tag", "tildes", "cut by the token limit", "no block", "usage block after"],
)
def test_the_entry_is_found(reply: str) -> None:
    assert files(reply) == {"solution.py": CODE}


@pytest.mark.parametrize(
    "reply",
    [
        f"First:\n```python\ndef add(a, b):\n    return a\n```\nNo, that is wrong:\n```python\n{CODE}```\n",
        f"```python solution.py\ndef add(a, b):\n    return a\n```\nWrong. Corrected:\n```python\n{CODE}```\n",
        f"```python\ndef add(a, b):\n    return a\n```\n```python solution.py\n{CODE}```\n```python\nadd(1, 2)\n```\n",
        f"\ufeff```python\n{CODE}```\n",
        f"```python\n{CODE}```\nA session:\n```python\nimport solution\n>>> add(1, 2)\n3\n```\n",
        f"```python\n{CODE}```\nA test:\n```python\ndef test_add():\n    assert add(1, 2) == 3\n```\n",
        f"For example:\n```\nadd(1, 2)\n```\ngives 3.\n```python\n{CODE}```\n",
        f"```python3.11\n{CODE}```",
        f"```{{.python}}\n{CODE}```",
        "1. Write this:\n\n   ```python\n   def add(a, b):\n       return a + b\n   ```\n",
        f"Here:\r\n```python\r\n{CODE}```\r\nIt's done.\r\n".replace("\n", "\r\n").replace("\r\r", "\r"),
    ],
    ids=[
        "a correction",
        "of a named one",
        "named at last",
        "a byte order mark",
        "a session after",
        "a test after",
        "an example before",
        "a version",
        "attributes",
        "a list",
        "CRLF",
    ],
)
def test_of_several_blocks_the_program_is_found(reply: str) -> None:
    assert files(reply) == {"solution.py": CODE}


@pytest.mark.parametrize("info", ["python title=util.py", 'python filename="util.py"', "python:util.py", "util.py"])
def test_a_file_may_be_named_in_the_fence(info: str) -> None:
    assert files(f"```python\n{CODE}```\n```{info}\nX = 1\n```") == {"solution.py": CODE, "util.py": "X = 1\n"}


@pytest.mark.parametrize(
    "reply",
    [
        f"```python\n# file: /solution.py\n{CODE}```",
        f"```python\n# file: ./solution.py\n{CODE}```",
        f"```python\n# /app/solution.py\n{CODE}```",
        f"```python file=/solution.py\n{CODE}```",
        f'```python title="solution.py"\n{CODE}```',
        f"```python:solution.py\n{CODE}```",
        f"**solution.py**\n```python\n{CODE}```",
        f"### `add.py`:\n\n```python\n{CODE}```",
    ],
)
def test_the_entry_may_be_named_in_many_ways(reply: str) -> None:
    assert files(reply) == {"solution.py": CODE}


def test_the_only_file_is_the_entry_unless_the_task_knows_its_name() -> None:
    reply = f"```python main.py\n{CODE}```"
    assert files(reply) == {"solution.py": CODE}
    assert files(reply, known=frozenset({"main.py"})) == {"main.py": CODE}
    assert files("```yaml a.yaml\nx: 1\n```") == {"a.yaml": "x: 1\n"}


@pytest.mark.parametrize("test", ["test_add.py", "add_test.py", "tests/check.py"])
def test_a_test_beside_it_does_not_keep_the_only_file_from_being_the_entry(test: str) -> None:
    reply = f"```python\n# file: add.py\n{CODE}```\n```python\n# file: {test}\nimport add\n```\n"
    assert files(reply) == {"solution.py": CODE, test: "import add\n"}
    assert files(f"```python {test}\n{CODE}```") == {"solution.py": CODE}


def test_a_second_block_named_as_the_entry_replaces_it_or_the_part_that_it_defines() -> None:
    uses = "def add(a, b):\n    return helper(a) + b\n"
    reply = f"```python\n# solution.py\n{OTHER}def add(a, b):\n    return 0\n```\nNo:\n```python\n# solution.py\n"
    assert files(f"{reply}{uses}```\n") == {"solution.py": OTHER + uses}
    assert files(f"{reply}{CODE}```\n") == {"solution.py": CODE}


def test_an_alternative_that_is_said_not_to_be_the_answer_is_none() -> None:
    wrong = "def add(a, b):\n    return a\n"
    assert files(f"```python\n{CODE}```\nA common mistake:\n```python\n{wrong}```\n") == {"solution.py": CODE}


def test_a_line_before_a_block_names_its_file() -> None:
    reply = f"**`util.py`**\n\n```python\n{OTHER}```\n### File: solution.py\n```python\n{CODE}```\n"
    assert files(reply) == {"solution.py": CODE, "util.py": OTHER}
    assert files(f"util.py:\n```python\n{OTHER}```\n```python\n{CODE}```\n", known=frozenset({"util.py"})) == {
        "solution.py": CODE,
        "util.py": OTHER,
    }


@pytest.mark.parametrize(
    "reply",
    [
        f"Here is the code: ```python\n{CODE}```\nDone.",
        f"```markdown\nSure.\n```python\n{CODE}```\nDone.\n```",
        f"```text\n{CODE}```",
        f"```pycon\n{CONSOLE}```",
        f"```diff\n{ADDED}```",
        CONSOLE,
        f"<code>\n{CODE}</code>",
        f'It is <pre><code class="language-python">{CODE}</code></pre>, I think.',
        "<pre>\ndef add(a, b):\n    return a + b if a &lt; b else b + a\n</pre>",
        f"<answer>\n{CODE}</answer>",
        f"[PYTHON]\n{CODE}[/PYTHON]",
        "```python def add(a, b): return a + b```",
        f"Here is my solution:\n\n{CODE}\nThis works.\n",
        f"```python\n%timeit add(1, 2)\n!pip install x\n{CODE}```",
        "```python\ndef add(a, b):\n    return a + b if a &lt; b else b + a\n```",
        f"Here:\n```python\n{CODE}```\nDone.".replace("\n", "\r"),
        f'<file path="solution.py">\n{CODE}</file>',
        f'<file name="add.py">{CODE}</file>',
    ],
)
def test_a_program_in_an_odd_wrapping_is_found(reply: str) -> None:
    values: dict[str, object] = {}
    exec(files(reply)["solution.py"], values)
    add = values["add"]
    assert callable(add)
    assert add(1, 2) == 3


def test_a_function_and_its_helper_in_two_blocks_are_one_file() -> None:
    uses = "def add(a, b):\n    return helper(a) + b\n"
    assert files(f"First:\n```python\n{OTHER}```\nThen:\n```python\n{uses}```\n") == {"solution.py": f"{OTHER}\n{uses}"}


@pytest.mark.parametrize(
    "flood",
    [
        "<code>" * 20_000,
        "<file path=a.py>" * 20_000,
        "```python " * 10_000,
        "def f\n" * 10_000,
        "a " + "`" * 200_000 + " b",
        "a ```" + " " * 100_000 + "\nb",
    ],
)
def test_a_flood_of_what_may_be_code_is_survived(flood: str) -> None:
    with pytest.raises(NoCandidate):
        files(flood)


def test_files_may_stand_between_tags() -> None:
    reply = f"<file path='util.py'>\n{OTHER}</file>\n<file path='./solution.py'>\n{CODE}</file>\n"
    assert files(reply) == {"solution.py": CODE, "util.py": OTHER}


def test_several_files_by_name() -> None:
    reply = (
        "```python solution.py\nimport util\n```\n"
        "```python\n# file: util.py\nX = 1\n```\n"
        "```python ./pkg/more.py\nY = 2\n```"
    )
    assert files(reply) == {"solution.py": "import util\n", "util.py": "X = 1\n", "pkg/more.py": "Y = 2\n"}


def test_a_comment_that_looks_like_a_path_of_another_kind_stays_code() -> None:
    assert files("```python\n# see notes.txt\nX = 1\n```") == {"solution.py": "# see notes.txt\nX = 1\n"}


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("", "answered nothing"),
        ("   \n", "answered nothing"),
        ("I would add the two numbers.", "no code block; Python"),
        ("```javascript\nconst add = (a, b) => a + b\n```", "javascript, not Python"),
        ("```python\n\n```", "empty"),
    ],
)
def test_replies_without_a_candidate_say_why(reply: str, why: str) -> None:
    with pytest.raises(NoCandidate, match=why):
        extract_files(reply, entry="solution.py")


@given(st.text())
def test_any_text_gives_files_or_a_reason(reply: str) -> None:
    try:
        found = extract_files(reply, entry="solution.py")
    except NoCandidate:
        return
    assert found.files


@given(st.text(alphabet=st.characters(exclude_characters="`~\r", exclude_categories=["Cs"]), min_size=1))
def test_what_stands_in_a_block_comes_out_unchanged(code: str) -> None:
    body = f"def f():\n    pass\n{code}\n"
    # Entities and commands of a notebook are left as they are in what is Python.
    assume(is_python(body) or not set(body) & set("&%!"))
    refused = set(body) & set("\xa0\u200b\u200c\u200d\u2060\ufeff") and not is_python(body)
    expected = repaired_python(body) if refused else body
    assert files(f"Sure!\n```python\n{body}```\n") == {"solution.py": expected}


@pytest.mark.parametrize(
    "reply",
    [
        f"[BEGIN]\n{CODE}[DONE]",
        f"[PYTHON]\n{CODE}",
        f"[CODE]\n{CODE}",
        f"python\n{CODE}",
        f"{CODE}\nDone\n",
        f"cat > solution.py <<'EOF'\n{CODE}EOF\n",
        f"```bash\ncat > solution.py <<'EOF'\n{CODE}EOF\n```",
    ],
)
def test_words_around_a_program_that_are_python_by_chance_are_left_out(reply: str) -> None:
    assert files(reply)["solution.py"].strip() == CODE.strip()


@pytest.mark.parametrize(
    "program",
    ["Done; import math\ndef f(): return math.pi", "import pipe\ndef f(a): return a\nf >> pipe.out"],
)
def test_lines_that_do_something_stay(program: str) -> None:
    assert files(program)["solution.py"].strip() == program
