"""A verifier that is wrong at set rates: exact measurements with errors, as a vision model makes them.

Half of the errors belong to a picture and an atom and come again whenever it is asked; the others are drawn anew. Votes
of one model are not independent, and this is how far these are from it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from loopwright.agents import AgentReply, AgentRole, ModelClient, View
from loopwright.images.checklist import Answer, Atom, Checklist, verdict
from loopwright.images.looking import (
    confirmed,
    expected_of,
    gated,
    rates_of,
    shown_checklist,
    shown_picture,
    shown_reference,
)
from loopwright.images.shapes import Scene, look, measure

LASTING = 0.5
"""Share of the errors that come again."""


@dataclass(frozen=True, slots=True)
class Noise:
    """How often a verifier errs on one atom."""

    name: str
    false_yes: float
    false_no: float


NOISE = {noise.name: noise for noise in (Noise("none", 0, 0), Noise("low", 0.1, 0.05), Noise("high", 0.2, 0.05))}

seen = lru_cache(maxsize=4096)(measure)
"""The same picture is measured once."""


class NoisyVerifier:
    """Looks at pictures of shapes, and errs."""

    role = AgentRole.VERIFIER

    def __init__(self, noise: Noise, *, once: bool, seed: int) -> None:
        self._noise = noise
        self._once = once
        self._seed = seed

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        """Scores a picture, in as many looks as its verdict needs."""
        checklist, data = shown_checklist(view), await shown_picture(view, models)
        scene: Scene = await asyncio.to_thread(seen, data)
        reference = shown_reference(view)

        async def ask(atoms: Sequence[Atom], looked: int) -> dict[str, Answer]:
            return self._answers(checklist, atoms, scene, f"{reference}/{view.goal}", looked)

        if self._once:
            return AgentReply(verdict=verdict(checklist, gated(checklist, await ask(checklist.atoms, 0))))
        return AgentReply(verdict=await confirmed(checklist, ask, expected=expected_of(view), rates=rates_of(view)))

    def _answers(
        self, checklist: Checklist, atoms: Sequence[Atom], scene: Scene, place: str, looked: int
    ) -> dict[str, Answer]:
        truth = look(checklist, scene)
        return {atom.id: said(self._noise, truth[atom.id], f"{self._seed}/{place}/{atom.id}", looked) for atom in atoms}


def said(noise: Noise, truth: Answer, place: str, looked: int) -> Answer:
    """The answer to one atom.

    Args:
        noise: How often it errs.
        truth: What holds.
        place: Picture and atom, to which half of the errors belong.
        looked: How many looks at the picture there were before.
    """
    rate = noise.false_no if truth.value == "yes" else noise.false_yes
    lasting = Random(place)
    own = lasting if lasting.random() < LASTING else Random(f"{place}/{looked}")
    if own.random() >= rate:
        return truth
    seen = None if truth.seen is None or truth.value == "no" else max(truth.seen + own.choice((-1, 1)), 0)
    return Answer(value="no" if truth.value == "yes" else "yes", seen=seen, evidence="as it seems")
