"""Embeddings in a session: recorded, charged, and not paid again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from loopwright.drift import Baseline, Interaction
from loopwright.store import CallFinished, CallIntended
from tests.drift.embedding_server import KEY, Server, serving
from tests.session.sums import Sums, events, play, task

MEMORY = {"memory": {"turns": 30, "tokens": 2000}}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving(monkeypatch) as found:
        yield found


@pytest.fixture
def baseline(server: Server, tmp_path: Path) -> str:
    """The name of a baseline of sums, whose embeddings come from the server."""
    usual = [Interaction(id=str(n), task="sums", output=str(n % 40)) for n in range(220)]
    Baseline.freeze(usual, embedding="openai/small", horizon=300).save(tmp_path / "baseline.json")
    server.texts.clear()
    return "baseline.json"


def embeddings(folder: Path, kind: type) -> list[object]:
    return [event.data for event in events(folder) if isinstance(event.data, kind) and event.node == "embed"]


def test_each_text_is_asked_for_once_and_recorded(server: Server, baseline: str, tmp_path: Path) -> None:
    play(tmp_path, task(12, session=MEMORY, drift={"baseline": baseline}), Sums())
    assert server.texts
    assert set(Counter(server.texts).values()) == {1}
    assert len(embeddings(tmp_path, CallIntended)) == len(embeddings(tmp_path, CallFinished)) == len(server.texts)
    assert KEY not in (tmp_path / "run" / "events.jsonl").read_text()


def test_a_resumed_run_pays_for_none_again(server: Server, baseline: str, tmp_path: Path) -> None:
    wanted = task(12, session=MEMORY, drift={"baseline": baseline})
    play(tmp_path, wanted, Sums())
    asked = list(server.texts)
    lines = (tmp_path / "run" / "events.jsonl").read_text().splitlines(keepends=True)
    for keep in range(10, len(lines), 9):
        (tmp_path / "run" / "events.jsonl").write_text("".join(lines[:keep]))
        recorded = sum('"call_finished"' in line and "/embed/" in line for line in lines[:keep])
        server.texts.clear()
        play(tmp_path, wanted, Sums())
        assert len(server.texts) == len(asked) - recorded


def test_the_budget_counts_them_and_a_spent_one_leaves_outputs_without(
    server: Server, baseline: str, tmp_path: Path
) -> None:
    wanted = task(12, session=MEMORY, drift={"baseline": baseline}, budget={"run": {"model_calls": 14}})
    play(tmp_path, wanted, Sums())
    finished = [(event.node, event.data) for event in events(tmp_path)]
    paid = [node for node, data in finished if isinstance(data, CallFinished) and data.failure is None]
    assert len(paid) == 14
    assert "embed" in paid


def test_a_server_that_fails_stops_no_episode(server: Server, baseline: str, tmp_path: Path) -> None:
    server.status = 400
    result = play(tmp_path, task(4, session=MEMORY, drift={"baseline": baseline}), Sums())
    assert result.pass_rate == 1.0
    assert len(server.texts) == 1
    assert result.unwatched == {}
