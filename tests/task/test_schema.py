from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from loopwright.task import task_schema

_GOOD = {"version": 1, "name": "t", "goal": "g", "environment": {"name": "python", "tests": {"file": "t.py"}}}


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = task_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_the_bundled_tasks_fit(validator: Draft202012Validator, repository: Path) -> None:
    files = sorted((repository / "examples" / "python").glob("*.yaml"))
    assert files
    for file in files:
        assert list(validator.iter_errors(yaml.safe_load(file.read_text()))) == [], file


@pytest.mark.parametrize(
    "fields",
    [
        {"goal": {"file": "goal.md"}},
        {"goal": {"template": "{{ x }}"}},
        {"data": [{"id": "a", "goal": "h", "hidden": {"x": 1}, "y": 2}]},
        {"data": {"file": "x.csv", "hidden": ["gold"], "limit": 3}},
        {"repeats": "${N:-3}", "seed": None, "accept": "${ACCEPT}"},
        {"loop": {"file": "loop.yaml"}},
        {"loop": {"max_iterations": "${N}", "confirm": False, "grade": "all"}},
        {"budget": {"usd": 1.5, "run": {"usd": "${USD:-5}"}}},
        {"matrix": {"models": ["a/b"], "seeds": [1]}},
        {"session": {}},
        {"session": {"memory": {"turns": "${TURNS:-20}", "tokens": 500}}, "drift": {"first": 200, "fail": True}},
        {"session": {}, "drift": {"baseline": "b.json", "mitigations": {"routing": {"models": ["a/b", "c/d"]}}}},
        {"session": {"file": "session.yaml"}, "drift": {"file": "drift.yaml"}},
    ],
)
def test_what_loads_fits(validator: Draft202012Validator, fields: dict[str, Any]) -> None:
    assert list(validator.iter_errors({**_GOOD, **fields})) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"version": 2},
        {"zzz": 1},
        {"repeats": "many"},
        {"repeats": 0},
        {"loop": {"max_iteration": 3}},
        {"sandbox": {"provider": "chroot"}},
        {"models": {"jury": "a/b"}},
        {"data": {"file": "x.csv", "hiden": []}},
        {"data": [{"goal": "no id"}]},
        {"session": {"memory": {"turn": 3}}},
        {"drift": {"first": 20}},
        {"drift": {"first": 200, "mitigations": {"consolidate": {}}}},
    ],
)
def test_what_does_not_load_does_not_fit(validator: Draft202012Validator, fields: dict[str, Any]) -> None:
    assert list(validator.iter_errors({**_GOOD, **fields})) != []
