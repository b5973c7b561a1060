"""Sections `environment` that are made in Python."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from loopwright import Task, bash_environment, environments, python_environment
from loopwright.environments import BUILTIN_ENVIRONMENTS
from loopwright.errors import TaskError
from loopwright.task import EnvironmentOptions, Instance

VALUES: dict[str, Any] = {
    "files": {"/a.py": "x = 1\n"},
    "tables": {"t": ["a"]},
    "solution": "def a(): ...\n",
    "tests": "def test_a(): ...\n",
    "hidden_tests": "def test_a(): ...\n",
    "scoring": "exact",
    "engine": "sqlite",
    "script": "CREATE TABLE t (a int);",
    "assets": None,
    "fixture": None,
    "dump": None,
    "folder": "/ctf",
    "cwd": "/",
    "entry": "solution.py",
    "timeout": 3.0,
    "rows": 9,
}
OF_KIND: dict[str, dict[str, Any]] = {
    "bash": {
        "gold": "",
        "tests": {"test.sh": "true"},
        "tests_timeout": 3.0,
        "tests_env": {"A": "b"},
        "artifacts": ["/data"],
        "solution": {"solve.sh": "true"},
        "env": {"A": "b"},
    },
    "interpreter": {"tests": ["assert f() == 1"]},
    "python": {"files": {"a.py": "x = 1\n"}},
}


def builder(name: str) -> Callable[..., EnvironmentOptions]:
    made: Callable[..., EnvironmentOptions] = getattr(environments, f"{name}_environment")
    return made


def _value(name: str, annotation: str) -> Any:
    return True if annotation.startswith("bool") else VALUES.get(name, "x")


@pytest.mark.parametrize("name", BUILTIN_ENVIRONMENTS)
def test_each_environment_has_a_builder_whose_every_keyword_it_knows(name: str) -> None:
    build = builder(name)
    parameters = inspect.signature(build).parameters
    fields = {key: _value(key, parameter.annotation) for key, parameter in parameters.items()}
    task = Task(name="t", goal="g", environment=build(**{**fields, **OF_KIND.get(name, {})}))
    (instance,) = task.instances()
    BUILTIN_ENVIRONMENTS[name].check(instance)  # type: ignore[attr-defined] # the optional check before a run


def test_a_field_that_is_left_out_comes_from_the_records() -> None:
    data = [{"id": "a", "hidden": {"gold": "pwd"}}]
    section = bash_environment(setup="mkdir /x")
    task = Task.model_validate({"name": "t", "goal": "g", "environment": section, "data": data})
    assert task.instances() == (Instance(id="a", goal="g", public={"setup": "mkdir /x"}, hidden={"gold": "pwd"}),)


def test_what_no_agent_may_see_is_hidden() -> None:
    section = python_environment(tests="def test_a(): ...", hidden_tests="def test_b(): ...", solution="x = 1")
    (instance,) = Task(name="t", goal="g", environment=section).instances()
    assert instance.public == {"tests": "def test_a(): ..."}
    assert instance.hidden == {"tests": "def test_b(): ...", "solution": "x = 1"}


def test_a_wrong_value_is_refused_where_the_environment_looks() -> None:
    (instance,) = Task(name="t", goal="g", environment=bash_environment(gold="pwd", cwd=3)).instances()  # type: ignore[arg-type] # the point
    with pytest.raises(TaskError, match=r"environment\.cwd"):
        BUILTIN_ENVIRONMENTS["bash"].check(instance)  # type: ignore[attr-defined] # the optional check before a run
