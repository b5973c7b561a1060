"""What users get wrong, and models that answer nonsense: clear errors, or scores where the agent is to blame."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from loopwright import Task, run
from loopwright.errors import MissingContent, MissingSecret, TaskError
from loopwright.models import Scripted

TESTS = "from solution import triple\n\ndef test_two():\n    assert triple(2) == 6\n"


def task(**changes: object) -> Task:
    fields = {"name": "triple", "goal": "Write triple(n).", "environment": {"name": "python", "tests": TESTS}}
    return Task.model_validate({**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "model", "error", "says"),
    [
        ({}, "local/no-such-model", MissingContent, "no-such-model"),
        ({}, "opnai/gpt-x", MissingContent, "Did you mean openai/gpt-x"),
        ({}, None, MissingContent, "local/smollm2-135m"),
        ({}, "scripted/no-such-file.yaml", MissingContent, "no-such-file.yaml"),
        ({"environment": {"name": "pyhton"}}, "scripted/x", MissingContent, "pyhton"),
        ({"agents": {"proposer": "nobody"}}, "scripted/x", MissingContent, "nobody"),
        ({"loop": {"strategy": "refin"}}, "scripted/x", MissingContent, "refin"),
        ({"sandbox": {"require": ["gravity"]}}, "scripted/x", TaskError, "gravity"),
    ],
)
def test_what_is_not_there_is_named_with_a_remedy(
    changes: dict[str, object], model: str | None, error: type[Exception], says: str, tmp_path: Path
) -> None:
    (tmp_path / "x").write_text("[]")
    with pytest.raises(error, match=says):
        run(task(**changes), model=model, project=tmp_path, out=tmp_path / "r")


def test_a_missing_key_is_named_and_nothing_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingSecret, match="OPENAI_API_KEY"):
        run(task(), model="openai/gpt-x", out=tmp_path / "r")


@pytest.mark.slow
def test_a_server_that_is_not_there_is_no_score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
    result = run(task(), model="openai/gpt-x", strategy="single", out=tmp_path / "r")
    outcome = result.episodes[0].outcome
    assert outcome is not None
    assert (outcome.status, outcome.score) == ("failed", None)
    assert outcome.failure is not None
    assert outcome.failure.cause == "model"
    assert address in outcome.failure.message
    assert "sk-test" not in (result.folder / "events.jsonl").read_text()


@pytest.mark.parametrize(
    "reply",
    ["", "I am sorry.", "```javascript\nconst triple = n => n * 3\n```", "```python\ndef triple(n) return 3*n\n```"],
    ids=["nothing", "prose", "another language", "broken code"],
)
def test_a_model_that_answers_nonsense_scores_zero(reply: str, tmp_path: Path) -> None:
    model = Scripted([reply], cycle=True, name="scripted/nonsense")
    result = run(task(), model=model, strategy="refine", calls=2, out=tmp_path / "r")
    episode = result.episodes[0]
    assert (episode.scored, episode.score, episode.passed) == (True, 0.0, False)
    assert all(attempt.problem or attempt.verdict.summary for attempt in episode.attempts)


def test_a_reply_of_many_files_ends_no_other_episode(tmp_path: Path) -> None:
    many = "".join(f"```python m{number}.py\nx = 1\n```\n" for number in range(30_000))
    model = Scripted([many, "```python\ndef triple(n):\n    return n * 3\n```"], name="scripted/many")
    result = run(task(), model=model, strategy="refine", calls=2, repeats=2, concurrency=1, out=tmp_path / "r")
    assert [(episode.scored, episode.score) for episode in result.episodes] == [(True, 0.0), (True, 1.0)]


@pytest.mark.parametrize("field", ["tests", "hidden"])
def test_broken_tests_are_the_tasks_fault(field: str, tmp_path: Path) -> None:
    broken = "def test_x(:\n"
    environment: dict[str, object] = {"name": "python", "tests": TESTS}
    environment |= {"tests": broken} if field == "tests" else {"hidden": {"tests": broken}}
    good = Scripted(["```python\ndef triple(n):\n    return n * 3\n```"], name="scripted/good")
    with pytest.raises(TaskError, match="tests"):
        run(task(environment=environment), model=good, strategy="single", out=tmp_path / "r")
