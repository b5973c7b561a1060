"""Verifiers that know where things are: a detector finds them by their names."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from loopwright.agents import AgentReply, AgentRole, CallBounds, ModelClient, NamesModels, View
from loopwright.errors import MissingExtra, UserError, VerifierError
from loopwright.images.checklist import Answer, Box, Checklist, verdict
from loopwright.images.looking._detections import ObjectDetection, ObjectDetector, detected, things_of
from loopwright.images.looking._shown import shown_checklist, shown_picture
from loopwright.models import opened_picture
from loopwright.task import Instance


class DetectorOptions(BaseModel):
    """The field `detector` of the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Annotated[str, Field(min_length=1)]
    """A folder, or an identifier in the cache of the Hugging Face Hub."""
    at_least: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Score from which on a thing counts as found; what suits a detector is its own."""


_UNTOLD = Answer(value="unknown", confidence=0, evidence="no detector can tell")


class Finder:
    """What verifiers know of detectors: the one that they were given, or those that tasks name, each loaded once."""

    def __init__(self, detector: ObjectDetector | None) -> None:
        """Keeps a detector; None for those that tasks name."""
        self._given = detector
        self._named: dict[tuple[str, DetectorOptions], ObjectDetector] = {}

    async def answers(self, checklist: Checklist, view: View, models: ModelClient) -> dict[str, Answer] | None:
        """Answers to the atoms that boxes decide; None where there is no detector.

        Raises:
            VerifierError: There is no picture.
            UserError: The detector cannot be loaded.
            MissingExtra: Transformers or torch is not installed.
        """
        detector = self._given
        if detector is None and view.public.get("detector") is not None and isinstance(models, NamesModels):
            options, project = DetectorOptions.model_validate(view.public["detector"]), str(models.named.project)
            detector = self._named.setdefault((project, options), TransformersDetector(Path(project), options))
        if detector is None:
            return None
        return detected(checklist, await detector.detect(await shown_picture(view, models), things_of(checklist)))


class DetectorVerifier:
    """Answers by the boxes of a detector alone: what those do not decide stays unknown, and does not hold.

    A vision verifier takes a detector, too, and asks its model about the rest.
    """

    role = AgentRole.VERIFIER

    def __init__(self, detector: ObjectDetector | None = None) -> None:
        """Makes a verifier.

        Args:
            detector: Finds the things; None for the one that the task names (`environment: {detector: {model: ...}}`).
        """
        self._finder = Finder(detector)

    def bounds(self, instance: Instance) -> CallBounds:
        """It asks no model."""
        return CallBounds()

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        """Scores the picture.

        Raises:
            VerifierError: There is no checklist, no picture or no detector.
            UserError: The detector cannot be loaded.
            MissingExtra: Transformers or torch is not installed.
        """
        checklist = shown_checklist(view)
        known = await self._finder.answers(checklist, view, models)
        if known is None:
            raise VerifierError(
                "no detector is named", remedy="Name one: `environment: {detector: {model: FOLDER_OR_ID}}`."
            )
        answers = {atom.id: known.get(atom.id, _UNTOLD) for atom in checklist.atoms}
        return AgentReply(verdict=verdict(checklist, answers))


class TransformersDetector:
    """An open-vocabulary detector in this process, of the family of OWL-ViT: loaded once, one picture at a time."""

    def __init__(self, project: Path, options: DetectorOptions) -> None:
        """Makes a detector; nothing is loaded yet.

        Args:
            project: Where relative folders begin.
            options: Which one.
        """
        self._folder = project / options.model
        self._options = options
        self._pipeline: Any = None
        self._busy = asyncio.Lock()

    async def detect(self, picture: bytes, labels: Sequence[str]) -> Sequence[ObjectDetection]:
        """Everything with one of the names, from the score that the task names.

        Raises:
            UserError: It cannot be loaded.
            MissingExtra: Transformers or torch is not installed.
            VerifierError: The picture cannot be read.
        """
        async with self._busy:
            return await asyncio.to_thread(self._detect, picture, labels)

    def _detect(self, picture: bytes, labels: Sequence[str]) -> list[ObjectDetection]:
        self._pipeline = self._pipeline or self._loaded()
        try:
            with opened_picture(picture) as opened:
                shown = opened.convert("RGB")
        except ValueError as error:
            raise VerifierError(f"the picture cannot be read: {error}") from None
        width, height = shown.size
        found = self._pipeline(shown, candidate_labels=list(labels), threshold=self._options.at_least)
        return [
            ObjectDetection(one["label"], float(one["score"]), _shares(one["box"], width, height))
            for one in found
            if one["box"]["xmin"] < one["box"]["xmax"] and one["box"]["ymin"] < one["box"]["ymax"]
        ]

    def _loaded(self) -> Any:
        try:
            from transformers import AutoModelForZeroShotObjectDetection, AutoProcessor, pipeline
        except ImportError:
            raise MissingExtra(
                "a detector needs transformers and torch", remedy="Run: pip install 'loopwright[diffusers]'."
            ) from None
        name = str(self._folder) if self._folder.is_dir() else self._options.model
        try:
            model = AutoModelForZeroShotObjectDetection.from_pretrained(
                name, local_files_only=True, use_safetensors=True, trust_remote_code=False
            )
            parts = AutoProcessor.from_pretrained(name, local_files_only=True, trust_remote_code=False)
            tokenizer, processor = parts.tokenizer, parts.image_processor
        except (OSError, ValueError, KeyError, AttributeError) as error:
            told = str(error).partition("\n")[0]
            raise UserError(
                f"the detector {self._options.model} cannot be loaded: {told}",
                remedy="Name the folder of an OWL-ViT or OWLv2 model with its weights in safetensors.",
            ) from None
        return pipeline("zero-shot-object-detection", model=model, tokenizer=tokenizer, image_processor=processor)


def _shares(box: dict[str, float], width: int, height: int) -> Box:
    left, top = max(0.0, box["xmin"] / width), max(0.0, box["ymin"] / height)
    return left, top, min(1.0, box["xmax"] / width), min(1.0, box["ymax"] / height)
