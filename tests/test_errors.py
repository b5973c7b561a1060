"""The exception tree: what its docstring draws is what there is."""

from __future__ import annotations

import re

import pytest

from loopwright import errors
from loopwright.errors import Cause, LoopwrightError, TaskError


def every(kind: type[LoopwrightError]) -> list[type[LoopwrightError]]:
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in every(child))]


def test_the_docstring_draws_the_whole_tree() -> None:
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")
    assert sorted(drawn) == sorted(kind.__name__ for kind in every(LoopwrightError)[1:])


@pytest.mark.parametrize("kind", every(LoopwrightError))
def test_only_what_the_agent_caused_is_a_score(kind: type[LoopwrightError]) -> None:
    assert kind.scored == (kind.cause is Cause.AGENT)


def test_the_remedy_stands_below_the_message() -> None:
    assert str(LoopwrightError("it broke", remedy="Mend it.")) == "it broke\n  Mend it."
    assert str(LoopwrightError("it broke")) == "it broke"


def test_a_task_error_points_at_its_place() -> None:
    error = TaskError("unknown key 'x'", path="t.yaml", line=3, column=5)
    assert str(error) == "t.yaml:3:5: unknown key 'x'"
