"""Suites of pictures: their prompts, who judges, and the score by the published rules."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import loopwright
from loopwright.bench import SUITES, find_suite, outcomes
from loopwright.cli._app import app
from loopwright.images.checklist import Checklist
from loopwright.images.shapes import open_painter
from loopwright.models import ModelOptions, Reply, Request
from loopwright.models.image import ImageReply, ImageRequest
from loopwright.types import Check, Verdict


def published(name: str) -> Path:
    folder = Path(os.environ.get("LOOPWRIGHT_TEST_DATA", "")) / "images" / name
    if not os.environ.get("LOOPWRIGHT_TEST_DATA") or not folder.is_dir():
        pytest.skip("LOOPWRIGHT_TEST_DATA names no folder with images/ in it")
    return folder


def invoke(*args: object) -> Result:
    return CliRunner().invoke(app, list(map(str, args)), prog_name="loopwright")


class Drawer:
    """Draws a circle, whatever it is asked for."""

    name, repeatable = "drawer/circle", True

    def connect(self, options: ModelOptions) -> None:
        self.options = options

    async def generate(self, request: ImageRequest) -> ImageReply:
        circle = request.model_copy(update={"prompt": "a red circle"})
        return await open_painter("exact", self.options).generate(circle)

    async def edit(self, request: ImageRequest) -> ImageReply:
        return await self.generate(request.model_copy(update={"images": ()}))

    async def close(self) -> None:
        return


class Eye:
    """A vision model that finds everything but places."""

    name, repeatable = "eye/blind", True

    async def complete(self, request: Request) -> Reply:
        text = next(message.content for message in request.messages if message.images)
        ids = [line[2:].partition(":")[0] for line in text.splitlines() if line.startswith("- ")]
        answers = [{"id": name, "answer": "no" if "position" in name else "yes"} for name in ids]
        return Reply(text=json.dumps({"answers": answers}), model="eye")

    async def close(self) -> None:
        return


def test_the_specs_of_geneval_are_checklists() -> None:
    task = find_suite("geneval").task(published("geneval"))
    assert len(task.data) == 277
    records = {record.id: record.model_dump() for record in task.data}
    assert {record["vars"]["group"] for record in records.values()} == {
        "single_object", "two_object", "counting", "colors", "position", "color_attr"
    }  # fmt: skip
    for record in records.values():
        Checklist.model_validate({"prompt": record["goal"], **record["checklist"]})


def test_the_score_of_geneval_is_the_mean_over_its_tasks(tmp_path: Path) -> None:
    task = find_suite("geneval").task(published("geneval"), limit=12, turns=1)
    parts: dict[str, Any] = {"generator": Drawer(), "editor": Drawer(), "model": Eye()}
    loopwright.run(task, out=tmp_path / "run", strategy="single", **parts)
    (variant,) = outcomes(tmp_path / "run")
    scores = variant.suite_scores
    assert scores["single_object"] == 1
    assert scores["position"] == 0
    result = invoke("bench", "show", tmp_path / "run")
    mean = sum(scores.values()) / len(scores)
    assert f"mean of groups {mean:.3f}" in result.stdout
    told = json.loads(invoke("bench", "show", tmp_path / "run", "--json").stdout)
    assert told[0]["suite_scores"] == scores


def test_the_prompts_of_compbench_keep_their_category() -> None:
    task = find_suite("compbench").task(published("t2i_compbench"))
    assert len(task.data) == 7 * 60
    assert task.data[0].goal == "a green banana and a brown dog"
    assert task.data[0].vars == {"group": "color"}


@pytest.mark.parametrize(
    ("group", "held", "score"),
    [
        ("color", {"object": [1, 1], "attribute": [1, 1]}, 1.0),
        ("color", {"object": [1, 1], "attribute": [1, 0]}, 0.0),
        ("spatial", {"object": [1, 1], "relation": [0]}, 0.5),
        ("spatial", {"object": [1, 0], "relation": [0]}, 0.0),
        ("3d_spatial", {"object": [1, 0], "relation": [0]}, 0.25),
        ("numeracy", {"object": [1, 1], "count": [1, 0]}, 0.75),
        ("complex", {"object": [1, 1], "attribute": [0], "relation": [1]}, 0.5),
        ("complex", {"object": [1, 1], "attribute": [1], "relation": [0]}, 0.75),
        ("complex", {"object": [1, 1], "attribute": [1]}, 1.0),
    ],
)
def test_compbench_scores_each_category_by_its_own_rule(group: str, held: dict[str, list[int]], score: float) -> None:
    checks = [
        Check(name=f"{kind} {number}", score=float(one), data={"kind": kind})
        for kind, several in held.items()
        for number, one in enumerate(several)
    ]
    rule = SUITES["compbench"].score
    assert rule is not None
    assert rule(group, Verdict(checks=tuple(checks))) == score


def test_shapes_need_no_data_and_are_judged_by_pixels(tmp_path: Path) -> None:
    chosen = ("--generator", "painter/exact", "--editor", "painter/exact", "--strategy", "single")
    result = invoke("bench", "run", "shapes", "--limit", 3, *chosen, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert "mean of groups 1.000" in result.stdout
    (variant,) = outcomes(tmp_path / "run")
    assert all(episode.passed for episode in variant.scored)
    assert len(variant.scored) == 3


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("geneval", "--from", "."), "geneval needs an image model"),
        (("humaneval", "--generator", "painter/exact"), "humaneval is no suite of pictures"),
        (("shapes", "--strategy", "react"), "the strategy 'react' does not fit shapes"),
        (("shapes", "--auditor-model", "a/b", "--model", "a/c,a/d"), "--auditor-model goes with one --model"),
    ],
)
def test_what_does_not_fit_is_told(
    args: tuple[str, ...], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spec = {"tag": "single_object", "include": [{"class": "bench", "count": 1}], "prompt": "a photo of a bench"}
    (tmp_path / "evaluation_metadata.jsonl").write_text(json.dumps(spec) + "\n")
    (tmp_path / "HumanEval.jsonl").write_text("")
    result = invoke("bench", "run", *args, "--out", "out")
    assert result.exit_code == 2
    assert told in result.output
    assert not (tmp_path / "out").exists()
