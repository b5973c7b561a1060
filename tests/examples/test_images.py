"""The example tasks of pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

import loopwright

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "images"


def test_shapes_are_drawn_and_audited(tmp_path: Path) -> None:
    result = loopwright.run(FOLDER / "shapes.yaml", out=tmp_path / "run")
    assert [episode.scored for episode in result] == [True] * 4
    assert all(episode.images is not None and 1 <= episode.images <= 8 for episode in result)
    assert sum(episode.passed for episode in result) >= 2


def test_the_task_for_any_prompt_takes_its_models_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGE_MODEL", "vllm/qwen-image")
    task = loopwright.load_task(FOLDER / "any-prompt.yaml")
    assert task.image_models.generator == ("vllm/qwen-image",)
    assert task.image_models.editor == ("openai/gpt-image-2",)
