"""Samples of Inspect, brought over and run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import loopwright
from loopwright.errors import MissingContent, TaskError, UserError
from loopwright.imports import import_tasks
from loopwright.models import Scripted


def written(path: Path, samples: list[dict[str, Any]], *, lines: bool = True) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in samples) if lines else json.dumps(samples))
    return path


@pytest.mark.parametrize("lines", [True, False])
def test_questions_run_and_are_scored_by_their_targets(tmp_path: Path, lines: bool) -> None:
    samples: list[dict[str, Any]] = [
        {"input": "What is 2 + 4?", "target": "6", "id": "sum"},
        {"input": [{"role": "user", "content": "How many legs has a spider?"}], "target": ["8", "08"]},
    ]
    source = written(tmp_path / "easy sums.jsonl", samples, lines=lines)
    made = import_tasks("inspect", source, tmp_path / "out")
    assert (made.instances, dict(made.not_carried)) == (2, {})
    model = Scripted(["It is 6.", "It has 9."])
    result = loopwright.run(tmp_path / "out" / "task.yaml", model=model, concurrency=1, out=tmp_path / "run")
    assert [(one.task, one.instance, one.score) for one in result] == [
        ("easy-sums", "sum", 1.0),
        ("easy-sums", "2", 0.0),
    ]


def test_choices_are_letters(tmp_path: Path) -> None:
    sample = {"input": "Which is a fruit?", "choices": ["stone", "pear"], "target": "B"}
    import_tasks("inspect", written(tmp_path / "s.jsonl", [sample]), tmp_path / "out")
    model = Scripted(["A is no fruit.\nANSWER: B"])
    (episode,) = loopwright.run(tmp_path / "out" / "task.yaml", model=model, out=tmp_path / "run")
    assert episode.score == 1.0
    assert "A) stone\nB) pear" in episode.started.goal


def test_each_sample_has_the_rule_that_fits_it(tmp_path: Path) -> None:
    samples: list[dict[str, Any]] = [
        {"input": "Which is a fruit?", "choices": ["pear", "stone"], "target": "A"},
        {"input": "What is 2 + 4?", "target": "6"},
        {"input": "Name a planet.", "target": ["Mars", "Venus"]},
    ]
    import_tasks("inspect", written(tmp_path / "s.jsonl", samples), tmp_path / "out")
    model = Scripted(["ANSWER: A", "It is 6", "Mars, of course"])
    result = loopwright.run(tmp_path / "out" / "task.yaml", model=model, concurrency=1, out=tmp_path / "run")
    assert [episode.score for episode in result] == [1.0, 1.0, 1.0]
    page = (tmp_path / "out" / "README.md").read_text()
    assert all(f"- `{rule}`: 1" in page for rule in ("choice", "match", "includes"))


def test_what_is_lost_is_counted_and_told(tmp_path: Path) -> None:
    samples: list[dict[str, Any]] = [
        {"input": "a", "target": "b", "files": {"x": "y"}, "setup": "ls", "sandbox": "docker", "metadata": {"k": 1}},
        {"input": "no target"},
        {"input": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Hm?"}], "target": "x"},
        {"input": [{"role": "user", "content": [{"type": "image", "image": "a.png"}]}], "target": "x"},
        {"input": "several", "choices": ["1", "2"], "target": ["A", "B"]},
    ]
    made = import_tasks("inspect", written(tmp_path / "s.jsonl", samples), tmp_path / "out")
    assert made.instances == 2
    page = (tmp_path / "out" / "README.md").read_text()
    assert dict(made.not_carried) == {
        "`files`": 1,
        "`metadata`": 1,
        "`sandbox`": 1,
        "`setup`": 1,
        "roles of messages: all are in the goal, one after the other": 1,
        "samples that show more than text": 1,
        "samples with several right choices, or more than 26": 1,
        "samples without a target": 1,
    }
    assert all(f"- {what}: {number}" in page for what, number in made.not_carried.items())


def test_text_that_looks_like_a_template_or_a_variable_stays_text(tmp_path: Path) -> None:
    sample = {"input": "What does {{ x }} or ${HOME} mean?", "target": "${HOME} {{ y }}"}
    import_tasks("inspect", written(tmp_path / "s.jsonl", [sample]), tmp_path / "out")
    (episode,) = loopwright.run(
        tmp_path / "out" / "task.yaml", model=Scripted(["It is ${HOME} {{ y }}"]), out=tmp_path / "run"
    )
    assert (episode.started.goal, episode.score) == (sample["input"], 1.0)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('{"input": "a", "target": "b"}\n{"input": 3, "target": "b"}', 2, "input"),
        ('{"input": "a"', 1, "JSON"),
        ('{"input": "a", "target": "b", "id": 1}\n\n{"input": "c", "target": "d", "id": "1"}', 3, "two samples"),
        ("[1]", None, "the sample"),
        ("", None, "no sample"),
        ('{"input": "no target"}', None, "no sample"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_leaves_nothing(
    tmp_path: Path, text: str, line: int | None, message: str
) -> None:
    (tmp_path / "s.jsonl").write_text(text)
    with pytest.raises(TaskError, match=message) as told:
        import_tasks("inspect", tmp_path / "s.jsonl", tmp_path / "out")
    assert told.value.line == line
    assert [path.name for path in tmp_path.iterdir()] == ["s.jsonl"]


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TaskError, match="cannot be read"):
        import_tasks("inspect", tmp_path / "s.jsonl", tmp_path / "out")


def test_a_folder_that_is_taken_and_a_format_that_is_none(tmp_path: Path) -> None:
    source = written(tmp_path / "s.jsonl", [{"input": "a", "target": "b"}])
    with pytest.raises(UserError, match="is taken"):
        import_tasks("inspect", source, tmp_path)
    with pytest.raises(MissingContent, match="nothing named 'inspct'"):
        import_tasks("inspct", source, tmp_path / "out")


@pytest.mark.slow
def test_what_inspect_itself_writes_is_read(tmp_path: Path) -> None:
    dataset = pytest.importorskip("inspect_ai.dataset")
    samples = [
        dataset.Sample(input="What is 1 + 1?", target="2", id=7),
        dataset.Sample(input="Which?", choices=["x", "y"], target="A", metadata={"level": 3}),
    ]
    source = written(tmp_path / "s.jsonl", [sample.model_dump(mode="json") for sample in samples])
    assert import_tasks("inspect", source, tmp_path / "out").instances == 2


def test_more_samples_than_a_run_has_episodes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loopwright.imports._inspect._MOST", 1000)
    samples = [{"input": "q", "target": "a"}] * 1001
    with pytest.raises(TaskError, match="more than 1,000 samples"):
        import_tasks("inspect", written(tmp_path / "s.jsonl", samples), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["s.jsonl"]
    assert import_tasks("inspect", written(tmp_path / "s.jsonl", samples[1:]), tmp_path / "out").instances == 1000
