from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Invoke, WriteTask


@pytest.fixture
def run(invoke: Invoke, write_task: WriteTask) -> Path:
    """A run of two episodes that never passed; its record is `old`."""
    write_task(more="repeats: 2\n")
    Path("words.yaml").write_text("\n".join(f"- word {number}" for number in range(6)))
    flags = ("--model", "scripted/words.yaml", "--concurrency", 1, "--out", "old")
    assert invoke("run", "say.yaml", *flags).exit_code == 0
    return Path("old")


def _words(invoke: Invoke, folder: str) -> list[tuple[str, str]]:
    told = json.loads(invoke("show", folder, "say:refine:1", "--json").stdout)
    events: list[dict[str, Any]] = told["events"]
    return [
        (event["data"]["candidate"]["text"], event["time"]) for event in events if event["data"]["type"] == "proposed"
    ]


def test_what_was_before_is_kept_and_not_paid_again(invoke: Invoke, run: Path) -> None:
    before = (run / "events.jsonl").read_bytes()
    Path("other.yaml").write_text('- "yes"\n')
    flags = ("--at", "say:refine:1:2", "--model", "scripted/other.yaml", "--out", "new")
    told = json.loads(invoke("fork", run, *flags, "--json").stdout)
    assert [(row["episode"], row["passed"], row["model_calls"]) for row in told["episodes"]] == [
        ("say:refine:1", True, 3)
    ]
    assert told["variants"][0]["models"] == {"proposer": "scripted/other.yaml"}
    old, new = _words(invoke, "old"), _words(invoke, "new")
    assert new[:2] == old[:2]
    assert [word for word, _ in new] == ["word 3", "word 4", "yes"]
    assert (run / "events.jsonl").read_bytes() == before
    page = invoke("show", "new", "say").stdout
    assert page.count("--- iteration") == 3
    assert "passed: answer of iteration 2" in page


def test_from_the_first_iteration_nothing_is_kept(invoke: Invoke, run: Path) -> None:
    told = json.loads(invoke("fork", run, "--at", "say:refine:0:0", "--out", "new", "--json").stdout)
    assert [(row["iterations"], row["model_calls"]) for row in told["episodes"]] == [(3, 3)]


def test_more_calls_go_on_where_the_loop_had_stopped(invoke: Invoke, run: Path) -> None:
    Path("other.yaml").write_text('- "no"\n- "yes"\n')
    flags = ("--at", "say:refine:1:3", "--calls", 6, "--model", "scripted/other.yaml", "--out", "new")
    told = json.loads(invoke("fork", run, *flags, "--json").stdout)
    assert [(row["passed"], row["iterations"], row["model_calls"]) for row in told["episodes"]] == [(True, 5, 5)]


def test_a_fork_can_be_resumed_and_forked(invoke: Invoke, run: Path) -> None:
    Path("empty.yaml").write_text("[]")
    flags = ("--at", "say:refine:1:1", "--model", "scripted/empty.yaml", "--out", "new")
    assert invoke("fork", run, *flags).exit_code == 2
    Path("empty.yaml").write_text('- "no"\n- "yes"\n')
    assert json.loads(invoke("resume", "new", "--json").stdout)["episodes"][0]["passed"]
    again = invoke("fork", "new", "--at", "say:2", "--model", "scripted/right.yaml", "--out", "newer", "--json")
    assert json.loads(again.stdout)["episodes"][0]["iterations"] == 3


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("old", "--at", "nowhere:1"), "has no episode 'nowhere'"),
        (("old", "--at", "say:refine:1"), "fits 2 episodes"),
        (("old", "--at", "say:refine:1:9"), "has no episode 'say:refine:1' with 9 iterations"),
        (("old", "--at", "say:refine:1:1", "--model", "opnai/x"), "there is no provider 'opnai'"),
        (("old",), "--at"),
        (("old", "--at", "2"), "'2' is not of the form EPISODE:ITERATION"),
        (("old", "--at", "say:refine:x"), "not of the form"),
    ],
)
def test_what_cannot_be_forked_is_told(invoke: Invoke, run: Path, args: tuple[object, ...], told: str) -> None:
    result = invoke("fork", *args)
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr
