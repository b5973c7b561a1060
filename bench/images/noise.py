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
from loopwright.images.checklist import Answer, Atom, Checklist
from loopwright.images.looking import confirmed, held_before, shown_checklist, shown_picture, shown_reference
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

    def __init__(self, noise: Noise, *, looks: int, seed: int) -> None:
        self._noise = noise
        self._looks = looks
        self._seed = seed

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        """Scores a picture, in as many looks as its verdict needs."""
        checklist, data = shown_checklist(view), await shown_picture(view, models)
        scene: Scene = await asyncio.to_thread(seen, data)
        reference = shown_reference(view)

        async def ask(atoms: Sequence[Atom], looked: int) -> dict[str, Answer]:
            return self._answers(checklist, atoms, scene, f"{reference}/{view.goal}", looked)

        return AgentReply(verdict=await confirmed(checklist, ask, ahead=self._looks, held=held_before(view)))

    def _answers(
        self, checklist: Checklist, atoms: Sequence[Atom], scene: Scene, place: str, looked: int
    ) -> dict[str, Answer]:
        truth = look(checklist, scene)
        return {atom.id: self._said(truth[atom.id], f"{self._seed}/{place}/{atom.id}", looked) for atom in atoms}

    def _said(self, truth: Answer, place: str, looked: int) -> Answer:
        rate = self._noise.false_no if truth.value == "yes" else self._noise.false_yes
        lasting = Random(place)
        own = lasting if lasting.random() < LASTING else Random(f"{place}/{looked}")
        if own.random() >= rate:
            return truth
        seen = None if truth.seen is None or truth.value == "no" else max(truth.seen + own.choice((-1, 1)), 0)
        return Answer(value="no" if truth.value == "yes" else "yes", seen=seen, evidence="as it seems")
