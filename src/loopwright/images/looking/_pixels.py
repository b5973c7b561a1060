"""The pixel verifier: measures pictures of coloured shapes, without a model."""

from __future__ import annotations

import asyncio

from loopwright.agents import AgentReply, AgentRole, CallBounds, ModelClient, View
from loopwright.images.checklist import verdict
from loopwright.images.looking._shown import shown_checklist, shown_picture
from loopwright.images.shapes import look, measure
from loopwright.models import needs_pillow
from loopwright.task import Instance


class PixelVerifier:
    """Answers the checklist by what it measures: exact on drawn shapes, and of no use on anything else."""

    role = AgentRole.VERIFIER

    def __init__(self) -> None:
        """Makes a verifier.

        Raises:
            MissingExtra: Pillow is not installed; NumPy comes with the same extra.
        """
        needs_pillow("pixel_verifier measures pictures")

    def bounds(self, instance: Instance) -> CallBounds:
        """It asks no model."""
        return CallBounds()

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        """Scores the picture.

        Raises:
            VerifierError: There is no checklist or no picture.
            MissingExtra: Pillow or NumPy is not installed.
        """
        checklist, data = shown_checklist(view), await shown_picture(view, models)
        scene = await asyncio.to_thread(measure, data)
        return AgentReply(verdict=verdict(checklist, look(checklist, scene)))
