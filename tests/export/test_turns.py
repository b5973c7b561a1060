"""Credit for turns: the matching by its published numbers, and the rows."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import loopwright
from loopwright.environments import text_environment
from loopwright.export import export
from loopwright.export.formats._matching import (
    TracedCall,
    advantages,
    hard_credit,
    returns,
    similarity,
    soft_credit,
)
from loopwright.models import Scripted

pytest.importorskip("scipy")
S = [[0.9, 0.8], [0.85, 0.1]]


def test_a_call_is_as_like_as_its_name_its_arguments_and_their_values() -> None:
    true = TracedCall("search", {"q": "a", "k": "5"})
    assert similarity(TracedCall("Search", {"q": "a", "k": "3"}), true) == 0.75
    assert similarity(TracedCall("open", {"q": "a", "k": "5"}), true) == 0
    assert similarity(true, true) == 1
    assert similarity(TracedCall("ls", {}), TracedCall("ls", {})) == 1


def test_the_matching_is_the_best_and_not_the_greedy_one() -> None:
    assert hard_credit(S) == [0.8, 0.85]
    assert hard_credit([[0.5], [0.9], [0.1]]) == [0, 0.9, 0]
    assert hard_credit([[], []]) == [0, 0]


def test_soft_credit_has_the_published_values() -> None:
    assert soft_credit(S) == [pytest.approx(0.4019, abs=1e-4), pytest.approx(0.4110, abs=1e-4)]


def test_a_turn_is_worth_what_follows_from_it() -> None:
    assert returns([0.5, 1, 0.8]) == [pytest.approx(2.048), pytest.approx(1.72), 0.8]
    assert returns([]) == []


@given(st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=5), min_size=1, max_size=5))
def test_advantages_of_a_group_add_up_to_nothing_at_the_first_turn(group: list[list[float]]) -> None:
    found = advantages(group)
    assert [len(one) for one in found] == [len(one) for one in group]
    assert sum(one[0] for one in found) == pytest.approx(0, abs=1e-6)


@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=6))
def test_no_matching_beats_the_hard_one(similarities: list[list[float]]) -> None:
    padded = [*similarities, *([[0.0] * 3] * 3)]
    best = max(
        sum(padded[row][column] for column, row in enumerate(rows)) for rows in permutations(range(len(padded)), 3)
    )
    assert sum(hard_credit(similarities)) == pytest.approx(best)


def two_episodes(folder: Path) -> Path:
    """An agent that needs two commands, and then one."""
    task = loopwright.Task.model_validate(
        {
            "name": "files",
            "goal": "Print 3.",
            "environment": {"name": "bash", "hidden": {"gold": "echo 3"}},
            "agents": {"proposer": "actor"},
            "loop": {"strategy": "react", "max_iterations": 4},
        }
    )
    replies = ["```bash\nls /tmp\n```", "```bash\necho 3\n```", "submit", "```bash\necho 3\n```", "submit"]
    loopwright.run(task, model=Scripted(replies), repeats=2, concurrency=1, out=folder)
    return folder


def test_rows_have_the_conversation_and_the_credit_of_each_turn(tmp_path: Path) -> None:
    run = two_episodes(tmp_path / "run")
    written = export(run, "turns", tmp_path / "out")
    rows = [json.loads(line) for line in (tmp_path / "out" / "train.jsonl").read_text().splitlines()]
    assert written.entries == len(rows) == 2
    longer, shorter = rows
    assert shorter["reference"] == longer["reference"] == shorter["origin"]["episode"]
    assert [turn["hard"] for turn in shorter["turns"]] == [1.0] * len(shorter["turns"])
    assert [(turn["action"], turn["hard"]) for turn in longer["turns"]][:2] == [("ls /tmp", 0.0), ("echo 3", 1.0)]
    assert [message["role"] for message in longer["messages"]] == ["system", *["user", "assistant"] * 3]
    assert longer["messages"][5]["content"] == "3\n"
    export(run, "chat", tmp_path / "chat")
    chats = [json.loads(line) for line in (tmp_path / "chat" / "train.jsonl").read_text().splitlines()]
    assert [row["messages"] for row in chats] == [longer["messages"], shorter["messages"]]


@pytest.mark.slow
def test_the_data_set_library_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    export(two_episodes(tmp_path / "run"), "turns", tmp_path / "out")
    found = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))["train"]
    assert [len(row["turns"]) for row in found] == [3, 2]


def test_whole_answers_are_no_turns(tmp_path: Path) -> None:
    task = loopwright.Task(
        name="sum", goal="2 + 4?", environment=text_environment(target="6"), agents={"proposer": "author"}
    )
    loopwright.run(task, model=Scripted(["6"]), strategy="single", out=tmp_path / "run")
    written = export(tmp_path / "run", "turns", tmp_path / "out")
    assert dict(written.left_out) == {"the agent does not act in turns": 1}
