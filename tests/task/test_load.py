from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pytest

from loopwright.errors import TaskError
from loopwright.task import (
    Instance,
    LoopOptions,
    Record,
    Task,
    dump_task,
    load_task,
    open_task,
)

_GOOD = "version: 1\nname: t\ngoal: g\nenvironment: {name: python}\n"


class Load(Protocol):
    def __call__(self, text: str, files: Mapping[str, str] | None = None) -> Task: ...


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    monkeypatch.chdir(tmp_path)

    def from_text(text: str, files: Mapping[str, str] | None = None) -> Task:
        for name, content in (files or {}).items():
            Path(name).write_text(content, encoding="utf-8")
        Path("task.yaml").write_text(text, encoding="utf-8")
        return load_task("task.yaml")

    return from_text


def test_the_shortest_task_has_one_instance(load: Load) -> None:
    assert load(_GOOD).instances() == (Instance(id="t", goal="g"),)


def test_yaml_1_2_words(load: Load) -> None:
    task = load("version: 1\nname: no\ngoal: on\nenvironment: {name: x, a: 010, b: 1e3, c: 1:30, d: ~, e: 'true'}\n")
    assert (task.name, task.goal) == ("no", "on")
    assert task.environment.model_extra == {"a": 10, "b": 1000.0, "c": "1:30", "d": None, "e": "true"}


def test_byte_order_mark_and_windows_lines(load: Load) -> None:
    assert load("\ufeff" + _GOOD.replace("\n", "\r\n")) == load(_GOOD)


_ROWS = {
    "x.csv": 'id,n,gold\na,1,"one, two"\nb,2,"three\nfour"\n',
    "x.tsv": "id\tn\tgold\na\t1\tone, two\nb\t2\t\"three\nfour\"\n",
    "x.jsonl": '{"id": "a", "n": "1", "gold": "one, two"}\n\n{"id": "b", "n": "2", "gold": "three\\nfour"}',
    "x.yaml": "- {id: a, n: '1', gold: 'one, two'}\n- {id: b, n: '2', gold: \"three\\nfour\"}\n",
    "x.json": '[{"id": "a", "n": "1", "gold": "one, two"}, {"id": "b", "n": "2", "gold": "three\\nfour"}]',
}  # fmt: skip


@pytest.mark.parametrize("file", _ROWS)
def test_every_format_gives_the_same_records(load: Load, file: str) -> None:
    task = load(_GOOD + f"data: {{file: {file}, hidden: [gold]}}\n", {file: _ROWS[file]})
    assert task.data == (
        Record.model_validate({"id": "a", "n": "1", "hidden": {"gold": "one, two"}}),
        Record.model_validate({"id": "b", "n": "2", "hidden": {"gold": "three\nfour"}}),
    )


def test_fields_of_a_data_set_are_named(load: Load) -> None:
    task = load(
        _GOOD + "data: {file: x.jsonl, id: task_id, goal: text, hidden: [code, tests], limit: 2}\n",
        {"x.jsonl": "".join(f'{{"task_id": {n}, "text": "do {n}", "code": "c", "tests": ["t"]}}\n' for n in range(5))},
    )
    assert [(i.id, i.goal, i.public, i.hidden) for i in task.instances()] == [
        ("0", "do 0", {}, {"code": "c", "tests": ["t"]}),
        ("1", "do 1", {}, {"code": "c", "tests": ["t"]}),
    ]


_MBPP = """\
version: 1
name: t
goal: {template: 'Write {{ entry }}. {{ text }}'}
environment:
  name: python
  hidden: {tests: {template: '{% for line in test_list %}{{ line }};{% endfor %}'}}
data: {file: x.jsonl, id: task_id, hidden: [code, test_list], fields: [FIELDS]}
"""


@pytest.mark.parametrize(
    ("fields", "public", "hidden"),
    [("", {}, {"tests": "a;b;"}), ("entry, code", {"entry": "f.py"}, {"tests": "a;b;", "code": "c"})],
)
def test_fields_may_be_for_templates_only(
    load: Load, fields: str, public: dict[str, str], hidden: dict[str, str]
) -> None:
    row = '{"task_id": 7, "text": "do", "entry": "f.py", "code": "c", "test_list": ["a", "b"]}\n'
    (instance,) = load(_MBPP.replace("FIELDS", fields), {"x.jsonl": row}).instances()
    assert (instance.goal, instance.public, instance.hidden) == ("Write f.py. do", public, hidden)


def test_what_is_hidden_from_agents_is_hidden_from_their_templates(load: Load) -> None:
    row = '{"task_id": 7, "text": "do", "entry": "f.py", "code": "c", "test_list": []}\n'
    with pytest.raises(TaskError, match="'code' is undefined"):
        load(_MBPP.replace("FIELDS", "").replace("{{ text }}", "{{ code }}"), {"x.jsonl": row})


def test_records_without_a_name_are_numbered(load: Load) -> None:
    task = load(_GOOD + "data: {file: x.csv}\n", {"x.csv": "q\na\nb\n"})
    assert [record.id for record in task.data] == ["1", "2"]


