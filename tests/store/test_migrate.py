from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from loopwright.errors import StoreError
from loopwright.store import SCHEMA_VERSION, CallFinished, Observed, Proposed, RunStore, read_run
from loopwright.store._codec import encode
from loopwright.store._migrate import STEPS, migrate
from loopwright.types import Candidate, Check, Observation, Verdict
from tests.store.support import new_run

DATA = Path(__file__).parent / "data"


def renamed(body: dict[str, Any]) -> dict[str, Any]:
    return {"seq": body["seq"], "new": body["old"]}


def doubled(body: dict[str, Any]) -> dict[str, Any]:
    return body | {"new": body["new"] * 2}


def test_steps_are_taken_in_order_from_the_lines_version() -> None:
    steps = {1: renamed, 2: doubled}
    assert migrate({"v": 1, "seq": 0, "old": 3}, steps=steps, version=3) == {"seq": 0, "new": 6}
    assert migrate({"v": 2, "seq": 0, "new": 3}, steps=steps, version=3) == {"seq": 0, "new": 6}
    assert migrate({"v": 3, "seq": 0, "new": 3}, steps=steps, version=3) == {"seq": 0, "new": 3}


def test_every_version_has_its_step() -> None:
    assert set(STEPS) == set(range(1, SCHEMA_VERSION))


def test_a_version_without_a_step_is_refused(tmp_path: Path) -> None:
    new_run(tmp_path / "run").close()
    (tmp_path / "run" / "events.jsonl").write_bytes(
        encode({"v": 0, "seq": 0, "time": "2026-01-01T00:00:00+00:00", "data": {}}, "r1")
    )
    with pytest.raises(StoreError, match="schema version 0, which cannot be brought to 2"):
        list(read_run(tmp_path / "run").events)


def test_a_line_that_does_not_fit_the_schema_is_named(tmp_path: Path) -> None:
    new_run(tmp_path / "run").close()
    line = encode({"v": 1, "seq": 0, "time": "2026-01-01T00:00:00+00:00", "data": {"type": "telepathy"}}, "r1")
    (tmp_path / "run" / "events.jsonl").write_bytes(line)
    with pytest.raises(StoreError, match="event 0 does not fit the schema"):
        list(read_run(tmp_path / "run").events)


def test_a_run_of_version_1_is_read_and_gone_on_with(tmp_path: Path) -> None:
    shutil.copytree(DATA / "v1", tmp_path / "v1")
    store = RunStore.open(tmp_path / "v1")
    events = list(store.events())
    code = next(event.data.candidate for event in events if isinstance(event.data, Proposed))
    reply = next(event.data.result for event in events if isinstance(event.data, CallFinished))
    assert code is not None
    assert reply is not None
    assert code.files["solution.py"] in str(reply["text"])
    assert len(events) == 10
    again = Proposed(candidate=code, digest="0" * 64)
    for _ in range(2):
        store.append(again, episode="t:refine:0", iteration=1, node="propose")
    store.close()
    assert [event.data for event in read_run(tmp_path / "v1").events][10:] == [again, again]
    versions = [json.loads(line)["v"] for line in (tmp_path / "v1" / "events.jsonl").read_text().splitlines()]
    assert versions == [1] * 10 + [2] * 2


def test_keys_that_another_version_gave_a_candidate_or_a_verdict_are_passed_over(tmp_path: Path) -> None:
    new_run(tmp_path / "run").close()
    check = {"name": "c", "score": 0.5, "shade": "dark"}
    data = [
        {"type": "proposed", "candidate": {"text": "x", "colour": "red"}},
        {"type": "observed", "observation": {"text": "y", "verdict": {"checks": [check], "mood": 1}, "smell": ""}},
    ]
    lines = [
        encode({"v": 2, "seq": n, "time": "2026-01-01T00:00:00+00:00", "data": one}, "r1") for n, one in enumerate(data)
    ]
    (tmp_path / "run" / "events.jsonl").write_bytes(b"".join(lines))
    verdict = Verdict(checks=(Check(name="c", score=0.5),))
    assert [event.data for event in read_run(tmp_path / "run").events] == [
        Proposed(candidate=Candidate(text="x")),
        Observed(observation=Observation(text="y", verdict=verdict)),
    ]


@pytest.mark.parametrize(
    "data",
    [
        {"type": "decided", "decision": "stop", "rule": "r", "why": "w", "mood": 1},
        {"type": "observed", "observation": {"smell": "", "verdict": {"checks": [{"name": "c", "score": 2}]}}},
    ],
)
def test_other_keys_of_a_payload_and_values_out_of_range_are_refused(tmp_path: Path, data: dict[str, Any]) -> None:
    new_run(tmp_path / "run").close()
    (tmp_path / "run" / "events.jsonl").write_bytes(
        encode({"v": 2, "seq": 0, "time": "2026-01-01T00:00:00+00:00", "data": data}, "r1")
    )
    with pytest.raises(StoreError, match="event 0 does not fit the schema"):
        list(read_run(tmp_path / "run").events)
