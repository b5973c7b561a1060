"""Rows of training data: what is in them, what is left out, and that the readers of others take them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loopwright.export import ExportOptions, export
from tests.report.builder import RunBuilder, Turn
from tests.report.samples import hostile, study

ROWS = ("chat", "journey", "preferences", "rewards", "turns")
SECRET = "hidden: AssertionError"
"""What the builder's hidden checks give as evidence."""


def rows(folder: Path, split: str = "train") -> list[dict[str, Any]]:
    """The rows of a file; a file that would have none is not there."""
    path = folder / f"{split}.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def climb(folder: Path) -> Path:
    """Two failures in a chain, a way back to the first, and a right answer."""
    run = RunBuilder(folder)
    run.episode(
        [
            Turn(0.25, hidden=0.2, reply="first", critique="Count nested lists.", files={"a.py": "1"}),
            Turn(0.1, hidden=0.1, parent=0, reply="worse", evidence="RecursionError", files={"a.py": "2"}),
            Turn(0.2, hidden=0.3, parent=0, reply="other", evidence="TypeError", files={"a.py": "3"}),
            Turn(1, hidden=1.0, parent=0, reply="right", decision="stop", rule="all_passed", files={"a.py": "4"}),
        ]
    )
    return run.close()


def test_a_chat_is_the_first_prompt_with_the_right_answer(tmp_path: Path) -> None:
    written = export(climb(tmp_path / "run"), "chat", tmp_path / "out")
    (row,) = rows(tmp_path / "out")
    assert [(one["role"], one["content"]) for one in row["messages"]][1:] == [
        ("user", "Write the module."),
        ("assistant", "right"),
    ]
    assert (row["score"], row["iterations"], row["origin"]["instance"]) == (1.0, 4, "1")
    assert (written.entries, dict(written.left_out)) == (1, {})


