from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from loopwright.errors import FolderTaken, RunInUse, StoreError
from loopwright.store import SCHEMA_VERSION, CallFinished, RunStore, read_run
from tests.faults.table import proves
from tests.store.support import key, manifest, new_run, note, python


def test_a_manifest_comes_back(tmp_path: Path) -> None:
    written = manifest("r7", tasks=[{"name": "t", "goal": "g"}], seed=3)
    RunStore.create(tmp_path / "deep" / "run", written).close()
    assert read_run(tmp_path / "deep" / "run").manifest == written
    store = RunStore.open(tmp_path / "deep" / "run")
    assert store.manifest == written
    assert store.repaired is None
    store.close()


def test_a_run_is_never_overwritten(tmp_path: Path) -> None:
    new_run(tmp_path / "run").close()
    before = (tmp_path / "run" / "run.json").read_bytes()
    with pytest.raises(FolderTaken, match="holds a run already") as caught:
        RunStore.create(tmp_path / "run", manifest("other"))
    assert "resume" in caught.value.remedy
    assert (tmp_path / "run" / "run.json").read_bytes() == before


def test_a_folder_with_other_files_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(StoreError, match=r"thesis\.tex"):
        new_run(tmp_path)


def test_what_a_crash_leaves_of_a_folder_being_made_is_taken_over(tmp_path: Path) -> None:
    for name in ("lock", "events.jsonl", ".new-abc"):
        (tmp_path / name).touch()
    new_run(tmp_path).close()


def test_events_without_a_manifest_are_not_taken_over(tmp_path: Path) -> None:
    store = new_run(tmp_path / "run")
    store.append(note("precious"))
    store.close()
    (tmp_path / "run" / "run.json").unlink()
    with pytest.raises(StoreError, match=r"holds events\.jsonl"):
        new_run(tmp_path / "run")
    with pytest.raises(StoreError, match=r"run\.json"):
        RunStore.open(tmp_path / "run")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"id": 1}', '{"id": "r", "created": "", "loopwright": ""}'])
def test_a_damaged_manifest_is_named(tmp_path: Path, content: str) -> None:
    new_run(tmp_path / "run").close()
    (tmp_path / "run" / "run.json").write_text(content)
    for use in (RunStore.open, read_run):
        with pytest.raises(StoreError, match=r"run\.json"):
            use(tmp_path / "run")


def test_what_is_no_run_is_not_read(tmp_path: Path) -> None:
    for use in (RunStore.open, read_run):
        with pytest.raises(StoreError, match="not a run folder"):
            use(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_second_writer_is_told_who_holds_the_run(tmp_path: Path) -> None:
    store = new_run(tmp_path / "run")
    with pytest.raises(RunInUse, match=rf"process {os.getpid()} on {socket.gethostname()}"):
        RunStore.open(tmp_path / "run")
    store.close()
    RunStore.open(tmp_path / "run").close()


@proves(
    "two processes open one run",
    "one works; the other is told process and host of the first; a killed one leaves no lock",
)
def test_one_of_two_processes_gets_the_run(tmp_path: Path) -> None:
    new_run(tmp_path / "run").close()
    program = (
        "import pathlib, sys; from loopwright.store import RunStore\n"
        "store = RunStore.open(pathlib.Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"
    )
    with python(program, tmp_path / "run") as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(RunInUse, match=f"process {holder.pid} on"):
            RunStore.open(tmp_path / "run")
        assert list(read_run(tmp_path / "run").events) == [], "reading works meanwhile"
        holder.kill()
    RunStore.open(tmp_path / "run").close()


def test_changes_of_the_configuration_are_named() -> None:
    old = manifest(tasks=[{"name": "t", "goal": "a"}, {"name": "u"}], seed=1)
    assert old.changed(old.config) == ()
    assert old.changed({"tasks": ({"name": "t", "goal": "b"},), "seed": 1, "repeats": 2}) == (
        "tasks.0.goal",
        "tasks.1",
        "repeats",
    )


async def answer() -> dict[str, object]:
    return {"text": "x" * 100_000}


@pytest.mark.anyio
async def test_a_run_goes_on_from_events_of_another_one(tmp_path: Path) -> None:
    source = new_run(tmp_path / "source")
    for iteration in range(3):
        await source.once(key(iteration), answer, kind="model", repeatable=True)
    source.append(note("not kept"))
    source.close()
    before = (tmp_path / "source" / "events.jsonl").read_bytes()

    fork = RunStore.create(tmp_path / "fork", manifest("r2"))
    record = read_run(tmp_path / "source")
    assert fork.adopt(record, lambda event: event.iteration is not None and event.iteration < 2) == 4
    calls = 0

    async def again() -> dict[str, object]:
        nonlocal calls
        calls += 1
        return {"text": "new"}

    for iteration in range(3):
        await fork.once(key(iteration), again, kind="model", repeatable=True)
    fork.close()
    assert calls == 1
    events = list(read_run(tmp_path / "fork").events)
    assert [event.seq for event in events] == list(range(6))
    assert [event.time for event in events[:4]] == [event.time for event in record.events][:4]
    assert (tmp_path / "source" / "events.jsonl").read_bytes() == before
    taken = events[1].data
    assert isinstance(taken, CallFinished)
    assert read_run(tmp_path / "fork").result(taken) == {"text": "x" * 100_000}


def test_a_journal_is_readable_by_any_json_tool(tmp_path: Path) -> None:
    store = new_run(tmp_path / "run")
    store.append(note("größer"), episode="e")
    store.close()
    [line] = (tmp_path / "run" / "events.jsonl").read_text().splitlines()
    parsed = json.loads(line)
    assert parsed["v"] == SCHEMA_VERSION
    assert parsed["data"]["message"] == "größer"


def test_the_package_imports_without_langgraph() -> None:
    program = "import sys, loopwright.store, loopwright.budget; print([m for m in sys.modules if 'lang' in m])"
    with python(program) as done:
        assert done.communicate()[0].strip() == "[]"


def test_a_manifest_with_text_that_utf_8_cannot_hold_is_read(tmp_path: Path) -> None:
    new_run(tmp_path / "run").close()
    path = tmp_path / "run" / "run.json"
    path.write_text(path.read_text().replace('"config":{}', '"config":{"goal":"half \\ud83d"}'))
    assert read_run(tmp_path / "run").manifest.config["goal"] == "half \\ud83d"


def test_a_run_that_was_closed_is_written_by_nobody_though_its_process_lives(tmp_path: Path) -> None:
    store = new_run(tmp_path)
    record = read_run(tmp_path)
    assert record.writer is not None
    assert record.writer.process == os.getpid()
    store.close()
    assert record.writer is None
