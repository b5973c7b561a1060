"""Pictures in the HTML report: what is shown, what is told, and what is let in."""

from __future__ import annotations

import base64
import io
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from loopwright.report import render_csv, render_html, summarize_run
from loopwright.report._pictures import SIDE, Thumbnails
from loopwright.types import Candidate
from tests.report import samples
from tests.report.builder import RunBuilder, Turn
from tests.report.test_html import Outline


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return samples.pictures(tmp_path_factory.mktemp("painted") / "run")


@pytest.fixture(scope="module")
def outline(painted: Path) -> Outline:
    return Outline(render_html(painted))


def policy(outline: Outline) -> str:
    return next(attributes["content"] or "" for tag, attributes in outline.elements if "http-equiv" in attributes)


def candidates(outline: Outline) -> list[dict[str, Any]]:
    return [turn["candidate"] for turn in outline.block("e0")["iterations"]]


def shown(**stored: bytes) -> dict[str, dict[str, str]]:
    refs = {name: str(i) * 64 for i, name in enumerate(stored)}
    bytes_of = {refs[name]: data for name, data in stored.items()}
    return Thumbnails(bytes_of.__getitem__).of(Candidate(artifacts=refs))


def test_no_more_pixels_are_unpacked_than_a_page_has_room_for() -> None:
    stored = {str(number) * 64: grey_png(number) for number in range(3)}
    page = Thumbnails(stored.__getitem__, pixels=2 * 8 * 8)
    made = page.of(Candidate(artifacts={ref[0]: ref for ref in stored}))
    assert ["src" in one for one in made.values()] == [True, True, False]
    assert "too many pixels" in made["2"]["told"]


def grey_png(grey: int) -> bytes:
    out = io.BytesIO()
    Image.new("L", (8, 8), grey).save(out, "PNG")
    return out.getvalue()


def opened(picture: dict[str, str]) -> Image.Image:
    head, _, data = picture["src"].partition(",")
    assert head == "data:image/webp;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_every_candidate_has_its_picture_and_mask(outline: Outline) -> None:
    assert [list(one["pictures"]) for one in candidates(outline)] == [
        ["picture"],
        ["picture", "mask"],
        *[["picture"]] * 4,
    ]
    assert opened(candidates(outline)[0]["pictures"]["picture"]).size == (64, 64)
    assert candidates(outline)[1]["made"] == {"operation": "add", "aims": "cube", "model": "painter/default"}


def test_how_a_picture_was_made_is_told_in_words(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run")
    made = {"expected": {"cube": 0.97, "size": 0.7012}, "region": [[0.1, 0.2, 0.3, 0.45]], "aims": ["cube", "size"]}
    run.episode([Turn(1.0, text="Remove it.", artifacts={"picture": samples.picture(1)}, made=made)])
    assert candidates(Outline(render_html(run.close())))[0]["made"] == {
        "expected": "cube 97%, size 70%",
        "region": "10% to 30% across, 20% to 45% down",
        "aims": "cube, size",
    }


def test_numbers_that_nobody_can_show_are_left_out(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run")
    made = {"expected": {"cube": 10**400}, "region": [[-(10**400), "a", 0.3, 0.45]]}
    run.episode([Turn(1.0, text="Remove it.", artifacts={"picture": samples.picture(1)}, made=made)])
    assert candidates(Outline(render_html(run.close())))[0]["made"] == {
        "expected": "cube ?",
        "region": "? to 30% across, ? to 45% down",
    }


def test_the_index_says_which_episodes_have_pictures(outline: Outline) -> None:
    assert [(one["pictures"], one["images"]) for one in outline.block("index")["episodes"]] == [(6, 6), (6, 6)]


def test_checks_of_a_checklist_keep_question_and_answer(outline: Outline) -> None:
    checks = outline.block("e0")["iterations"][0]["judged"]["checks"]
    assert [(one["question"], one["answer"]) for one in checks] == [
        ("Is the cube there?", "no"),
        ("Is the size there?", "skipped"),
    ]


def test_only_a_page_with_pictures_lets_pictures_in(outline: Outline, tmp_path: Path) -> None:
    assert "img-src data:;" in policy(outline)
    run = RunBuilder(tmp_path / "run")
    run.episode([Turn(1.0, text="4", artifacts={"predictions": b"1,2,3"})])
    plain = Outline(render_html(run.close()))
    assert "img-src" not in policy(plain)
    assert not [attributes for _, attributes in plain.elements if attributes.get("id") == "pictures"]


def test_large_pictures_are_made_small() -> None:
    found = shown(picture=samples.picture(1, (1600, 800), "JPEG"))
    assert opened(found["picture"]).size == (SIDE, SIDE // 2)


@pytest.mark.parametrize(
    "data",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"<html><script>alert(1)</script>",
        b"1,2,3",
        b"",
    ],
)
def test_what_is_no_picture_is_not_shown(data: bytes) -> None:
    assert shown(picture=data) == {}


def test_a_broken_picture_is_told() -> None:
    whole = samples.picture(1, (400, 400))
    found = shown(
        picture=whole[: len(whole) // 2], other=samples.picture(2), script=b"\x89PNG<script>alert(1)</script>"
    )
    assert "cannot be read" in found["picture"]["told"]
    assert "cannot be read" in found["script"]["told"]
    assert opened(found["other"]).size == (64, 64)


def test_a_lost_artifact_is_told(tmp_path: Path) -> None:
    folder = samples.pictures(tmp_path / "run", episodes=1)
    for path in (folder / "artifacts").glob("??/*"):
        path.unlink()
    told = candidates(Outline(render_html(folder)))[0]["pictures"]["picture"]["told"]
    assert "cannot be read" in told


def test_the_page_has_room_for_so_much(painted: Path) -> None:
    data = samples.picture(1)
    (first,) = shown(picture=data).values()
    room = Thumbnails(lambda _: data, room=len(first["src"]))
    candidate = Candidate(artifacts={"picture": "0" * 64})
    assert "src" in room.of(candidate)["picture"]
    assert "no room" in room.of(candidate)["picture"]["told"]


def test_without_pillow_small_pictures_are_shown_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = samples.picture(1), samples.picture(1, (256, 256), "PNG") + bytes(20_000)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    found = shown(small=small, large=large)
    assert found["small"] == {"src": "data:image/png;base64," + base64.b64encode(small).decode()}
    assert "Pillow" in found["large"]["told"]


def test_a_hostile_instruction_stays_data(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run")
    hostile = '"><img src=x onerror=alert(1)></script><script>alert(1)</script>'
    drawn = {"picture": samples.picture(1), hostile: samples.picture(2)}
    run.episode(
        [Turn(1.0, text=hostile, artifacts=drawn, made={"operation": hostile}, judged=samples.checklist(cube=hostile))]
    )
    html = render_html(run.close())
    assert "<img" not in html
    outline = Outline(html)
    assert outline.block("e0")["iterations"][0]["candidate"]["made"] == {"operation": hostile}
    assert len([tag for tag, attributes in outline.elements if tag == "script" and "type" not in attributes]) == 1


def test_images_are_a_column_where_a_run_has_some(painted: Path, tmp_path: Path) -> None:
    summary = summarize_run(painted)
    assert summary.images == 12
    head, first, *_ = render_csv(summary).splitlines()
    assert dict(zip(head.split(","), first.split(","), strict=True))["images"] == "6"
    run = RunBuilder(tmp_path / "run")
    run.episode([Turn(1.0)])
    assert "images" not in render_csv(summarize_run(run.close())).splitlines()[0]
