"""Pictures without pixels: scenes that the painter's rules draw and edit, and that a verifier with errors looks at.

What decides is the package's own: which edit is next, which picture is edited, how often is looked. What is left out is
what costs time and decides nothing: pixels, the record, and the loop around.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from random import Random
from types import MappingProxyType
from typing import Any, TypeVar

from bench.images.noise import NOISE, said
from loopwright.images.checklist import Answer, Atom, Box, verdict
from loopwright.images.looking import LOOKS, confirmed, gated
from loopwright.images.refining import (
    GIVEN,
    PICTURE,
    Rates,
    Seen,
    estimated,
    next_core,
    next_edit,
    picture_to_edit,
    published_critique,
    tally,
)
from loopwright.images.shapes import (
    FaultRates,
    Scene,
    SceneObject,
    look,
    paint,
    parse_instruction,
    parse_prompt,
    repaint,
)
from loopwright.types import Attempt, Candidate, Verdict

_T = TypeVar("_T")


class Episode:
    """One prompt, one strategy, up to a cap on pictures."""

    def __init__(
        self,
        prompt: str,
        rates: FaultRates,
        noise: str,
        seed: int,
        *,
        once: bool,
        before: Mapping[Seen, int] = MappingProxyType({}),
        start: Scene | None = None,
        looks: int = LOOKS,
    ) -> None:
        self.attempts: list[Attempt] = []
        self.scenes: list[Scene] = []
        self._prompt = parse_prompt(prompt)
        self._checklist = self._prompt.checklist()
        self._rates, self._noise, self._once = rates, NOISE[noise], once
        self._place = f"{seed}/{prompt}"
        self._random = Random(self._place)
        self._before = Counter(before)
        self._start = start
        self._looks = looks

    def truth(self, scene: Scene) -> dict[str, Answer]:
        """What holds in a scene."""
        return look(self._checklist, scene)

    def run(self, strategy: str, cap: int) -> None:
        """Makes pictures until one passes or the cap is reached."""
        step = {
            "best_of_n": self._new,
            "ircig": self._as_published,
            "streams": self._as_streams,
            "staged": self._as_streams,
        }[strategy]
        self._staged = strategy == "staged"
        while len(self.attempts) < cap and not (self.attempts and self.attempts[-1].verdict.passed):
            step()

    def _new(self) -> None:
        if self._start:
            return self._add(self._start, None, {"operation": GIVEN})
        if core := next_core(self._checklist, self.attempts, always=self._staged):
            return self._add(paint(parse_prompt(core.prompt), self._rates, self._random), None, core.made)
        return self._add(paint(self._prompt, self._rates, self._random), None, {})

    def _as_published(self) -> None:
        latest = self.attempts[-1] if self.attempts else None
        critique = published_critique(self._checklist, latest, self.attempts)
        if latest is None or critique.decision == "restart":
            return self._new()
        back = critique.decision == "backtrack" and critique.backtrack_to is not None
        return self._edit(critique.backtrack_to if back else latest.iteration, critique.feedback, {})

    def _as_streams(self) -> None:
        rates = self._rates_so_far()
        head = picture_to_edit(self._checklist, self.attempts, rates, staged=self._staged) if self.attempts else None
        edit = None if head is None else next_edit(self._checklist, self.attempts, self.attempts[head], rates)
        if edit is None:
            return self._new()
        return self._edit(head, edit.prompt, edit.made, edit.region)

    def _edit(self, head: int | None, words: str, made: dict[str, Any], region: Sequence[Box] = ()) -> None:
        assert head is not None
        instruction, before = parse_instruction(words.partition(". ")[0]), self.scenes[head]
        after = repaint(instruction, before, self._rates, self._random)
        self._add(_within(region, before, after) if region else after, head, made)

    def _add(self, scene: Scene, parent: int | None, made: dict[str, Any]) -> None:
        number = len(self.attempts)
        shown = hashlib.sha256(repr(scene).encode()).hexdigest()
        candidate = Candidate(text=str(number), artifacts={PICTURE: f"sha256:{shown}"}, made=made)
        seen = self._seen(scene, shown, made.get("expected"))
        self.attempts.append(Attempt(iteration=number, parent=parent, candidate=candidate, verdict=seen))
        self.scenes.append(scene)

    def _seen(self, scene: Scene, shown: str, expected: dict[str, float] | None) -> Verdict:
        truth = self.truth(scene)

        async def ask(atoms: Sequence[Atom], looked: int) -> dict[str, Answer]:
            return {
                atom.id: said(self._noise, truth[atom.id], f"{self._place}/{shown}/{atom.id}", looked) for atom in atoms
            }

        if self._once:
            return verdict(self._checklist, gated(self._checklist, _now(ask(self._checklist.atoms, 0))))
        return _now(confirmed(self._checklist, ask, expected=expected, rates=self._rates_so_far(), looks=self._looks))

    def _rates_so_far(self) -> Rates:
        return estimated(self._before + tally(self.attempts))


def _within(region: Sequence[Box], before: Scene, after: Scene) -> Scene:
    """A scene that changes inside of boxes alone, as pictures do under a mask."""

    def inside(item: SceneObject) -> bool:
        return any(left < item.x < right and top < item.y < bottom for left, top, right, bottom in region)

    kept = [item for item in before.objects if not inside(item)]
    return Scene((*kept, *(item for item in after.objects if inside(item))))


def _now(work: Coroutine[Any, Any, _T]) -> _T:
    """The result of work that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as done:
        result: _T = done.value
        return result
    raise RuntimeError("the work waits for something")
