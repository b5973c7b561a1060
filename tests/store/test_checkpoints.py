from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import pytest

from loopwright.errors import StoreError
from loopwright.store import RunStore
from tests.store.support import new_run

pytestmark = pytest.mark.anyio


class State(TypedDict):
    iteration: int


@dataclass
class Foreign:
    """A type that must not come to life when a file is read."""

    command: str


def counting(saver: Any) -> Any:
    from langgraph.graph import END, START, StateGraph

    graph = StateGraph(State)
    graph.add_node("step", lambda state: {"iteration": state["iteration"] + 1})
    graph.add_edge(START, "step")
    graph.add_conditional_edges("step", lambda state: END if state["iteration"] >= 3 else "step")
    return graph.compile(checkpointer=saver)


async def test_state_is_kept_across_openings(tmp_path: Path) -> None:
    store = new_run(tmp_path / "run")
    config = {"configurable": {"thread_id": "e"}}
    async with store.checkpointer() as saver:
        await counting(saver).ainvoke({"iteration": 0}, config)
    store.close()
    store = RunStore.open(tmp_path / "run")
    async with store.checkpointer() as saver:
        state = await counting(saver).aget_state(config)
    store.close()
    assert state.values == {"iteration": 3}
    with sqlite3.connect(tmp_path / "run" / "checkpoints.sqlite") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


async def test_foreign_types_are_not_rebuilt_whatever_the_environment_says(tmp_path: Path) -> None:
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    blob = JsonPlusSerializer(allowed_msgpack_modules=True).dumps_typed(Foreign("rm -rf"))
    store = new_run(tmp_path / "run")
    async with store.checkpointer() as saver:
        assert not isinstance(saver.serde.loads_typed(blob), Foreign)
    store.close()


_SENT = {
    "no database": "",
    "a view": "CREATE VIEW writes AS SELECT 1 AS thread_id",
    "other columns": "CREATE TABLE checkpoints (a); CREATE TABLE writes (a)",
    "a trigger": "CREATE TABLE t (a); CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM t; END",
}


@pytest.mark.parametrize("kind", _SENT)
async def test_a_file_that_was_sent_in_the_place_of_checkpoints_is_refused(tmp_path: Path, kind: str) -> None:
    store = new_run(tmp_path / "run")
    path = tmp_path / "run" / "checkpoints.sqlite"
    if kind == "no database":
        path.write_bytes(b"x" * 10_000)
    else:
        with sqlite3.connect(path) as connection:
            connection.executescript(_SENT[kind])
        connection.close()
    with pytest.raises(StoreError, match="cannot keep checkpoints"):
        async with store.checkpointer():
            pass
    store.close()


async def test_rows_that_cannot_be_read_are_none(tmp_path: Path) -> None:
    store = new_run(tmp_path / "run")
    config = {"configurable": {"thread_id": "e"}}
    async with store.checkpointer() as saver:
        await counting(saver).ainvoke({"iteration": 0}, config)
    with closing(sqlite3.connect(tmp_path / "run" / "checkpoints.sqlite")) as connection, connection:
        connection.execute("UPDATE checkpoints SET checkpoint = x'c1ff'")
    async with store.checkpointer() as saver:
        assert await counting(saver).ainvoke({"iteration": 0}, config) == {"iteration": 3}
    store.close()


@pytest.mark.slow
async def test_a_file_that_another_program_has_locked_is_not_to_be_taken_away(tmp_path: Path) -> None:
    """SQLite waits five seconds for the lock."""
    store = new_run(tmp_path / "run")
    async with store.checkpointer():
        pass
    other = sqlite3.connect(tmp_path / "run" / "checkpoints.sqlite")
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="another program has it open") as told:
        async with store.checkpointer():
            pass
    other.close()
    store.close()
    assert told.value.remedy == "End that program, and resume the run."
