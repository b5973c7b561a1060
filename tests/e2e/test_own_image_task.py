"""A task whose candidates are pictures, made of parts of one's own through public names alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import loopwright
from loopwright.agents import AgentReply, AgentRole, DrawsImages, ModelClient, View
from loopwright.candidate import Candidate
from loopwright.models import ModelOptions, Usage
from loopwright.models.image import ImageReply, ImageRequest
from loopwright.store import CallFinished, EpisodePrepared, read_run
from loopwright.task import Task
from loopwright.types import Check, Verdict


@dataclass
class Pixels:
    """Paints one byte more with each edit; stores pictures as the run's artifacts."""

    name: str = "own/pixels"
    repeatable: bool = True
    calls: list[ImageRequest] = field(default_factory=list)
    options: ModelOptions = field(default_factory=ModelOptions)

    def connect(self, options: ModelOptions) -> None:
        self.options = options

    async def generate(self, request: ImageRequest) -> ImageReply:
        self.calls.append(request)
        return ImageReply(images=(await self.kept(b"0"),), model="pixels", seed_honoured=True)

    async def edit(self, request: ImageRequest) -> ImageReply:
        self.calls.append(request)
        before = await self.read(request.images[0])
        return ImageReply(images=(await self.kept(before + b"+"),), model="pixels", usage=Usage(output=5))

    async def kept(self, data: bytes) -> str:
        assert self.options.keep is not None
        return await self.options.keep(data)

    async def read(self, reference: str) -> bytes:
        assert self.options.artifact is not None
        return await self.options.artifact(reference)

    async def close(self) -> None:
        return


class Painter:
    role = AgentRole.PROPOSER

    async def prepare(self, view: View, models: ModelClient) -> Mapping[str, Any]:
        return {"wanted": len(view.goal.split())}

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        assert isinstance(models, DrawsImages)
        before = view.current.candidate.artifacts["picture"] if view.current and view.current.candidate else None
        name = models.named.editors[0] if before else models.named.generators[0]
        reply = await models.draw(ImageRequest(model=name, prompt=view.goal, images=(before,) if before else ()))
        return AgentReply(candidate=Candidate(artifacts={"picture": reply.images[0]}, made={"by": name}))


class Counter:
    role = AgentRole.VERIFIER
    lie = 0

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        assert isinstance(models, DrawsImages)
        assert view.current is not None
        assert view.current.candidate is not None
        data = await models.get(view.current.candidate.artifacts["picture"])
        score = min(1.0, (len(data) + self.lie) / view.public["wanted"])
        return AgentReply(verdict=Verdict(checks=(Check(name="length", score=score),)))


class Generous(Counter):
    lie = 1


TASK = Task.model_validate(
    {
        "name": "paint",
        "goal": "three red cubes",
        "environment": {"name": "text"},
        "loop": {"max_iterations": 5},
    }
)


def parts(model: Pixels) -> dict[str, Any]:
    return {"proposer": Painter, "verifier": Counter, "auditor": Counter, "generator": model, "editor": model}


def run(tmp_path: Path, model: Pixels | None = None, **options: Any) -> Any:
    settings: dict[str, Any] = {**parts(model or Pixels()), **options}
    return loopwright.run(TASK, out=tmp_path / "run", **settings)


def test_pictures_are_refined_until_the_verifier_is_content(tmp_path: Path) -> None:
    model = Pixels()
    result = run(tmp_path, model)
    episode = result.episodes[0]
    assert (episode.score, len(episode.attempts)) == (1.0, 3)
    assert [bool(call.images) for call in model.calls] == [False, True, True]
    assert all(call.seed is not None for call in model.calls)
    events = [event.data for event in read_run(tmp_path / "run").events]
    assert [event.fields for event in events if isinstance(event, EpisodePrepared)] == [{"wanted": 3}]
    assert sum(isinstance(event, CallFinished) and event.kind == "image" for event in events) == 3
    assert (episode.images, episode.outcome.model_calls, episode.usage.output) == (3, 0, 10)


def test_the_auditor_alone_gives_the_score(tmp_path: Path) -> None:
    episode = run(tmp_path, verifier=Generous).episodes[0]
    assert len(episode.attempts) == 2
    assert episode.score == pytest.approx(2 / 3)
    assert episode.passed is False


def test_a_cap_on_images_ends_the_loop(tmp_path: Path) -> None:
    episode = run(tmp_path, budget={"images": 2}).episodes[0]
    assert (episode.images, episode.stop_reason) == (2, "budget")
    assert episode.score == pytest.approx(2 / 3)


def test_a_resumed_run_pays_for_no_picture_again(tmp_path: Path) -> None:
    run(tmp_path)
    log = tmp_path / "run" / "events.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    kept = [index for index, line in enumerate(lines) if '"call_finished"' in line][1] + 1
    log.write_text("".join(lines[:kept]))
    again = Pixels()
    result = loopwright.resume(tmp_path / "run", **parts(again))
    assert (result.episodes[0].score, result.episodes[0].images) == (1.0, 3)
    assert len(again.calls) == 1


def test_money_is_capped_by_the_price_of_a_picture(tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("date: 2026-11-01\nmodels:\n  own/*: {image: 0.04, output: 1}\n")
    episode = run(tmp_path, prices=prices, budget={"usd": 0.1}).episodes[0]
    assert (episode.images, episode.stop_reason) == (2, "budget")
    assert str(episode.cost) == "0.080005"
