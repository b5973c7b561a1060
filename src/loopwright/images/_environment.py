"""The `images` environment: a candidate is a picture, and a verifier looks at it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from loopwright.candidate import Candidate
from loopwright.environments import EnvironmentSetup, Fields, Unchecked, read_fields
from loopwright.errors import TaskError
from loopwright.images.looking import LOOKS, DetectorOptions
from loopwright.images.refining import given_checklist
from loopwright.models.image import MOST_PIXELS
from loopwright.task import Instance
from loopwright.types import Observation
from loopwright.verify import Verdict

_Side = Annotated[int, Field(gt=0, le=16_384)]


def _fits(size: tuple[int, int]) -> tuple[int, int]:
    if size[0] * size[1] > MOST_PIXELS:
        raise ValueError(f"a picture has at most {MOST_PIXELS:,} pixels")
    return size


class _Public(Fields):
    checklist: dict[str, Any] | None = None
    size: Annotated[tuple[_Side, _Side], AfterValidator(_fits)] | None = None
    steps: Annotated[int, Field(ge=1, le=1000)] | None = None
    guidance: Annotated[float, Field(ge=0, le=100)] | None = None
    negative_prompt: str = ""
    gallery: str | None = None
    learn_rates: bool = False
    staged: bool = False
    looks: Annotated[int, Field(ge=1, le=20)] = LOOKS
    detector: DetectorOptions | None = None


class ImagesEnvironment:
    """Executes nothing: pictures are data, and the task's verifier looks at them.

    An instance's public fields are `checklist` (what must hold; made from the goal where it is left out), `size` (width
    and height in pixels), `steps`, `guidance`, `negative_prompt`, `gallery` (a file of `save_gallery`), `learn_rates`
    (whether an episode knows how the verifier answered in those before it), `staged` (whether a new picture shows a
    part of what is asked for, and edits add the rest), `looks` (the most looks of `vision_verifier` at a picture) and
    `detector` (of `detector_verifier`). It has no hidden fields: name an auditor.
    """

    def __init__(self, setup: EnvironmentSetup) -> None:
        self._setup = setup

    @staticmethod
    def check(instance: Instance) -> None:
        """Looks at an instance: for whoever wants to know before a run.

        Raises:
            TaskError: What `reset` would raise.
        """
        read_fields(_Public, instance.public, "environment")
        given_checklist(instance)
        if instance.hidden:
            raise TaskError(
                f"environment.hidden: the images environment has no hidden field {next(iter(instance.hidden))!r}",
                remedy="Name an auditor, which grades the answer: `agents: {auditor: pixel_verifier}`.",
            )

    @staticmethod
    def unchecked(instance: Instance) -> Unchecked:
        """Says that pictures have no checks of their own."""
        return Unchecked(remedy="name who looks at the pictures: `agents: {verifier: pixel_verifier}`")

    async def reset(self, instance: Instance) -> Observation:
        """Starts an episode.

        Raises:
            TaskError: A field is unknown or cannot be used.
        """
        self.check(instance)
        return Observation()

    async def step(self, action: Candidate) -> Observation:
        """Says nothing about a picture."""
        return Observation()

    async def submit(self, answer: Candidate) -> Verdict:
        """Has no hidden checks."""
        return Verdict()

    async def close(self) -> None:
        """There is nothing to end."""
