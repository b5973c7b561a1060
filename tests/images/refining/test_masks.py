"""Removal inside of a mask: what is surplus, where the mask is white, and what an edit leaves alone."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import loopwright
from loopwright.images.checklist import AttributeAtom, Box, Checklist, CountAtom, NegationAtom, ObjectAtom
from loopwright.images.refining import mask_of, surplus
from loopwright.images.shapes import measure
from loopwright.models.image import ImageRequest
from loopwright.store import CallIntended, read_run
from loopwright.types import Verdict
from tests.images.test_image_task import task

CHECKLIST = Checklist(
    prompt="-",
    atoms=(
        ObjectAtom(id="star", object="star"),
        CountAtom(id="two", object="star", count=2, parents=("star",)),
        AttributeAtom(id="red", object="star", aspect="color", value="red", parents=("star",)),
        NegationAtom(id="ring", object="ring"),
    ),
)
A, B, C = (0.1, 0.1, 0.3, 0.3), (0.4, 0.4, 0.6, 0.6), (0.7, 0.7, 0.9, 0.9)


def verdict(**boxes: object) -> Verdict:
    checks = [{"name": atom.id, "score": 0, "data": {"boxes": boxes.get(atom.id, [])}} for atom in CHECKLIST.atoms]
    return Verdict.model_validate_json(json.dumps({"checks": checks}))


@pytest.mark.parametrize(
    ("aim", "boxes", "found"),
    [
        ("two", {"two": [A, B, C]}, (A,)),
        ("two", {"two": [A, B, C], "red": [A, C]}, (B,)),
        ("two", {"two": [A, B]}, ()),
        ("two", {}, ()),
        ("ring", {"ring": [A, C]}, (A, C)),
        ("ring", {"ring": [["left", 0, 1, 1]]}, ()),
        ("ring", {"ring": "everywhere"}, ()),
    ],
    ids=["first", "wrong-colour-first", "none-too-many", "not-told", "all-unwanted", "no-numbers", "no-list"],
)
def test_surplus_is_what_the_count_does_not_ask_for(aim: str, boxes: dict[str, object], found: tuple[Box, ...]) -> None:
    assert surplus(aim, CHECKLIST, verdict(**boxes)) == found


def test_a_mask_is_white_over_the_boxes_alone() -> None:
    out = io.BytesIO()
    Image.new("RGB", (100, 50)).save(out, "PNG")
    mask = Image.open(io.BytesIO(mask_of(out.getvalue(), [A, (0.9, -0.2, 1.5, 0.2)])))
    assert (mask.mode, mask.size) == ("L", (100, 50))
    assert [mask.getpixel(at) for at in ((20, 10), (95, 5), (5, 10), (50, 25))] == [255, 255, 0, 0]
    assert mask.getbbox() == (9, 0, 100, 16)


def test_under_a_mask_the_surplus_goes_and_nothing_else_is_damaged(tmp_path: Path) -> None:
    """The editor damages another object in each edit, and a mask keeps that from the picture."""
    wanted = task(goal="a red circle, two blue squares and a star")
    parts: dict[str, Any] = {"proposer": "image_refiner", "verifier": "pixel_verifier"}
    names: dict[str, Any] = {"generator": "painter/omit=0,swap=0,miscount=1", "editor": "painter/fail=0,damage=1"}
    edits = 0
    for seed in range(4):
        folder = tmp_path / str(seed)
        (episode,) = loopwright.run(wanted, out=folder, seed=seed, **parts, **names)
        record = read_run(folder)
        asked = [
            ImageRequest.model_validate(event.data.request)
            for event in record.events
            if isinstance(event.data, CallIntended) and event.data.kind == "image"
        ]
        masked = [request for request in asked if request.mask]
        removals = [one for one in episode.attempts if one.candidate and "region" in one.candidate.made]
        assert len(masked) == len(removals)
        for one, request in zip(removals, masked, strict=True):
            assert request.prompt.startswith("Remove the square. ")
            assert one.candidate
            assert one.candidate.artifacts["mask"] == request.mask, "the report shows it"
            before, after = (
                measure(record.get(ref)) for ref in (request.images[0], one.candidate.artifacts["picture"])
            )
            assert {*map(str, after.objects)} < {*map(str, before.objects)}
            assert len(after.objects) == len(before.objects) - 1
        edits += len(removals)
    assert edits > 0
