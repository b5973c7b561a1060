"""Whatever stands in a file, loading it ends with a task or with a `TaskError` that names the file."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from loopwright.errors import TaskError
from loopwright.task import load_task

_LINES = [
    "version: 1",
    "name: t",
    "goal: {template: '{{ id }}'}",
    "environment: {name: python, hidden: {a: {template: '{{ b }}'}}}",
    "data: [{id: a, b: 1}, {id: b, hidden: {b: 2}}]",
    "data: {file: x.csv, hidden: [b]}",
    "loop: {file: task.yaml}",
    "models: {proposer: '${HOME}/x'}",
    "budget:",
    "  run: {usd: 1e3}",
    "\tx",
    "- a",
    "? b",
    "&a *a",
    "!!x y",
    "...",
    "---",
    "[" * 50,
]
_bytes = (
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.lists(st.sampled_from(_LINES), max_size=8).map(lambda lines: "\n".join(lines).encode())
    | st.lists(st.sampled_from("{}[]:,-?&*!|>'\"%@` \n\tab1~#$"), max_size=60).map(lambda s: "".join(s).encode())
)


@settings(max_examples=300, deadline=None)
@given(content=_bytes, records=_bytes)
@example(content=b"version: 1\nname: t\ngoal: g\nenvironment: {name: x}\ndata: {file: x.csv}\n", records=b'"a\n')
def test_nothing_else_is_raised(tmp_path_factory: pytest.TempPathFactory, content: bytes, records: bytes) -> None:
    folder = tmp_path_factory.getbasetemp() / "fuzz"
    folder.mkdir(exist_ok=True)
    path = folder / "task.yaml"
    path.write_bytes(content)
    (folder / "x.csv").write_bytes(records)
    with contextlib.suppress(TaskError):
        load_task(path).instances()