def test_wrong_answers_and_failed_episodes_give_no_chat(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run", episodes=3)
    run.episode([Turn(0.5, hidden=0.5)], instance="wrong")
    run.episode([Turn(1, hidden=1.0)], instance="void", failed={"cause": "model", "error": "E", "message": "503"})
    run.episode([Turn(1, hidden=0.5)], instance="only visible checks pass")
    written = export(run.close(), "chat", tmp_path / "out")
    assert (
        [path.name for path in written.files] == [path.name for path in (tmp_path / "out").iterdir()] == ["README.md"]
    )
    assert "train.jsonl" not in (tmp_path / "out" / "README.md").read_text("utf-8")
    assert dict(written.left_out) == {"the answer did not pass": 2}


def test_a_preference_names_its_judge_and_what_was_wrong(tmp_path: Path) -> None:
    export(climb(tmp_path / "run"), "preferences", tmp_path / "out")
    found = rows(tmp_path / "out")
    assert [(row["chosen"][0]["content"], row["rejected"][0]["content"]) for row in found] == [
        ("right", "first"),
        ("right", "worse"),
        ("right", "other"),
    ]
    assert [(row["chosen_score"], row["rejected_score"]) for row in found] == [(1.0, 0.2), (1.0, 0.1), (1.0, 0.3)]
    assert {row["judge"] for row in found} == {"hidden checks"}
    assert found[0]["reason"].endswith("Count nested lists.")
    assert "RecursionError" in found[1]["reason"]


def test_visible_checks_judge_where_not_both_were_graded(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run")
    run.episode([Turn(0.5, reply="a", files={"a": "1"}), Turn(1, hidden=0.4, reply="b", files={"a": "2"})])
    export(run.close(), "preferences", tmp_path / "out")
    (row,) = rows(tmp_path / "out")
    assert (row["judge"], row["chosen_score"], row["rejected_score"]) == ("visible checks", 1.0, 0.5)


def test_a_journey_tells_errors_reflection_and_ways_back_in_order(tmp_path: Path) -> None:
    export(climb(tmp_path / "run"), "journey", tmp_path / "out")
    (row,) = rows(tmp_path / "out")
    told = row["journey"][0]["content"]
    order = [
        "first",
        "Count nested lists.",
        "worse",
        "RecursionError",
        "go back",
        "other",
        "TypeError",
        "go back",
        "right",
    ]
    places = [told.index(order[0])]
    for word in order[1:]:
        places.append(told.index(word, places[-1] + 1))
    assert told.endswith("right")
    assert row["shortcut"] == [row["shortcut"][0] | {"content": "right"}]
    assert (row["attempts"], row["ways_back"]) == (4, 2)


def test_a_journey_tells_a_failure_once_and_two_wrong_turns_at_most(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run")
    wrong = [Turn(0.0, parent=0, reply=f"wrong {i}", files={"a": str(i)}) for i in range(3)]
    last = Turn(1, hidden=1.0, parent=0, reply="right", decision="stop", rule="all_passed")
    run.episode([Turn(0.5, reply="first"), *wrong, last])
    export(run.close(), "journey", tmp_path / "out")
    (row,) = rows(tmp_path / "out")
    assert (row["attempts"], row["ways_back"]) == (3, 1)


def test_rewards_are_grouped_by_instance_and_iteration(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run", episodes=2)
    for repeat, score in enumerate((0.5, 1.0)):
        turns = [Turn(0.25, hidden=0.25, reply=f"a{repeat}"), Turn(score, hidden=score, reply=f"b{repeat}", parent=0)]
        run.episode(turns, repeat=repeat)
    export(run.close(), "rewards", tmp_path / "out")
    found = rows(tmp_path / "out")
    assert [(row["group"], row["reward"]) for row in found] == [
        ("sums/1:refine:0", 0.25),
        ("sums/1:refine:1", 0.5),
        ("sums/1:refine:0", 0.25),
        ("sums/1:refine:1", 1.0),
    ]
    # (0.75 - 0.25) / sqrt(0.25 * 0.75 / 2)
    assert [row["improvement"] for row in found] == [None, pytest.approx(1.633, abs=1e-3)] * 2


def test_rows_of_an_instance_are_on_one_side_in_every_format(tmp_path: Path) -> None:
    run = study(tmp_path / "run", instances=40)
    sides: dict[str, set[str]] = {}
    for name in ROWS:
        export(run, name, tmp_path / name, options=ExportOptions(test_share=0.4))
        for split in ("train", "test"):
            for row in rows(tmp_path / name, split):
                sides.setdefault(row["origin"]["instance"], set()).add(split)
    assert {len(found) for found in sides.values()} == {1}
    assert len({next(iter(found)) for found in sides.values()}) == 2


def test_equal_replies_of_a_group_all_have_their_reward(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run", episodes=3)
    for repeat in range(3):
        run.episode([Turn(1, hidden=1.0, reply="the same")], repeat=repeat)
    assert export(run.close(), "rewards", tmp_path / "out").entries == 3


@pytest.mark.parametrize("name", ["chat", "journey", "preferences"])
def test_a_reply_that_edits_an_earlier_attempt_is_no_answer_to_the_first_prompt(tmp_path: Path, name: str) -> None:
    edit = "<<<<<<< SEARCH\nold\n=======\nnew\n>>>>>>> REPLACE"
    run = RunBuilder(tmp_path / "run")
    run.episode([Turn(0.5, hidden=0.5, reply="whole"), Turn(1, hidden=1.0, parent=0, reply=edit)])
    written = export(run.close(), name, tmp_path / "out")
    assert dict(written.left_out) == {"the reply edits an earlier attempt": 1}


EDIT = "x.py\n<<<<<<< SEARCH\nold\n=======\nnew\n>>>>>>> REPLACE"
DIFF = "diff --git a/x.py b/x.py\n--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-new\n+newer\n"


def patched(reply: str, operation: str, score: float, parent: int | None = None) -> Turn:
    """An iteration of an agent that writes patches."""
    made = {"operation": operation}
    return Turn(score, hidden=score, parent=parent, reply=reply, files={"changes.diff": f"{score}"}, made=made)


@pytest.mark.parametrize("name", ["chat", "journey", "preferences"])
def test_a_diff_on_top_of_an_attempt_is_no_answer_to_the_first_prompt(tmp_path: Path, name: str) -> None:
    run = RunBuilder(tmp_path / "run")
    run.episode([patched(EDIT, "edit", 0.4), patched(DIFF, "diff", 1, parent=0)])
    written = export(run.close(), name, tmp_path / "out")
    assert dict(written.left_out) == {"the reply edits an earlier attempt": 1}


@pytest.mark.parametrize("name", ["chat", "journey", "preferences"])
def test_edits_made_afresh_are_answers_to_the_first_prompt(tmp_path: Path, name: str) -> None:
    run = RunBuilder(tmp_path / "run")
    run.episode([patched(DIFF, "diff", 0.4), patched(EDIT, "edit", 1)])
    assert export(run.close(), name, tmp_path / "out").entries == 1


def test_worse_replies_that_edit_an_attempt_are_told_as_such(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run")
    run.episode([patched(EDIT, "edit", 1), patched(DIFF, "diff", 0.4, parent=0)])
    written = export(run.close(), "preferences", tmp_path / "out")
    assert dict(written.left_out) == {"all worse replies edit an earlier attempt": 1}


def test_equal_rows_are_written_once(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run", episodes=2)
    for repeat in range(2):
        run.episode([Turn(1, hidden=1.0, reply="the same")], repeat=repeat)
    written = export(run.close(), "chat", tmp_path / "out")
    assert len(rows(tmp_path / "out")) == written.entries == 1
    assert dict(written.left_out) == {"duplicate of an earlier row": 1}


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("sample", [study, hostile])
def test_nothing_hidden_leaves(tmp_path: Path, name: str, sample: Any) -> None:
    export(sample(tmp_path / "run"), name, tmp_path / "out")
    assert all(SECRET not in path.read_text("utf-8") for path in (tmp_path / "out").iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS[:-1])
def test_the_data_set_library_reads_it(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    options = ExportOptions(test_share=0.3, license="apache-2.0")
    written = export(study(tmp_path / "run", instances=30), name, tmp_path / "out", options=options)
    found = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert sum(split.num_rows for split in found.values()) == written.entries
    assert found["train"].to_list() == rows(tmp_path / "out")
    field = {"chat": "messages", "journey": "prompt"}.get(name, "prompt")
    # A field that is null in all rows has its type nevertheless.
    calls = found["train"].features[field].feature["tool_calls"].feature
    assert calls["function"]["arguments"].dtype == "string"


def test_a_licence_that_is_no_text_is_written_as_an_escape(tmp_path: Path) -> None:
    export(study(tmp_path / "run"), ROWS[0], tmp_path / "out", options=ExportOptions(license="\udce9"))
    assert r"\udce9" in (tmp_path / "out" / "README.md").read_text()
