"""The detector verifier: a stub that measures, a vision model for what boxes do not tell, and a real small detector."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from loopwright.errors import UserError
from loopwright.images import DetectorVerifier, VisionVerifier
from loopwright.images.looking import DetectorOptions, ObjectDetection, TransformersDetector
from loopwright.images.shapes import measure
from loopwright.runner import EpisodeResult
from tests.images.test_image_task import Painter, Seer, run, task


class Measuring:
    """Finds shapes by measuring pixels."""

    def __init__(self) -> None:
        self.asked: list[Sequence[str]] = []

    async def detect(self, picture: bytes, labels: Sequence[str]) -> Sequence[ObjectDetection]:
        self.asked.append(labels)
        found = await asyncio.to_thread(measure, picture)
        return [
            ObjectDetection(
                one.shape, 0.9, (one.x - one.radius, one.y - one.radius, one.x + one.radius, one.y + one.radius)
            )
            for one in found.objects
            if one.shape in labels
        ]


def seen(tmp_path: Path, goal: str, **options: object) -> EpisodeResult:
    parts = {"verifier": DetectorVerifier(Measuring()), "auditor": None, **options}
    return run(tmp_path, task(goal=goal, max_iterations=1), Painter("exact"), **parts)


def test_a_detector_alone_decides_what_boxes_tell(tmp_path: Path) -> None:
    assert seen(tmp_path / "a", "two circles left of a square").passed
    episode = seen(tmp_path / "b", "a red circle")
    checks = {check.name: check for check in episode.attempts[0].verdict.checks}
    assert checks["circle"].passed
    assert not checks["circle colour"].passed
    assert "no detector can tell" in checks["circle colour"].evidence


def test_a_vision_model_is_asked_the_rest_on_an_enlarged_part(tmp_path: Path) -> None:
    seer = Seer()
    episode = seen(tmp_path, "a small red circle", model=seer, verifier=VisionVerifier(Measuring()))
    assert episode.passed
    assert set(seer.shown) == {2}
    assert all("Is the circle red?" in asked and "Is there a circle?" not in asked for asked in seer.asked)
    assert "The second picture is a part of the first" in seer.asked[0]


@pytest.mark.parametrize(
    ("box", "shown"), [([0.1, 0.1, 0.3, 0.3], [1, 2]), ([100, 100, 300, 300], [1, 1]), ("here", [1, 1])]
)
def test_a_second_look_enlarges_what_the_first_one_pointed_at(box: object, shown: list[int], tmp_path: Path) -> None:
    names = ("circle", "circle colour", "square", "square colour")
    said = [{"id": name, "answer": "yes", "box": box} for name in names]
    seer = Seer(json.dumps({"answers": said}))
    goal = "a red circle and a blue square"
    episode = run(tmp_path, task(goal=goal, max_iterations=1), verifier=VisionVerifier, auditor=None, model=seer)
    assert episode.passed
    assert seer.shown == shown


def test_without_a_detector_there_is_no_score(tmp_path: Path) -> None:
    episode = run(tmp_path, task(max_iterations=1), verifier=DetectorVerifier, auditor=None)
    assert episode.outcome is not None
    assert episode.outcome.failure is not None
    assert "no detector is named" in episode.outcome.failure.message


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_detector_is_loaded_from_its_folder(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed: pip install 'loopwright[diffusers]'")
    pytest.importorskip("transformers", reason="transformers is not installed: pip install 'loopwright[diffusers]'")
    save_detector(tmp_path / "owl")
    out = tmp_path / "red.png"
    from PIL import Image

    Image.new("RGB", (64, 48), "red").save(out)
    detector = TransformersDetector(tmp_path, DetectorOptions(model="owl", at_least=0.001))
    found = asyncio.run(detector.detect(out.read_bytes(), ["red circle", "star"]))
    assert {one.label for one in found} <= {"red circle", "star"}
    assert found
    for one in found:
        left, top, right, bottom = one.box
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1
    for file in (tmp_path / "owl").glob("*.safetensors"):
        file.unlink()
    with pytest.raises(UserError, match="the detector owl cannot be loaded"):
        asyncio.run(TransformersDetector(tmp_path, DetectorOptions(model="owl")).detect(out.read_bytes(), ["star"]))


def save_detector(folder: Path) -> None:
    """Saves an untrained OWLv2: it finds noise, by the same code as a large one."""
    import torch
    from transformers import CLIPTokenizer, Owlv2Config, Owlv2ForObjectDetection, Owlv2ImageProcessor, Owlv2Processor

    torch.manual_seed(0)
    folder.mkdir()
    letters = "abcdefghijklmnopqrstuvwxyz"
    vocabulary = [*letters, *(f"{one}</w>" for one in letters), "<|startoftext|>", "<|endoftext|>", "!"]
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(vocabulary)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    files = [str(folder / name) for name in ("vocab.json", "merges.txt")]
    tokenizer = CLIPTokenizer(*files, pad_token="!", model_max_length=16)
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    marks = {"bos_token_id": 52, "eos_token_id": 53, "pad_token_id": 54}
    text = {**sizes, **marks, "vocab_size": len(vocabulary), "max_position_embeddings": 16}
    config = Owlv2Config(
        text_config=text, vision_config={**sizes, "image_size": 32, "patch_size": 8}, projection_dim=16
    )
    Owlv2ForObjectDetection(config).eval().save_pretrained(folder)
    processor = Owlv2ImageProcessor(size={"height": 32, "width": 32})
    Owlv2Processor(image_processor=processor, tokenizer=tokenizer).save_pretrained(folder)
