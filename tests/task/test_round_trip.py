"""YAML and Python make the same task: what is written down loads as what it was."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopwright.errors import TaskError
from loopwright.task import EnvironmentOptions, Task, Template, dump_task, load_task

_Any = st.SearchStrategy[Any]


def _no_reference(value: Any) -> bool:
    return set(value) not in ({"file"}, {"template"})


_text = st.text(max_size=12) | st.sampled_from(["${X}", "0e0", "no", "null", "1:30", "{{ x }}", "a: b\n  # c\n", "\t"])
_seed = st.integers(-(2**63), 2**63 - 1)
_name = st.text("abcXYZ019", min_size=1, max_size=8)
_leaf: _Any = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _text
_fields: _Any = st.dictionaries(_text, _leaf | st.lists(_leaf, max_size=2), max_size=3).filter(_no_reference)
_value: _Any = _leaf | st.lists(_fields, max_size=2) | _fields
_extra: _Any = st.dictionaries(st.text(min_size=4, max_size=8), _value, max_size=2)

_record: _Any = st.builds(
    lambda extra, goal, hidden: {**extra, "goal": goal, "hidden": hidden, "vars": hidden},
    _extra,
    st.none() | _text,
    _fields,
)
_required: dict[str, _Any] = {
    "name": _name,
    "goal": _text.filter(str.strip) | st.just({"template": "{{ id }}\n"}),
    "environment": st.builds(
        lambda extra, name, hidden: {**extra, "name": name, "hidden": hidden}, _extra, _text, _fields
    ),
    "data": st.lists(_record, max_size=3).map(lambda rows: [{**row, "id": str(n)} for n, row in enumerate(rows)]),
}
_optional: dict[str, _Any] = {
    "agents": st.fixed_dictionaries({"proposer": _text, "verifier": st.none() | _text}),
    "model": st.none() | _text,
    "models": st.dictionaries(st.sampled_from(["proposer", "critic", "verifier"]), _text),
    "loop": st.fixed_dictionaries({"strategy": _text, "confirm": st.booleans(), "plateau": st.none() | st.just(3)}),
    "matrix": st.builds(lambda models, seeds: {"models": models, "seeds": seeds}, st.lists(_text), st.lists(_seed)),
    "budget": st.builds(lambda usd, n: {"usd": usd, "run": {"tokens": n}}, st.floats(0, 1e9), st.integers(1)),
    "session": st.builds(lambda turns: {"memory": {"turns": turns}}, st.integers(0, 99)),
    "drift": st.builds(lambda first, fail: {"first": first, "fail": fail}, st.integers(200, 999), st.booleans()),
    "sandbox": st.fixed_dictionaries({"image": _text, "cpus": st.floats(0.01, 64), "require": st.just(["network"])}),
    "repeats": st.integers(1, 10),
    "seed": st.none() | _seed,
    "accept": st.none() | st.floats(0, 1),
}


@settings(max_examples=100, deadline=None)
@given(fields=st.fixed_dictionaries(_required, optional=_optional))
def test_a_task_written_down_loads_as_the_same_task(
    tmp_path_factory: pytest.TempPathFactory, fields: dict[str, Any]
) -> None:
    task = Task.model_validate(fields)
    path = tmp_path_factory.getbasetemp() / "round_trip.yaml"
    path.write_text(dump_task(task), encoding="utf-8")
    again = load_task(path)
    assert again == task
    assert again.digest == task.digest
    assert again.instances() == task.instances()


def test_what_would_read_as_an_include_is_not_written_down() -> None:
    task = Task(name="t", goal="g", environment=EnvironmentOptions.model_validate({"name": "x", "y": {"file": "z"}}))
    with pytest.raises(TaskError, match="only key is `file`"):
        dump_task(task)


def test_a_dumped_task_reads_well() -> None:
    task = Task(name="t", goal=Template(template="Write\n{{ f }}.\n"), environment=EnvironmentOptions(name="python"))
    assert dump_task(task) == (
        "version: 1\nname: t\ngoal:\n  template: |\n    Write\n    {{ f }}.\nenvironment:\n  name: python\n"
    )