def test_templates_are_filled_from_each_record(load: Load) -> None:
    task = load(
        "version: 1\nname: t\ngoal: {template: 'Write {{ f }}.'}\n"
        "environment:\n  name: python\n  tests: {template: 'assert {{ f }}() {{ \"{{\" }}'}\n"
        "  hidden: {tests: {template: 'assert {{ f }}() == {{ gold }}'}}\n"
        "data:\n  - {id: a, f: one, hidden: {gold: 1}}\n  - {id: b, f: two, goal: 'Just {{ this }}', tests: own}\n"
        "    , hidden: {gold: 2}}\n".replace("tests: own}\n    , hidden", "tests: own, hidden")
    )
    first, second = task.instances()
    assert (first.goal, first.public["tests"]) == ("Write one.", "assert one() {{")
    assert first.hidden == {"tests": "assert one() == 1", "gold": 1}
    assert (second.goal, second.public["tests"]) == ("Just {{ this }}", "own")


def test_templates_cannot_reach_out(load: Load) -> None:
    with pytest.raises(TaskError):
        load(_GOOD.replace("goal: g", "goal: {template: \"{{ ''.__class__.__mro__[1].__subclasses__() }}\"}"))


def test_braces_in_plain_text_are_plain(load: Load) -> None:
    assert load(_GOOD.replace("goal: g", "goal: 'a {{ b }} ${C}'")).instances()[0].goal == "a {{ b }} ${C}"


def test_variables(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVIDER", "openai")
    monkeypatch.setenv("N", "3")
    monkeypatch.setenv("NONE", "")
    task = load(
        _GOOD + "model: ${PROVIDER}/${MODEL:-gpt-5-mini}\nrepeats: ${N}\nseed: ${SEED:-null}\naccept: ${A:-0.5}\n"
        "budget: {usd: '${NONE:-1.5}'}\nloop: {confirm: '${CONFIRM:-false}'}\nsandbox: {image: '$${X}'}\n"
    )
    assert (task.model, task.repeats, task.seed, task.accept) == ("openai/gpt-5-mini", 3, None, 0.5)
    assert (task.budget.usd, task.loop.confirm, task.sandbox.image) == (1.5, False, "${X}")


@pytest.mark.parametrize("line", ["model: openai/${WHERE}", "accept: 0.5\nsandbox: {image: '${WHERE:-x}'}"])
def test_no_variable_brings_a_secret_by_its_value(load: Load, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.setenv("WHERE", "postgresql://me:canary@host/db")
    with pytest.raises(TaskError, match="the value of WHERE is a key, or a URL") as caught:
        load(_GOOD + line + "\n")
    assert "canary" not in str(caught.value)


def test_what_agents_see_holds_no_variables(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    task = load(
        "version: 1\nname: t\ngoal: echo ${OPENAI_API_KEY}\nenvironment: {name: x, y: '${OPENAI_API_KEY}'}\n"
        "data: [{id: a, z: '${OPENAI_API_KEY}'}]\n"
    )
    assert "sk-secret" not in dump_task(task)


def test_sections_are_included_and_may_include(load: Load, tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    shared = tmp_path / "shared"
    (shared / "texts").mkdir(parents=True)
    (shared / "environment.yaml").write_text("name: python\ntests: {file: texts/tests.py}\n")
    (shared / "texts" / "tests.py").write_text("assert 1\n")
    (shared / "loop.yaml").write_text("file: loop2.yaml\n")
    (shared / "loop2.yaml").write_text("strategy: ${STRATEGY:-single}\n")
    (tmp_path / "goal.md").write_text("do it")
    task = load(
        "version: 1\nname: t\ngoal: {file: goal.md}\nenvironment: {file: shared/environment.yaml}\n"
        "loop: {file: shared/loop.yaml}\n"
    )
    assert (task.goal, task.environment.model_extra) == ("do it", {"tests": "assert 1\n"})
    assert task.loop == LoopOptions(strategy="single")


def test_a_task_in_a_project_may_include_from_anywhere_in_it(tmp_path: Path) -> None:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "tasks").mkdir()
    (tmp_path / "goal.md").write_text("g")
    (tmp_path / "tasks" / "task.yaml").write_text(_GOOD.replace("goal: g", "goal: {file: ../goal.md}"))
    opened = open_task(tmp_path / "tasks" / "task.yaml")
    assert opened.task.goal == "g"
    assert opened.project == tmp_path


def test_an_opened_task_points_at_its_parts(load: Load) -> None:
    load(_GOOD + "loop:\n  strategy: refin\n")
    error = open_task("task.yaml").error("there is no such strategy", "loop", "strategy", remedy="refine")
    assert str(error) == "task.yaml:6:3: there is no such strategy\n  refine"


def test_a_key_that_later_versions_know_changes_no_digest() -> None:
    task = Task.model_validate({"name": "t", "goal": "g", "environment": {"name": "text"}})
    # Pinned: a new key at its default must leave it as it is.
    assert task.digest == "bcdd7ad539f1b2dba8e8df9c8ca0f499a59f3cd877e57060dc9c9de5d05e95e4"
    written = {"session": None, "drift": None, "sandbox": {"user": "user"}, "repeats": 1}
    assert Task.model_validate({**task.model_dump(), **written}).digest == task.digest
    assert task.model_copy(update={"repeats": 2}).digest != task.digest


def test_a_cell_may_be_as_long_as_its_file(load: Load) -> None:
    (instance,) = load(_GOOD + "data: {file: x.csv}\n", {"x.csv": f'id,q\na,"{"x" * 140_000}"\n'}).instances()
    assert len(instance.public["q"]) == 140_000
