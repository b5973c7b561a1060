"""Staged plans: what the first stage asks for, when a plan is staged, and what is believed of the rest."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import loopwright
from loopwright.images.checklist import Atom, AttributeAtom, Checklist, ObjectAtom, OtherAtom, RelationAtom, StyleAtom
from loopwright.images.refining import Gallery, beliefs, core_of, next_core, next_edit, picture_to_edit, tally
from loopwright.images.shapes import open_painter, parse_prompt
from loopwright.models.image import ImageReply
from loopwright.types import Attempt, Candidate, Check, Verdict
from tests.images.test_image_task import Painter, run, task

THREE = parse_prompt("three yellow stars above a large green cross, a red ring and no circle").checklist()
CAT = (ObjectAtom(id="cat", object="cat"), AttributeAtom(id="striped", object="cat", value="striped", parents=("cat",)))
CHAIR = ObjectAtom(id="chair", object="chair")
ON = RelationAtom(id="on", object="cat", relation="on", reference="chair", parents=("cat", "chair"))


def attempt(
    number: int, failed: str, parent: int | None = None, made: dict[str, Any] | None = None, of: Checklist = THREE
) -> Attempt:
    checks = tuple(
        Check(name=atom.id, score=float(atom.id not in failed.split(", ")), data={"kind": atom.kind})
        for atom in of.atoms
    )
    candidate = Candidate(text="-", artifacts={"picture": f"{number:064}"}, made=made or {})
    return Attempt(iteration=number, parent=parent, candidate=candidate, verdict=Verdict(checks=checks))


@pytest.mark.parametrize(
    ("first", "prompt", "left"),
    [
        ([], "three yellow stars and no circle", 6),
        (["ring"], "a red ring and no circle", 7),
        (["cross", "nothing"], "a large green cross and no circle", 6),
    ],
)
def test_the_first_stage_leaves_two_things_to_edits(first: list[str], prompt: str, left: int) -> None:
    core = core_of(THREE, first)
    assert core is not None
    assert (core.prompt, len(core.left)) == (prompt, left)
    assert {*core.atoms, *core.left} == {atom.id for atom in THREE.atoms}
    assert parse_prompt(core.prompt).checklist().atoms == tuple(a for a in THREE.atoms if a.id in core.atoms)


def test_relations_between_what_is_drawn_are_asked_for() -> None:
    four = parse_prompt("a star above a cross, a ring and a circle").checklist()
    core = core_of(four)
    assert core is not None
    assert core.prompt == "a star above a cross"
    styled = Checklist(
        prompt="-",
        atoms=(*CAT, CHAIR, ON, ObjectAtom(id="d", object="door"), *_rooms(), StyleAtom(id="s", style="watercolour")),
    )
    core = core_of(styled)
    assert core is not None
    assert core.prompt == "a striped cat on a chair, watercolour"


def _rooms() -> list[ObjectAtom]:
    return [ObjectAtom(id="r", object="red lamp")]


@pytest.mark.parametrize("atoms", [CAT, (*CAT, CHAIR, OtherAtom(id="o", question="Is it dawn?"))])
def test_one_thing_alone_and_what_rules_cannot_say_are_drawn_at_once(atoms: tuple[Atom, ...]) -> None:
    assert core_of(Checklist(prompt="-", atoms=atoms)) is None


def test_a_plan_is_staged_after_two_edits_in_vain_of_the_same_atom() -> None:
    first = attempt(0, "ring colour")
    edits = [attempt(number, "ring colour", 0, {"aims": ["ring colour"]}) for number in (1, 2)]
    assert next_core(THREE, []) is None
    assert next_core(THREE, [first, edits[0]]) is None
    core = next_core(THREE, [first, *edits])
    assert core is not None
    assert core.prompt == "a red ring and no circle"
    turned = attempt(2, "star", 0, {"aims": ["ring colour"]})
    assert next_core(THREE, [first, edits[0], turned]) is None, "the second edit did it"
    assert next_core(THREE, [], always=True) == core_of(THREE)


class Stubborn(Painter):
    """It leaves the square out of the first picture, and edits nothing."""

    def __init__(self) -> None:
        super().__init__("exact")
        self.drawn: list[str] = []

    async def generate(self, request: Any) -> Any:
        self.drawn.append(request.prompt)
        prompt = request.prompt if self.drawn[1:] else request.prompt.replace(" and a blue square", "")
        return await open_painter(self.rates, self.options).generate(request.model_copy(update={"prompt": prompt}))

    async def edit(self, request: Any) -> Any:
        await asyncio.sleep(0)
        return ImageReply(images=request.images, model=self.name, seed_honoured=True)


def test_an_episode_stages_its_plan_after_edits_in_vain(tmp_path: Path) -> None:
    """On a fresh start the proposer knows which edits failed before."""
    painter = Stubborn()
    run(tmp_path, task(goal="a red circle, a yellow star, a green ring, a cross and a blue square"), painter)
    assert painter.drawn[1].startswith("a blue square")
    assert "cross" not in painter.drawn[1]


def test_what_was_not_asked_for_is_no_fault_of_the_generator() -> None:
    core = core_of(THREE)
    assert core is not None
    staged = attempt(0, ", ".join(core.left), made={**core.made, "operation": "generate", "model": "m"})
    assert {group for group, *_ in tally([staged])} == {"object", "count", "attribute", "negation"}
    assert sum(tally([staged]).values()) == len(core.atoms)
    gallery = Gallery()
    gallery.learn([staged])
    assert sum(row.failed for row in gallery.rows) == 0
    believed = beliefs([staged])[0]
    assert min(believed[name] for name in core.atoms) > 0.9 > 0.1 > max(believed[name] for name in core.left)
    assert picture_to_edit(THREE, [staged], staged=True) == 0
    edit = next_edit(THREE, [staged], staged)
    assert edit is not None
    assert edit.operation.instruction in ("Add a large green cross below the star", "Add a red ring")


def test_an_episode_draws_a_part_and_adds_the_rest(tmp_path: Path) -> None:
    wanted = task(goal=THREE.prompt, environment={"name": "images", "staged": True})
    parts: dict[str, Any] = {"proposer": "image_refiner", "verifier": "pixel_verifier"}
    # With this seed there is room for all of it.
    (episode,) = loopwright.run(
        wanted, out=tmp_path, seed=1, generator="painter/exact", editor="painter/exact", **parts
    )
    assert episode.passed
    texts = [one.candidate.text.partition(".")[0] for one in episode.attempts if one.candidate]
    assert texts[0] == "three yellow stars and no circle"
    assert sorted(texts[1:]) == ["Add a large green cross below the star", "Add a red ring"]
