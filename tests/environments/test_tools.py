"""A call of a tool is the action that a model writes which is asked in text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.environments import action_text, action_tools, tool_call_of, tool_call_text
from loopwright.environments._actions import action_of, submission
from loopwright.replies import repaired_python

FENCES = {"bash": "shell", "sql": "sql", "interpreter": "python", "ctf": "shell"}
commands = st.text(
    alphabet=st.one_of(st.sampled_from("`~\n <'\"$>"), st.characters(exclude_categories=["C", "Zl", "Zp"])), max_size=60
)


@given(st.sampled_from(sorted(FENCES)), commands.filter(str.strip))
def test_a_command_is_executed_as_it_was_given(kind: str, command: str) -> None:
    read, given_command = action_of(action_text({"kind": kind}, "execute", command), FENCES[kind]), command.strip()
    # Python that does not parse is repaired as in a reply that is text.
    assert read == given_command or (kind == "interpreter" and read == repaired_python(given_command).strip())


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9) | commands,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(commands, inside, max_size=3),
    max_leaves=8,
)


@given(st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True), st.dictionaries(commands, plain, max_size=4))
def test_a_call_of_another_tool_is_read_as_it_was_made(tool: str, arguments: dict[str, Any]) -> None:
    assert tool_call_of(f"\n{tool_call_text(tool, arguments)} ") == (tool, arguments)


@pytest.mark.parametrize(
    "text",
    [
        "ls",
        "```bash\nls\n```",
        "```tool\nls\n```",
        "```tool\n[]\n```",
        '```tool\n{"tool": 1, "arguments": {}}\n```',
        '```tool\n{"tool": "a"}\n```',
        '```tool\n{"tool": "a", "arguments": {}}\n```\nand more',
        '```tool\n{"tool": "a", "arguments": {"b": 1e999}}\n```',
    ],
)
def test_any_other_action_is_no_call(text: str) -> None:
    assert tool_call_of(text) is None


@pytest.mark.parametrize(
    ("reply", "action"),
    [
        ("Thought: list\nAction: `ls -la`", "ls -la"),
        ("Action: ``ls -la``\nIt lists all.", "ls -la"),
        ("`ls -la`", "ls -la"),
        ("`a` `b`", "`a` `b`"),
        ("**Thought:** list\n**Action:** ls -la", "ls -la"),
        ("**Thought**: list\n**Action**: ls -la", "ls -la"),
        ("Thought: list\nAction: ls\nObservation: a.txt\nThought: done\nAction: submit", "ls"),
        ("Action: ls\nObservation:\n```\na.txt\n```\nAction: submit", "ls"),
        ("```bash\ncat <<E\nObservation: x\nE\n```\nObservation: x", "cat <<E\nObservation: x\nE"),
        ("cat <<E\nObservation: x\nE", "cat <<E\nObservation: x\nE"),
        ("Action: execute[ls -la]\nObservation: [x]", "ls -la"),
        ("Action: execute[ls]\nThen: execute[pwd]", "ls"),
        ("execute[echo ${a[0]}] [x]", "echo ${a[0]}"),
        ("execute[echo ']' \"]\"] [x]", "echo ']' \"]\""),
        ("execute[echo it's] [x]", "echo it's"),
        ("execute[echo [it's] [x]", "echo [it's] [x"),
        ("Action: bash\nAction Input: ls -la", "ls -la"),
        ("Action: submit\nAction Input: 42", "submit 42"),
        ("The task is done.\nsubmit", "submit"),
        ("The task is done.\n`submit`", "submit"),
        ("cd ..\nsubmit", "cd ..\nsubmit"),
        ("```console\n$ cat <<E\n> a\n> E\na\n$ ls -la\ntotal 4\n```", "cat <<E\na\nE\nls -la"),
        ("```console\nls -la\n```", "ls -la"),
        ('<tool_call>\n{"name": "bash", "arguments": {"command": "ls"}}\n</tool_call>', "ls"),
        ('<tool_call>{"name": "submit", "arguments": "{\\"answer\\": \\"42\\"}"}</tool_call>', "submit 42"),
        ('<tool_call>{"name": "submit", "arguments": {}}', "submit"),
        ("<tool_call>ls</tool_call>", "ls"),
        ('<tool_call>{"name": "bash", "arguments": {"description": "lists", "command": "ls"}}</tool_call>', "ls"),
        ('<tool_call>{"name": "bash", "parameters": {"command": "ls"}}</tool_call>', "ls"),
        ("```bash\n$ ls -la\ntotal 4\n```", "ls -la"),
        ("```console\n$ cd src\nmake\n```", "cd src\nmake"),
        ("```bash\n$ cd src\nmake\nmake test\n```", "cd src\nmake\nmake test"),
        ("```bash\n$ cd src\nmake\ncc -o a a.c\n$ ls\na\n```", "cd src\nls"),
        ("```bash\n$ cd src\n(no output)\n```", "cd src"),
        ("```bash\n$ cd -\nsrc\n```", "cd -"),
        ("```bash\n$ source setup.sh\nCreated build -> dist\n```", "source setup.sh"),
        ("```bash\n$ touch x\n[no output]\n```", "touch x"),
        ("```bash\n$ python x.py > out\nTraceback (most recent call last):\n```", "python x.py > out"),
        ("```bash\n$ cd nowhere\nbash: cd: nowhere: No such file or directory\n```", "cd nowhere"),
        ("```bash\n$ cd src && ls\na.c\nb.c\n```", "cd src && ls"),
        ("```bash\n$ cd src; ls\na.c\n```", "cd src; ls"),
        ("```bash\n$ mkdir -pv a\nmkdir: created\n```", "mkdir -pv a"),
        ("```bash\n$ cp -v a b\n'a' -> 'b'\n```", "cp -v a b"),
        ("```bash\n$ cd src\n\n$ ls\na\n```", "cd src\nls"),
        ("```bash\n$ pwd\n/work\n```", "pwd"),
        ("```bash\necho $ x\n```", "echo $ x"),
        ("```\n$ ls\n```", "ls"),
        ("```bash\n$ cat > f <<'EOF'\n$ hello\nEOF\n$ cat f\nhello\n```", "cat > f <<'EOF'\n$ hello\nEOF\ncat f"),
        ("```bash\n$ for i in 1 2; do\n  echo $i\n  echo\ndone\n1\n```", "for i in 1 2; do\n  echo $i\n  echo\ndone"),
        ("```bash\n$ gcc \\\n  -o a a.c\nok\n```", "gcc \\\n  -o a a.c"),
        (
            '<tool_call>{"name": "edit", "arguments": {"command": "view", "path": "/a"}}</tool_call>',
            '{"name": "edit", "arguments": {"command": "view", "path": "/a"}}',
        ),
        ("I look around.\n<execute_bash>\nls\n</execute_bash>\nThat lists.", "ls"),
        ("<bash>ls</bash>", "ls"),
        ("Action: <command>ls -la</command>", "ls -la"),
        ("cat > a <<E\n<bash>x</bash>\nE", "cat > a <<E\n<bash>x</bash>\nE"),
    ],
)
def test_an_action_is_read_in_the_ways_of_models(reply: str, action: str) -> None:
    assert action_of(reply, "shell") == action


PARTS = [
    "Action: ",
    "Action Input: ",
    "Observation: ",
    "execute[",
    "]",
    "'",
    "<bash>",
    "<tool_call>",
    "{",
    "`",
    "\n",
    "ls",
]


def test_a_line_of_words_takes_no_longer_than_its_length() -> None:
    # Where each blank of a sentence reads all of what follows it, this takes many minutes.
    assert action_of("A" + " a" * 150_000 + "\nsubmit", "shell").startswith("A a")


@given(st.lists(st.sampled_from(PARTS), max_size=20).map("".join))
def test_any_reply_has_an_action_of_its_own_words(reply: str) -> None:
    assert action_of(reply, "shell").count("ls") <= reply.count("ls")


@pytest.mark.parametrize("part", PARTS)
def test_a_flood_of_marks_is_survived(part: str) -> None:
    assert len(action_of(part * 3_000, "shell")) <= len(part) * 3_000


@pytest.mark.parametrize("flood", ["`", "'", "```\t", "``` ", "\"'", "`a` ", "execute["])
@pytest.mark.parametrize("start", ["", "submit ", "Observation: ", "word "])
def test_a_flood_of_quotes_takes_no_longer_than_its_length(flood: str, start: str) -> None:
    # Where each backtick of a row begins a search of its own, this does not end within minutes.
    text = start + flood * 200_000
    assert len(action_of(text, "shell")) <= len(text)
    assert len(submission(text) or "") <= len(text)


@given(st.text(alphabet="abc{}_ 123", min_size=1).map(str.strip).filter(bool))
def test_an_answer_is_submitted_as_it_was_given(answer: str) -> None:
    assert submission(action_of(action_text({"kind": "ctf"}, "submit", answer), "shell")) == answer


def test_a_submission_without_an_answer_ends_the_episode() -> None:
    assert submission(action_of(action_text({"kind": "bash"}, "submit", ""), "shell")) == ""


@pytest.mark.parametrize(
    ("public", "every", "offered"),
    [
        ({"kind": "bash"}, False, {"execute": ["command"], "submit": []}),
        ({"kind": "bash"}, True, {"execute": ["command"]}),
        ({"kind": "ctf"}, False, {"execute": ["command"], "submit": ["answer"]}),
        ({"kind": "ctf"}, True, {"execute": ["command"], "submit": ["answer"]}),
        ({"kind": "interpreter"}, False, {"execute": ["command"], "submit": ["answer"]}),
        ({"kind": "own"}, False, {"execute": ["command"], "submit": []}),
        ({"kind": "own", "actions": {"submits": "the sum"}}, True, {"execute": ["command"], "submit": ["answer"]}),
        ({"kind": "own", "actions": "words"}, True, {"execute": ["command"]}),
    ],
)
def test_there_is_a_tool_for_each_kind_of_action(public: Any, every: bool, offered: dict[str, list[str]]) -> None:
    tools = action_tools(public, every_action_counts=every)
    assert {tool.name: tool.parameters["required"] for tool in tools} == offered
    assert all(set(tool.parameters["properties"]) == set(tool.parameters["required"]) for tool in tools)
