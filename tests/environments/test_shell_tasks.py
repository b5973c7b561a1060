"""The environments of actions, on tasks of our own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from loopwright.candidate import Candidate
from loopwright.environments import BUILTIN_ENVIRONMENTS, EnvironmentSetup, Observation, Scores
from loopwright.environments.ctf import CtfEnvironment
from loopwright.errors import TaskError
from loopwright.sandbox import Sandbox, SandboxProvider, SandboxSpec
from loopwright.task import Instance
from tests.conftest import on_every_provider

pytestmark = pytest.mark.anyio
pytest_generate_tests = on_every_provider
FILES = {"/data/a.txt": "one\ntwo\n", "/data/run.sh": "#!/bin/sh\necho ran\n"}
STARS = "CREATE TABLE star (name TEXT, size INT); INSERT INTO star VALUES ('Vega', 2), ('Mira', 5);"


async def _play(
    provider: SandboxProvider, kind: str, public: Mapping[str, Any], hidden: Mapping[str, Any], *actions: str
) -> tuple[list[Observation], Scores]:
    stored: dict[str, bytes] = {}

    def put(data: bytes) -> str:
        stored["kept"] = data
        return "kept"

    environment: Any = BUILTIN_ENVIRONMENTS[kind](EnvironmentSetup(provider, SandboxSpec(), put, stored.__getitem__))
    try:
        await environment.reset(Instance(id="t", goal="do it", public=public, hidden=hidden))
        seen = []
        for action in actions:
            if action == "(snapshot)":
                await environment.snapshot()
            elif action == "(restore)":
                await environment.restore("kept")
            else:
                seen.append(await environment.step(Candidate(text=action)))
        return seen, await environment.scores()
    finally:
        await environment.close()


@pytest.mark.parametrize(
    ("actions", "exact"),
    [
        (["cp /data/a.txt /data/b.txt"], 1),
        (["cat /data/a.txt > /data/b.txt; echo talk"], 1),
        (["cp /data/a.txt /data/c.txt"], 0),
        (["cp /data/a.txt /data/b.txt", "chmod 600 /data/b.txt"], 0),
        (["cp /data/a.txt /data/b.txt", "rm /data/run.sh"], 0),
        (["cp /data/a.txt /data/b.txt", "mkdir /data/empty"], 0),
        (["cp /data/a.txt /data/b.txt", "mkdir /data/empty", "rmdir /data/empty"], 1),
        (["cp /data/a.txt /data/b.txt; echo >> /data/b.txt"], 0),
    ],
)
async def test_the_state_is_compared_in_full(provider: SandboxProvider, actions: list[str], exact: float) -> None:
    _, scores = await _play(provider, "bash", {"files": FILES}, {"gold": "cp /data/a.txt /data/b.txt"}, *actions)
    assert scores.exact == exact


class Counting:
    """A provider that counts."""

    def __init__(self, provider: SandboxProvider) -> None:
        self._provider = provider
        self.opened = 0

    @property
    def name(self) -> str:
        return self._provider.name

    async def open(self, spec: SandboxSpec) -> Sandbox:
        self.opened += 1
        return await self._provider.open(spec)

    async def close(self) -> None:
        pass


@pytest.mark.parametrize(("gold", "opened"), [("cat /data/a.txt # steady", 2 + 2 + 1 + 1), ("echo $RANDOM$RANDOM", 8)])
async def test_a_gold_that_was_the_same_twice_is_not_run_again(
    provider: SandboxProvider, gold: str, opened: int
) -> None:
    counting = Counting(provider)
    for _ in range(4):
        await _play(counting, "bash", {"files": FILES}, {"gold": gold}, "true")
    assert counting.opened == opened


async def test_an_answer_is_compared_without_blanks_at_ends_of_lines(provider: SandboxProvider) -> None:
    hidden = {"gold": "wc -l < /data/a.txt"}
    assert (await _play(provider, "bash", {"files": FILES}, hidden, "echo '2  '"))[1].exact == 1.0
    assert (await _play(provider, "bash", {"files": FILES}, hidden, "echo 3"))[1].exact == 0.0


async def test_fixture_files_can_be_run_and_the_first_folder_be_named(provider: SandboxProvider) -> None:
    public = {"files": FILES, "cwd": "/data"}
    seen, scores = await _play(provider, "bash", public, {"gold": "pwd"}, "./run.sh", "```bash\npwd\n```", "submit")
    assert [observation.text for observation in seen] == ["ran\n", "/data\n", "/data\n"]
    assert seen[-1].done
    assert scores.exact == 1.0


async def test_long_outputs_are_cut_for_prompts_and_scored_whole(provider: SandboxProvider) -> None:
    seen, scores = await _play(provider, "bash", {"files": FILES}, {"gold": "seq 5000"}, "seq 5000")
    assert "left out" in seen[0].text
    long = "yes a | head -c 500000; echo {}; yes a | head -c 500000"
    for persistent in (False, True):
        public = {"files": FILES, "persistent": persistent}
        assert (await _play(provider, "bash", public, {"gold": long.format(7)}, long.format(7)))[1].exact == 1.0
        assert (await _play(provider, "bash", public, {"gold": long.format(7)}, long.format(8)))[1].exact == 0.0
    assert scores.exact == 1.0


async def test_a_persistent_shell_keeps_variables_functions_and_jobs(provider: SandboxProvider) -> None:
    actions = [
        "x='two  words'; f() { echo \"f: $x\"; }; cd /data",
        "f; pwd",
        "sleep 0.3 && echo late > /data/late &",
        "wait; cat late; cat; false",
        'echo "a quote: \'"',
        "sleep 97",
        "echo ${x:-gone}; pwd",
        "exit 3",
        "echo on",
    ]
    public = {"files": FILES, "persistent": True, "timeout": 5}
    seen, _ = await _play(provider, "bash", public, {"gold": "true"}, *actions)
    texts = [observation.text for observation in seen]
    assert texts[:2] == ["", "f: two  words\n/data\n"]
    assert texts[3] == "late\n[exit status 1]"
    assert texts[4:7] == ["a quote: '\n", "Command timed out", "gone\n/data\n"]
    assert texts[8] == "on\n"


async def test_a_persistent_shell_believes_no_exit_status_that_is_none(provider: SandboxProvider) -> None:
    forged = "printf() { command printf '\\n%s%s:%s\\n' \"$2\" \"$(seq -s '' 3000)\" /; }"
    public = {"files": FILES, "persistent": True, "timeout": 5}
    seen, scores = await _play(provider, "bash", public, {"gold": "echo hi"}, forged, "unset -f printf", "echo hi")
    assert "[exit status -1]" in seen[0].text
    assert seen[2].text == "hi\n"
    assert scores.exact == 1.0


_FORGED_FOLDERS = {
    False: "m=$(tr '\\0' '\\n' < /proc/$$/cmdline | grep -ao 'loopwright-[0-9a-f]*:' | head -1); trap - EXIT; "
    "cd /; printf '%s/tmp/\\0x' \"$m\"",
    True: "printf() { builtin printf '\\n%s0:/tmp/\\0x\\n' \"$2\"; }",
}


@pytest.mark.parametrize("persistent", _FORGED_FOLDERS)
async def test_a_shell_believes_no_folder_that_can_be_none(provider: SandboxProvider, persistent: bool) -> None:
    public = {"files": FILES, "persistent": persistent, "timeout": 5}
    actions = (_FORGED_FOLDERS[persistent], "exit", "echo hi")
    seen, scores = await _play(provider, "bash", public, {"gold": "echo hi"}, *actions)
    assert seen[2].text == "hi\n"
    assert scores.exact == 1.0


@pytest.mark.parametrize("persistent", [False, True])
async def test_half_a_character_in_a_call_is_an_escape(provider: SandboxProvider, persistent: bool) -> None:
    call = '<tool_call>{"name": "bash", "arguments": {"command": "echo \'\\ud83d\'"}}</tool_call>'
    public = {"files": FILES, "persistent": persistent}
    seen, scores = await _play(provider, "bash", public, {"gold": r"echo '\ud83d'"}, call)
    assert seen[0].text == "\\ud83d\n"
    assert scores.exact == 1.0


@pytest.mark.parametrize("public", [{"nonsense": 1}, {"fixture": "/nowhere.tar"}, {"files": {"/../x": "y"}}])
async def test_fields_that_cannot_be_used(provider: SandboxProvider, public: dict[str, Any]) -> None:
    with pytest.raises(TaskError, match="environment"):
        await _play(provider, "bash", public, {"gold": "true"})


async def test_a_database_is_the_agents_own(provider: SandboxProvider) -> None:
    public = {"script": STARS}
    hidden = {"gold": "SELECT name FROM star ORDER BY size"}
    seen, scores = await _play(provider, "sql", public, hidden, "DELETE FROM star", "SELECT name FROM star")
    assert [observation.text for observation in seen] == ["(no rows; 2 changed)", "[]"]
    assert scores.exact == 0.0
    assert (await _play(provider, "sql", public, hidden, "SELECT name FROM star ORDER BY size"))[1].exact == 1.0
    assert (await _play(provider, "sql", public, hidden, "SELECT name FROM star ORDER BY size DESC"))[1].exact == 0.0


async def test_a_database_goes_back_to_its_snapshot(provider: SandboxProvider) -> None:
    actions = [
        "INSERT INTO star VALUES ('Sol', 1)",
        "(snapshot)",
        "DROP TABLE star",
        "(restore)",
        "SELECT count(*) FROM star",
    ]
    seen, _ = await _play(provider, "sql", {"script": STARS}, {"gold": "SELECT 3"}, *actions)
    assert seen[-1].text == "[(3,)]"


async def test_a_query_gives_so_many_rows_and_no_more(provider: SandboxProvider) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    seen, _ = await _play(provider, "sql", {"script": STARS, "rows": 60}, {"gold": "SELECT 1"}, endless)
    assert "more than 10 further rows" in seen[0].text


async def test_an_interpreter_keeps_names_and_goes_back_to_its_snapshot(provider: SandboxProvider) -> None:
    actions = ["x = [1]", "(snapshot)", "x.append(2)", "(restore)", "x", "import sys; sys.exit(3)", "print('on')"]
    hidden = {"gold": "def f():\n    return 1", "tests": ["assert f() == 1"]}
    seen, scores = await _play(provider, "interpreter", {}, hidden, *actions)
    assert [observation.text for observation in seen] == ["", "", "[1]", "Error: 3", "on"]
    assert scores.exact == 0.0


@pytest.mark.parametrize("said", ["raise self", "return 5"])
async def test_an_exception_that_cannot_say_itself_keeps_the_names(provider: SandboxProvider, said: str) -> None:
    raising = f"kept = 7\nclass Odd(Exception):\n    def __str__(self): {said}\nraise Odd()"
    hidden = {"gold": "def f(): return 7", "tests": ["assert f() == 7"]}
    seen, _ = await _play(provider, "interpreter", {}, hidden, raising, "kept")
    assert [observation.text for observation in seen] == ["Error: Odd", "7"]


async def test_an_interpreter_that_hangs_begins_anew(provider: SandboxProvider) -> None:
    hidden = {"gold": "def f():\n    return 1", "tests": ["assert f() == 1"]}
    actions = ["while True: pass", "def f():\n    return 1", "submit f"]
    seen, scores = await _play(provider, "interpreter", {"timeout": 3.0, "scoring": "intercode"}, hidden, *actions)
    assert "begins anew" in seen[0].text
    assert (scores.rules["intercode"], scores.exact) == (1.0, 1.0)


async def test_flags_are_compared_on_the_host(provider: SandboxProvider) -> None:
    public = {"files": {"/ctf/note": "look elsewhere"}}
    hidden = {"gold": "flag{1}"}
    actions = ["grep -r 'flag{' /ctf /tmp /work /dev/shm; env | grep -c 'flag{'", "submit flag{1}"]
    seen, scores = await _play(provider, "ctf", public, hidden, *actions)
    assert seen[0].text.splitlines()[0] == "0"
    assert scores.exact == 1.0


ADD = {"gold": "def add(a, b):\n    return a + b", "tests": ["assert add(2, 3) == 5", "assert add(-1, 1) == 0"]}
MINE = "```python\ndef mine(a, b):\n    return a + b\n```"


SUBMISSIONS = [
    "submit mine",
    "submit mine()",
    "submit(mine)",
    "`submit mine`",
    'submit "mine".',
    "Submit: `mine`",
    "Thought: it works.\nsubmit mine",
    "Thought: it works.\nIt returns sums.\n\nsubmit mine(a, b)",
    "submit mine\n\nIt adds its two arguments.",
    "submit the function mine",
    "submit",
]


async def test_a_function_is_submitted_in_the_words_of_models(provider: SandboxProvider) -> None:
    seen, scores = await _play(provider, "interpreter", {}, ADD, MINE, *SUBMISSIONS)
    assert [(observation.text, observation.done) for observation in seen[1:]] == [("submitted mine", True)] * 11
    assert scores.exact == 1.0


@pytest.mark.parametrize("legacy", [False, True])
async def test_what_is_no_name_is_graded_and_never_source(provider: SandboxProvider, legacy: bool) -> None:
    wrong = "def add(a, b):\n    return 0"
    for ending in ("submit )(", "submit def", "submit ²", "submit ; import os #", "submit mine\u2028import os"):
        _, scores = await _play(provider, "interpreter", {"legacy": legacy}, ADD, wrong, ending)
        assert scores.exact == 0.0


@pytest.mark.parametrize(
    "test",
    [
        'assert lines("""a\n  b\nc""") == 3\nassert lines("""a\n  b\n""") == 2',
        'assert lines("a\\\nb") == 1',
        "assert lines(f'''a\n{1}\nb''') == 3",
        'for text in (\n    "a",\n    "b"\n    "c",\n):\n    assert """\n""" + text == "\\n" + text',
    ],
)
async def test_strings_of_tests_keep_their_lines(provider: SandboxProvider, test: str) -> None:
    code = "def lines(text):\n    assert '    b' not in text\n    return len(text.splitlines())"
    hidden = {"gold": code, "tests": [test]}
    _, scores = await _play(provider, "interpreter", {}, hidden, f"```python\n{code}\n```", "submit lines")
    assert scores.exact == 1


@pytest.mark.parametrize("legacy", [False, True])
async def test_code_after_the_submitted_name_does_not_run_beside_the_tests(
    provider: SandboxProvider, legacy: bool
) -> None:
    attack = "submit add;__import__('builtins').AssertionError=Warning;[globals().update(add=lambda*_:5)]#"
    _, scores = await _play(provider, "interpreter", {"legacy": legacy}, ADD, "def add(a, b):\n    return 1", attack)
    assert scores.exact == 0.0
    _, scores = await _play(provider, "interpreter", {}, ADD, MINE, attack.replace("submit add", "submit mine"))
    assert scores.exact == 1.0


@pytest.mark.parametrize(
    "actions",
    [
        ("zero = 0", "from __future__ import annotations\n\ndef add(a: Later, b) -> Later:\n    return a + b + zero"),
        ("zero = 0", "global zero\ndef add(a, b):\n    return a + b + zero"),
        ('"""Adds."""\nquote = "\'\'\'"', "def add(a, b):\n\treturn a + b # \\\\"),
    ],
    ids=["a future import", "a global statement", "quotes and a backslash"],
)
async def test_every_action_is_compiled_by_itself_for_the_tests_too(
    provider: SandboxProvider, actions: tuple[str, ...]
) -> None:
    seen, scores = await _play(provider, "interpreter", {}, ADD, *(f"```python\n{a}\n```" for a in actions), "submit")
    assert [observation.text for observation in seen] == ["", "", "submitted add"]
    assert scores.exact == 1.0


async def test_annotations_are_evaluated_unless_an_action_says_otherwise(provider: SandboxProvider) -> None:
    seen, _ = await _play(provider, "interpreter", {}, ADD, "```\ndef add(a: Unknown, b):\n    return a + b\n```")
    assert "Unknown" in seen[0].text


async def test_code_that_no_parser_takes_is_an_error_of_the_action(provider: SandboxProvider) -> None:
    deep = f"{'-' * 200_000}1"
    seen, scores = await _play(provider, "interpreter", {}, ADD, MINE, deep, "submit mine")
    assert "Error" in seen[1].text
    assert scores.exact == 1.0


@pytest.mark.parametrize(
    ("kind", "public", "gold", "action"),
    [
        ("bash", {"files": FILES}, "wc -l < /data/a.txt", "wc -l < /data/a.txt"),
        ("sql", {"script": STARS}, "SELECT name FROM star WHERE size > 3", "SELECT name FROM star WHERE size > 3"),
    ],
)
async def test_shells_and_databases_understand_the_end_as_well(
    provider: SandboxProvider, kind: str, public: Mapping[str, Any], gold: str, action: str
) -> None:
    endings = ("submit.", "`submit`", "submit()", "Thought: all is said.\nsubmit", "Done.\n\nsubmit")
    seen, scores = await _play(provider, kind, public, {"gold": gold}, action, *endings)
    assert [observation.done for observation in seen[1:]] == [True] * 5
    assert scores.exact == 1.0


async def test_giving_up_after_a_thought_is_giving_up(provider: SandboxProvider) -> None:
    seen, scores = await _play(provider, "bash", {}, {"gold": "pwd"}, "pwd", "Thought: I cannot do this.\nskip")
    assert (seen[-1].text, seen[-1].done, scores.exact) == ("skipped", True, 0.0)


async def test_flags_may_stand_in_brackets_and_quotes(provider: SandboxProvider) -> None:
    endings = ("submit(flag{1})", "submit `flag{1}`", "Thought: found it.\nsubmit flag{1}")
    seen, scores = await _play(provider, "ctf", {}, {"gold": "flag{1}"}, *endings)
    assert [observation.text for observation in seen] == ["submitted flag{1}"] * 3
    assert scores.exact == 1.0


@pytest.mark.parametrize(
    ("ending", "gold"),
    [
        ("submit flag{a b}", "flag{a b}"),
        ("submit flag{a b}.", "flag{a b}"),
        ("submit flag: flag{1}", "flag{1}"),
        ("submit The flag is flag{1}.", "flag{1}"),
        ("submit flag{1} which was in the file", "flag{1}"),
        ("submit 17 because it is prime", "17"),
        ("submit flag{1}.", "flag{1}."),
        ("submit correct horse", "correct horse"),
        ("submit flag{1}", "flag{1}\n"),
        ("submit flag{1}", " flag{1}"),
        ("submit (12, 5)", "(12, 5)"),
        ("submit 'x'", "'x'"),
        ("Thought: it is this.\nsubmit `x`", "`x`"),
    ],
)
async def test_a_flag_may_hold_blanks_and_stand_among_words(provider: SandboxProvider, ending: str, gold: str) -> None:
    _, scores = await _play(provider, "ctf", {}, {"gold": gold}, ending)
    assert scores.exact == 1


@pytest.mark.parametrize("ending", ["submit flag{a", "submit flag{b} flag{a b}", "submit b flag{a b", "submit"])
async def test_another_flag_is_wrong(provider: SandboxProvider, ending: str) -> None:
    _, scores = await _play(provider, "ctf", {}, {"gold": "flag{a b}"}, ending)
    assert scores.exact == 0


@pytest.mark.parametrize("gold", ["", " ", "''", "!", "flag{\n}"])
def test_a_flag_that_nobody_can_submit_is_told_before_a_run(gold: str) -> None:
    instance = Instance(id="t", goal="do it", public={}, hidden={"gold": gold})
    with pytest.raises(TaskError, match="nobody can submit this flag"):
        CtfEnvironment.check(instance)


async def test_a_folder_of_flags_may_have_any_name(provider: SandboxProvider) -> None:
    public = {"folder": "/my $(files)", "files": {"/my $(files)/a": "x"}, "setup": "echo done > b"}
    seen, _ = await _play(provider, "ctf", public, {"gold": "flag{1}"}, "ls")
    assert seen[0].text.split() == ["a", "b"]


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        ("Thought: count.\n```wc -l < /data/a.txt```", "2"),
        ("```bash cat /data/a.txt```", "one\ntwo"),
        ("```sh /data/run.sh```", "ran"),
        ("```\r\nwc -l < /data/a.txt\r\n```\r\nThat counts.", "2"),
        ("1. Count:\n\n   ```bash\n   wc -l < /data/a.txt\n   ```\n", "2"),
        ("```bash\ncat <<'EOF'\n```\nls\n```\nEOF\n```\nDone.", "```\nls\n```"),
    ],
    ids=["one line", "a language before it", "a shell before a file", "CRLF", "a list", "a here-document"],
)
async def test_commands_are_found_in_the_markdown_of_models(provider: SandboxProvider, reply: str, shown: str) -> None:
    seen, _ = await _play(provider, "bash", {"files": FILES}, {"gold": "pwd"}, reply)
    assert shown in seen[0].text
