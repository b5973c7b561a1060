"""Broken task files: each message names the file, the line, what is wrong and what to write instead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from loopwright.errors import TaskError
from loopwright.task import Record, Task, load_task

_GOOD = "version: 1\nname: t\ngoal: g\nenvironment: {name: python}\n"

# Name, text of the file, line, what is wrong, what to write instead.
_BROKEN: list[tuple[str, str, int | None, str, str]] = [
    ("empty", "", None, "the file is empty", "loopwright init"),
    ("comments only", "# nothing\n", None, "the file is empty", "loopwright init"),
    ("a list", "- version: 1\n", 1, "a task file is a mapping", "version: 1"),
    ("no version", "name: t\n", 1, "the key `version` is missing", "version: 1"),
    ("no version but a session", _GOOD.partition("\n")[2] + "session: {}\n", 1, "`version` is missing", "version: 1"),
    ("newer version", _GOOD.replace("version: 1", "version: 2"), 1, "version 2 of the format", "newer loopwright"),
    ("no goal", _GOOD.replace("goal: g\n", ""), 1, "the key 'goal' is missing", "Add `goal:`"),
    ("misspelt key", _GOOD.replace("goal: g", "gaol: g"), 3, "unknown key 'gaol'", "Did you mean 'goal'?"),
    ("misspelt version", _GOOD.replace("version", "verison"), 1, "unknown key 'verison'", "Did you mean 'version'?"),
    ("misspelt nested key", _GOOD.replace("name: p", "nmae: p"), 4, "unknown key 'environment.nmae'", "mean 'name'?"),
    ("misspelt key of a record", _GOOD + "data:\n  - idd: a\n", 6, "unknown key 'data.0.idd'", "Did you mean 'id'?"),
    ("misspelt and more", _GOOD.replace("goal: g", "gaol: g") + "repeats: x\n", 3, "'gaol' (and 1 more)", "'goal'?"),
    ("truth as a cap", _GOOD + "budget:\n  model_calls: true\n", 6, "model_calls: should be a valid int", "whole"),
    ("truth as a price", _GOOD + "budget:\n  usd: false\n", 6, "budget.usd: should be a valid number", "0.5"),
    ("truth as a seed", _GOOD + "matrix:\n  seeds: [1, true]\n", 6, "matrix.seeds: should be a valid integer", "whole"),
    ("truth as a threshold", _GOOD + "loop:\n  threshold: true\n", 6, "threshold: should be a valid number", "0.5"),
    ("truth as a time-out", _GOOD + "sandbox: {timeout: true}\n", 5, "timeout: should be a valid number", "0.5"),
    ("endless time-out", _GOOD + "sandbox: {timeout: 1.0e+300}\n", 5, "sandbox.timeout: should", "at most 604800"),
    ("too much memory", _GOOD + f"sandbox: {{memory_mb: {10**21}}}\n", 5, "sandbox.memory_mb: should", "16777216"),
    ("a cap of 401 digits", _GOOD + f"budget: {{tokens: {10**400}}}\n", 5, "between -10^100 and 10^100", ""),
    ("a cap as text", _GOOD + f"budget: {{tokens: '{10**400}'}}\n", 5, "a number lies between -10^100 and 10^100", ""),
    ("a large cap on cost", _GOOD + "budget: {usd: 1.0e+300}\n", 5, "a number lies between -10^100 and 10^100", ""),
    ("a large seed", _GOOD + f"seed: {10**100}\n", 5, "seed: should be less than 9223372036854775808", ""),
    (
        "a long chain in a template",
        _GOOD.replace("goal: g", "goal: {template: \"{{ 1" + "+1" * 100_000 + " }}\"}"),
        3,
        "the template has too many parts",
        "",
    ),
    ("empty goal", _GOOD.replace("goal: g", "goal: '  '"), 1, "the goal is empty", ""),
    ("goal is a number", _GOOD.replace("goal: g", "goal: 3"), 3, "goal: should be a valid string, not 3", "quotes"),
    ("unknown key", _GOOD + "budgets: {}\n", 5, "unknown key 'budgets'", "Did you mean 'budget'?"),
    ("foreign key", _GOOD + "zzz: 1\n", 5, "unknown key 'zzz'", "Known keys here: accept, agents, budget"),
    (
        "unknown nested key",
        _GOOD + "loop:\n  strategy: refine\n  max_iteration: 3\n",
        7,
        "unknown key 'loop.max_iteration'",
        "Did you mean 'max_iterations'?",
    ),
    (
        "unknown deep key",
        _GOOD + "budget:\n  run:\n    dollars: 3\n",
        7,
        "unknown key 'budget.run.dollars'",
        "Known keys here: images, model_calls, sandbox_seconds, seconds, tokens, usd, working_seconds.",
    ),
    ("wrong type", _GOOD + "repeats: many\n", 5, "repeats: should be a valid integer", "whole number"),
    ("too small", _GOOD + "loop: {max_iterations: 0}\n", 5, "loop.max_iterations: should be greater", "more than 0"),
    ("infinite", _GOOD + "budget: {usd: .inf}\n", 5, "budget.usd: should be a valid number", "Write a number"),
    ("text for a section", _GOOD + "sandbox: docker\n", 5, "sandbox: ", "indented"),
    ("a choice", _GOOD + "sandbox: {provider: dokcer}\n", 5, "'auto', 'docker' or 'bubblewrap'", "mean 'docker'"),
    ("a role", _GOOD + "models:\n  proposr: x/y\n", 6, "models.proposr: should be 'proposer'", "mean 'proposer'"),
    ("a name", _GOOD.replace("name: t", "name: a b/c"), 2, "name: 'a b/c' cannot be a name", "hyphens"),
    ("no environment name", _GOOD.replace("name: python", "tests: x"), 4, "'environment.name' is missing", "Add `name"),
    ("indentation", "version: 1\nloop:\n   strategy: a\n  grade: all\n", 4, "did not find expected key", "same column"),
    ("tab", "version: 1\nloop:\n\tstrategy: a\n", 3, "a tab indents this line", "spaces"),
    ("colon", "version: 1\ngoal: a: b\n", 2, "mapping values are not allowed", "quotes"),
    ("open quote", "version: 1\ngoal: 'never\n  ends\n", 2, "unexpected end", "Close the quotes"),
    ("two keys", _GOOD + "goal: again\n", 5, "the key 'goal' is given twice", "Keep one"),
    ("key is a number", "version: 1\n1: x\n", 2, "a key must be text, not 1", "quotes"),
    ("key is a list", "version: 1\n? [a]\n: x\n", 2, "a key must be text", "key: value"),
    ("second document", _GOOD + "---\nversion: 1\n", 5, "a second document begins here", "Keep one document"),
    ("tag", _GOOD + "seed: !!python/object/apply:os.system ['true']\n", 5, "os.system is not taken", "without tags"),
    ("alias", "version: 1\nname: &n t\ngoal: *n\n", 3, "anchors and aliases are not taken", "Write the value out"),
    ("merge key", "version: 1\nloop: &l {}\nbudget: {<<: *l}\n", 3, "anchors and aliases", "Write the value out"),
    ("deep", "version: 1\ngoal: " + "[" * 50 + "]" * 50, 2, "nested more than 40 deep", "flatter"),
    ("control character", "version: 1\ngoal: a\x1bb\n", 2, "the character U+001B", "escape"),
    ("long number", _GOOD + "seed: " + "9" * 5000 + "\n", 5, "the number is too large", "quotes"),
    ("large number", _GOOD + "accept: 1e999\n", 5, "the number is too large", "quotes"),
    ("missing include", _GOOD + "agents: {file: no.yaml}\n", 5, "`file: no.yaml`: there is no such file", "Check"),
    ("missing text", _GOOD.replace("goal: g", "goal: {file: no.md}"), 3, "there is no such file", "Check the path"),
    ("outside", _GOOD.replace("goal: g", "goal: {file: ../x}"), 3, "`file: ../x` leaves the project", "Put the file"),
    ("absolute", _GOOD.replace("goal: g", "goal: {file: /etc/passwd}"), 3, "leaves the project", "Put the file"),
    ("include a list", _GOOD.replace("goal: g", "goal: {file: [a]}"), 3, "`file:` takes a path", "as text"),
    ("variable", _GOOD + "model: ${NO_SUCH_VARIABLE}\n", 5, "NO_SUCH_VARIABLE is not set", "${NO_SUCH_VARIABLE:-"),
    ("broken variable", _GOOD + "model: a${b c}\n", 5, "`${` does not begin a variable", "written $${"),
    ("same id", _GOOD + "data:\n  - id: a\n  - id: b\n  - id: a\n", 8, "the data id 'a' is taken", "its own `id`"),
    ("no id", _GOOD + "data:\n  - id: a\n  - x: 1\n", 7, "the key 'data.1.id' is missing", "Add `id:`"),
    ("undefined", _GOOD.replace("goal: g", "goal: {template: '{{ x }}'}"), 3, "record 't': 'x' is undefined", "Fields"),
    ("hidden in a goal", _GOOD.replace("goal: g", "goal: {template: '{{ gold }}'}")
     + "data: [{id: a, hidden: {gold: 4}}]\n", 3, "'gold' is undefined", "Fields of this record: id."),
    ("which record", _GOOD.replace("goal: g", "goal: {template: '{{ x }}'}") + "data:\n  - {id: a, x: 1}\n  - id: b\n",
     3, "record 'b': 'x' is undefined (task.yaml, line 7)", "Fields"),
    ("misspelt vars", _GOOD.replace("goal: g", "goal: {template: '{{ x }}'}") + "data:\n  - {id: a, var: {x: 1}}\n",
     3, "record 'a': 'x' is undefined (task.yaml, line 6)", "Did you mean 'vars' by 'var'?"),
    ("template syntax", _GOOD.replace("goal: g", "goal: {template: '{{ x'}"), 3, "line 1 of the template", "field"),
    ("data format", _GOOD + "data: {file: x.parquet}\n", 5, "format x.parquet has is not known", "csv, tsv, jsonl"),
    ("data option", _GOOD + "data: {file: x.csv, hiden: [a]}\n", 5, "unknown key 'data.hiden'", "mean 'hidden'"),
    ("no data file", _GOOD + "data: {file: x.csv}\n", 5, "`file: x.csv`: there is no such file", "Check the path"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "wrong", "remedy"), [case[1:] for case in _BROKEN], ids=[c[0] for c in _BROKEN]
)
def test_the_message_says_where_what_and_what_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, line: int | None, wrong: str, remedy: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("task.yaml").write_text(text)
    with pytest.raises(TaskError) as caught:
        load_task("task.yaml")
    assert caught.value.path == "task.yaml"
    assert caught.value.line == line
    assert wrong in caught.value.args[0]
    assert remedy in caught.value.remedy
    assert bool(caught.value.remedy) or wrong == "the goal is empty"


# Name, file, its text, the task's `data`, line, what is wrong, what to write instead.
_BROKEN_DATA = [
    ("ragged", "x.csv", "id,x\na,1\nb,2,3\n", "", 3, "this row has 3 cells, the heading 2", "double quotes"),
    ("after a long cell", "x.csv", 'id,x\n"a\nb",1\nc\n', "", 4, "this row has 1 cells", "double quotes"),
    ("open cell", "x.csv", 'id,x\na,"1\n', "", 2, "unexpected end of data", "close every quoted cell"),
    ("same column", "x.csv", "id,x,x\n", "", 1, "two columns have one name", "Name every column"),
    ("nameless column", "x.csv", "id,,x\n", "", 1, "a column has no name", "Name every column"),
    ("not json", "x.jsonl", '{"id": 1}\n\n{"id": 2\n', "", 3, "not JSON", "one JSON object per line"),
    ("json list", "x.jsonl", "[1]\n", "", 1, "a record is a mapping", "with their names"),
    ("json NaN", "x.jsonl", '{"x": NaN}\n', "", 1, "NaN is not a JSON number", "one JSON object"),
    ("json twice", "x.jsonl", '{"x": 1, "x": 2}\n', "", 1, "given twice", "one JSON object"),
    ("json infinity", "x.jsonl", '{"id": 1}\n{"x": 1e999}\n', "", 2, "the number is too large", "one JSON object"),
    ("json half", "x.jsonl", '{"x": "\\ud83d"}\n', "", 1, "half a character, U+D83D", "one JSON object"),
    ("list half", "x.json", '[{"id": 1},\n{"x": "\\ud83d"}]\n', "", 2, "half a character, U+D83D", "Check quotes"),
    ("list infinity", "x.json", '[{"id": 1},\n{"x": 1e999}]\n', "", 2, "the number is too large", "Check quotes"),
    ("json depth", "x.jsonl", "[" * 200_000 + "\n", "", 1, "not JSON", "one JSON object"),
    ("yaml mapping", "x.yaml", "id: a\n", "", 1, "a data file is a list", "`- `"),
    ("yaml text", "x.yaml", "- id: a\n- b\n", "", 2, "a record is a mapping", "with their names"),
    ("same id", "x.csv", "id\na\nb\na\n", "", 4, "the data id 'a' is taken", "its own `id`"),
    ("no hidden field", "x.csv", "id,x\na,1\n", ", hidden: [y]", 2, "the record has no field 'y'", "x"),
    ("no field", "x.csv", "id,x\na,1\n", ", fields: [y]", 2, "the record has no field 'y'", "x"),
    ("id is a list", "x.jsonl", '{"id": [1]}\n', "", 1, "data.0.id: should be a valid string", "Write text"),
    ("goal is a number", "x.jsonl", '{"goal": 3}\n', "", 1, "data.0.goal: should be a valid string", "Write text"),
]


@pytest.mark.parametrize(
    ("file", "text", "options", "line", "wrong", "remedy"),
    [c[1:] for c in _BROKEN_DATA],
    ids=[c[0] for c in _BROKEN_DATA],
)
def test_data_errors_name_the_data_files_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, text: str, options: str, line: int, wrong: str,
    remedy: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path(file).write_text(text)
    Path("task.yaml").write_text(_GOOD + f"data: {{file: {file}{options}}}\n")
    with pytest.raises(TaskError) as caught:
        load_task("task.yaml")
    assert (caught.value.path, caught.value.line) == (file, line)
    assert wrong in caught.value.args[0]
    assert remedy in caught.value.remedy


def test_a_misspelt_column_of_names_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.csv").write_text("name,x\na,1\n")
    Path("task.yaml").write_text(_GOOD + "data:\n  file: x.csv\n  id: nme\n")
    with pytest.raises(TaskError) as caught:
        load_task("task.yaml")
    assert str(caught.value).startswith("task.yaml:7:3: x.csv has no column 'nme'\n  Did you mean 'name'?")


def test_a_file_without_records_is_no_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.csv").write_text("id,x\n")
    Path("task.yaml").write_text(_GOOD + "data: {file: x.csv}\n")
    with pytest.raises(TaskError, match=r"task\.yaml:5:\d+: x\.csv holds no record"):
        load_task("task.yaml")


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "task.yaml"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(TaskError, match="the file has 100000000 bytes; at most 1000000 are read") as caught:
        load_task(path)
    assert "JSON lines" in caught.value.remedy


def test_a_file_that_is_not_utf_8_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "task.yaml"
    path.write_bytes(b"version: 1\nname: t\ngoal: caf\xe9\n")
    with pytest.raises(TaskError, match=re.escape(f"{path}:3: the file is not UTF-8")) as caught:
        load_task(path)
    assert caught.value.remedy == "Save it as UTF-8."


@pytest.mark.parametrize(("name", "wrong"), [("nowhere.yaml", "no such file"), (".", "not a regular file")])
def test_what_is_no_file_is_told(tmp_path: Path, name: str, wrong: str) -> None:
    with pytest.raises(TaskError, match=wrong):
        load_task(tmp_path / name)


def test_a_link_does_not_lead_out_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    project = tmp_path / "project"
    (project / "agents").mkdir(parents=True)
    (project / "link").symlink_to(tmp_path / "secret")
    (project / "task.yaml").write_text(_GOOD.replace("goal: g", "goal: {file: link}"))
    with pytest.raises(TaskError, match="leaves the project"):
        load_task(project / "task.yaml")


def test_a_link_to_itself_is_told_at_its_line(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "task.yaml").write_text(_GOOD.replace("goal: g", "goal: {file: loop}"))
    with pytest.raises(TaskError, match="`file: loop`: there is no such file") as caught:
        load_task(tmp_path / "task.yaml")
    assert caught.value.line == 3


@pytest.mark.parametrize("nested", ["[" * 300_000, "{a: " * 200_000, "\n" + "- " * 300_000, "? " * 200_000])
def test_deep_nesting_does_not_end_the_process(tmp_path: Path, nested: str) -> None:
    path = tmp_path / "task.yaml"
    path.write_text(f"version: 1\ngoal: {nested}")
    with pytest.raises(TaskError):
        load_task(path)


def test_a_billion_laughs_are_refused_at_the_first_alias(tmp_path: Path) -> None:
    path = tmp_path / "task.yaml"
    lines = ["a0: &a0 lol"] + [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 10) + "]" for n in range(1, 12)]
    path.write_text("\n".join(lines))
    with pytest.raises(TaskError, match="anchors and aliases are not taken") as caught:
        load_task(path)
    assert caught.value.line == 2


def test_several_problems_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "task.yaml"
    path.write_text(_GOOD + "repeats: many\naccept: 7\nloop: {grade: some}\n")
    with pytest.raises(TaskError, match=r"\(and 2 more\)"):
        load_task(path)


def test_an_error_in_an_included_section_points_into_that_file(tmp_path: Path) -> None:
    (tmp_path / "limits.yaml").write_text("memory_mb: 64\ntimeout: soon\n")
    (tmp_path / "task.yaml").write_text(_GOOD + "sandbox: {file: limits.yaml}\n")
    with pytest.raises(TaskError, match=r"sandbox\.timeout: should be a valid number") as caught:
        load_task(tmp_path / "task.yaml")
    assert (caught.value.path, caught.value.line) == (str(tmp_path / "limits.yaml"), 2)


def test_a_circle_of_includes_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("task.yaml").write_text(_GOOD + "loop: {file: a.yaml}\n")
    Path("a.yaml").write_text("file: b.yaml\n")
    Path("b.yaml").write_text("file: a.yaml\n")
    with pytest.raises(TaskError, match=r"task\.yaml -> a\.yaml -> b\.yaml -> a\.yaml") as caught:
        load_task("task.yaml")
    assert (caught.value.path, caught.value.line) == ("b.yaml", 1)
    assert caught.value.remedy == "Break the circle."


def test_an_object_cannot_hold_what_no_record_can() -> None:
    for field in (
        {"n": float("inf")},
        {"n": ["\ud83d"]},
        {"vars": {"\udc00": 1}},
        {"hidden": {"a": {"b": float("nan")}}},
    ):
        with pytest.raises(ValidationError):
            Record.model_validate({"id": "a", **field})
    with pytest.raises(ValidationError, match="half a character"):
        Task.model_validate({"name": "t", "goal": "\ud83d", "environment": {"name": "text"}})


def test_a_table_may_be_larger_than_a_text(tmp_path: Path) -> None:
    row = "p,1.0,2.0,a place far away from here\n"
    large = "id,latitude,longitude,context\n" + row * (1_000_000 // len(row) + 2)
    for name in ("places.csv", "places.txt"):
        (tmp_path / name).write_text(large)
        (tmp_path / "task.yaml").write_text(
            f"version: 1\nname: t\ngoal: g\nenvironment:\n  name: geo\n  places: {{file: {name}}}\n"
        )
        if name.endswith(".csv"):
            assert load_task(tmp_path / "task.yaml").environment.model_dump()["places"] == large
        else:
            with pytest.raises(TaskError, match="at most 1000000 are read"):
                load_task(tmp_path / "task.yaml")
