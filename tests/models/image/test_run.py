"""A run whose pictures come from a server: one environment variable says where it is."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import loopwright
from loopwright.agents import AgentReply, AgentRole, DrawsImages, KeepsArtifacts, ModelClient, View
from loopwright.candidate import Candidate
from loopwright.models.image import ImageRequest
from loopwright.store import Failed, read_run
from loopwright.task import Task
from loopwright.types import Attempt, Check, Endpoint, Verdict
from tests.models.image.servers import OPENAI, ImageStub
from tests.models.image.test_openai import BLUE, half_mask
from tests.models.image.test_pixels import decoded
from tests.models.provider import Provider, fault, on_a_thread

TASK = Task.model_validate(
    {
        "name": "paint",
        "goal": "a cube whose left half is blue",
        "environment": {"name": "text"},
        "loop": {"max_iterations": 3},
        "image_models": {"generator": "openai/gpt-image-2.5-flare", "editor": "openai/gpt-image-2.5-flare"},
    }
)


class Painter:
    """Draws a picture, and repaints the left half of it."""

    role = AgentRole.PROPOSER

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        assert isinstance(models, DrawsImages)
        assert isinstance(models, KeepsArtifacts)
        name = models.named.generators[0]
        request = ImageRequest(model=name, prompt=view.goal, width=64, height=48)
        if view.current and view.current.candidate:
            before = view.current.candidate.artifacts["picture"]
            request = ImageRequest(model=name, prompt="blue", images=(before,), mask=await models.put(half_mask()))
        reply = await models.draw(request)
        return AgentReply(candidate=Candidate(artifacts={"picture": reply.images[0]}))


class LeftIsBlue:
    role = AgentRole.VERIFIER

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        assert isinstance(models, DrawsImages)
        assert view.current is not None
        assert view.current.candidate is not None
        picture = decoded(await models.get(view.current.candidate.artifacts["picture"]))
        return AgentReply(verdict=Verdict(checks=(Check(name="blue", score=float(picture.getpixel((0, 0)) == BLUE)),)))


def run(folder: Path, prices: Path) -> Any:
    parts: dict[str, Any] = {"proposer": Painter, "verifier": LeftIsBlue}
    return loopwright.run(TASK, out=folder, prices=prices, **parts)


def kept(folder: Path, attempt: Attempt) -> Image.Image:
    assert attempt.candidate is not None
    reference = attempt.candidate.artifacts["picture"]
    return decoded((folder / "artifacts" / reference[:2] / reference[2:]).read_bytes())


@pytest.mark.slow
def test_a_picture_is_refined_on_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub = ImageStub(OPENAI)
    stub.provider = Provider(fault(429, "slow down", Retry_After="0"), stub.respond)
    prices = tmp_path / "prices.yaml"
    prices.write_text("date: 2026-11-01\nmodels:\n  openai/*: {input: 5, output: 30}\n")
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-test")
    with on_a_thread(stub.provider) as provider:
        monkeypatch.setenv("OPENAI_BASE_URL", provider.base_url)
        (episode,) = run(tmp_path / "run", prices).episodes
    log = read_run(tmp_path / "run")
    assert [attempt.verdict.score for attempt in episode.attempts] == [0.0, 1.0]
    assert (episode.images, episode.usage.output, episode.cost) == (2, 2 * 1056, Decimal("0.06356"))
    before, after = (kept(tmp_path / "run", attempt) for attempt in episode.attempts)
    assert after.getpixel((0, 0)) == BLUE
    assert after.getpixel((63, 47)) == before.getpixel((63, 47)) != BLUE
    assert [event.data.error for event in log.events if isinstance(event.data, Failed)] == ["ModelRateLimited"]
    assert "key-of-test" not in (tmp_path / "run" / "events.jsonl").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("own", [False, True], ids=["of the task", "of the user, who goes first"])
def test_a_task_names_the_server_of_its_image_models(
    own: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-test")
    drawn = {"generator": "gallery/gpt-image-2.5-flare", "editor": "gallery/gpt-image-2.5-flare"}
    stub = ImageStub(OPENAI)
    stub.provider = Provider(stub.respond)
    with on_a_thread(stub.provider) as provider:
        elsewhere = Endpoint(base_url="http://127.0.0.1:9/v1")
        here = Endpoint(base_url=provider.base_url)
        task = Task.model_validate(
            TASK.model_dump() | {"image_models": drawn, "endpoints": {"gallery": elsewhere if own else here}}
        )
        given: dict[str, Any] = {"endpoints": {"gallery": here}} if own else {}
        parts: dict[str, Any] = {"proposer": Painter, "verifier": LeftIsBlue}
        (episode,) = loopwright.run(task, out=tmp_path / "run", **parts, **given).episodes
    assert [attempt.verdict.score for attempt in episode.attempts] == [0.0, 1.0]
    assert provider.requests
    assert "key-of-test" not in str([request.headers for request in provider.requests])
    assert provider.base_url in (tmp_path / "run" / "run.json").read_text()
