"""What pictures cost: caps hold whatever a server reports, and whatever becomes of a picture that it drew."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import loopwright
from loopwright.agents import AgentReply, AgentRole, DrawsImages, ModelClient, View
from loopwright.candidate import Candidate
from loopwright.models.image import ImageRequest
from loopwright.store import Failed, read_run
from loopwright.task import Task
from loopwright.types import Check, Verdict
from tests.models.image.servers import answered, sent_pictures
from tests.models.image.test_pixels import picture
from tests.models.provider import GARBAGE, HALF_STREAM, HTML, Answer, Provider, body, events, fault, on_a_thread

BY_PICTURE = "{image: 1}"
BY_TOKEN = "{input: 1, output: 40}"
USED = {"input_tokens": 50, "output_tokens": 6000}
GOOD = picture((64, 48))


class Drawer:
    """Draws one picture."""

    role = AgentRole.PROPOSER

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        assert isinstance(models, DrawsImages)
        request = ImageRequest(model=models.named.generators[0], prompt=view.goal, width=64, height=48)
        reply = await models.draw(request)
        return AgentReply(candidate=Candidate(artifacts={"picture": reply.images[0]} if reply.images else {}))


class NeverPleased:
    role = AgentRole.VERIFIER

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        return AgentReply(verdict=Verdict(checks=(Check(name="right", score=0.0),)))


PARTS: dict[str, Any] = {"proposer": Drawer, "verifier": NeverPleased}


def task(iterations: int = 6, **budget: Any) -> Task:
    return Task.model_validate(
        {
            "name": "draw",
            "goal": "a cube",
            "environment": {"name": "text"},
            "loop": {"max_iterations": iterations},
            "image_models": {"generator": "openai/m", "editor": "openai/m"},
            "budget": budget,
        }
    )


class Shop:
    """A server, a price file and a run folder."""

    def __init__(self, folder: Path, base_url: str, monkeypatch: pytest.MonkeyPatch, price: str) -> None:
        monkeypatch.setenv("OPENAI_BASE_URL", base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "key-of-test")
        self.out = folder / "run"
        self.prices = folder / "prices.yaml"
        self.prices.write_text(f"date: 2026-11-01\nmodels:\n  openai/*: {price}\n")

    def run(self, asked: Task) -> Any:
        (episode,) = loopwright.run(asked, out=self.out, prices=self.prices, **PARTS).episodes
        return episode

    def resume(self) -> Any:
        (episode,) = loopwright.resume(self.out, **PARTS).episodes
        return episode

    @property
    def failures(self) -> list[Failed]:
        return [event.data for event in read_run(self.out).events if isinstance(event.data, Failed)]


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {"input_tokens": 0, "output_tokens": 0},
        {"input_tokens": -5, "output_tokens": -9},
        {"input_tokens": "100", "output_tokens": "100"},
        {"input_tokens": True, "output_tokens": True},
        {"input_tokens": 10**30, "output_tokens": 10**30},
        {"input_tokens": 10.0, "output_tokens": 6000.0},
    ],
    ids=["none", "zero", "negative", "text", "truth", "huge", "fractions"],
)
def test_caps_hold_where_no_usage_is_told_that_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, usage: object
) -> None:
    """A picture is reserved at 50,000 tokens, which are 2 dollars: there is room for two."""
    with on_a_thread(Provider(sent_pictures(GOOD, usage=usage))) as provider:
        shop = Shop(tmp_path, provider.base_url, monkeypatch, BY_TOKEN)
        episode = shop.run(task(usd=5.0))
    assert len(provider.requests) == 2
    assert (episode.images, episode.usage.output, episode.cost) == (2, 100_000, None)
    assert episode.outcome.cost_usd is None


def test_pictures_that_nobody_asked_for_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with on_a_thread(Provider(sent_pictures(GOOD, GOOD, GOOD, usage=USED))) as provider:
        shop = Shop(tmp_path, provider.base_url, monkeypatch, BY_PICTURE)
        episode = shop.run(task(images=4))
    assert len(provider.requests) == 2
    assert (episode.images, episode.cost) == (6, 6)


def test_a_cap_on_tokens_holds_where_no_usage_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with on_a_thread(Provider(sent_pictures(GOOD))) as provider:
        episode = Shop(tmp_path, provider.base_url, monkeypatch, BY_TOKEN).run(task(tokens=120_000))
    assert (len(provider.requests), episode.usage.output) == (2, 100_000)


def test_the_cost_is_known_where_tokens_cost_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with on_a_thread(Provider(sent_pictures(GOOD))) as provider:
        episode = Shop(tmp_path, provider.base_url, monkeypatch, BY_PICTURE).run(task(usd=2.0))
    assert (len(provider.requests), episode.cost) == (2, Decimal(2))


PAID = {
    "half of a picture": sent_pictures(GOOD[:60]),
    "another size": sent_pictures(picture((32, 32))),
    "no picture": sent_pictures(b"<svg/>"),
    "an address": answered([{"url": "http://127.0.0.1:9/x.png"}]),
    "none": answered([]),
    "half of an answer": GARBAGE,
    "half of a body": HALF_STREAM,
    "pieces": events({"type": "image"}),
    "an error beside the picture": body(
        200, b'{"data": [{"b64_json": "x"}], "error": {"message": "late", "code": 400}}'
    ),
    "an error beside the usage": body(
        200, b'{"usage": {"input_tokens": 5}, "error": {"message": "late", "code": 500}}'
    ),
}


@pytest.mark.parametrize("name", PAID)
def test_a_picture_that_cannot_be_used_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The cap leaves room for one, whether it is refused or asked for again, now and after each resume."""
    with on_a_thread(Provider(PAID[name])) as provider:
        shop = Shop(tmp_path, provider.base_url, monkeypatch, BY_PICTURE)
        episode = shop.run(task(images=1))
        resumed = shop.resume()
    assert len(provider.requests) == 1
    assert (episode.images, episode.cost, episode.scored) == (1, Decimal(1), False)
    assert (resumed.images, resumed.cost, resumed.scored) == (1, Decimal(1), False)
    first = shop.failures[0]
    assert (first.images, Decimal(first.cost_usd or 0)) == (1, Decimal(1))


def test_what_a_lost_picture_used_counts_as_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with on_a_thread(Provider(sent_pictures(picture((32, 32)), usage=USED))) as provider:
        shop = Shop(tmp_path, provider.base_url, monkeypatch, BY_TOKEN)
        episode = shop.run(task(usd=5.0))
    assert (episode.images, episode.usage.output, episode.cost) == (1, 6000, Decimal("0.24005"))
    assert [(failed.node, failed.iteration) for failed in _events(shop)] == [("propose", 0)]


def _events(shop: Shop) -> list[Any]:
    return [event for event in read_run(shop.out).events if isinstance(event.data, Failed)]


def test_a_picture_that_was_lost_counts_beside_the_one_that_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with on_a_thread(Provider(sent_pictures(GOOD[:60]), sent_pictures(GOOD))) as provider:
        episode = Shop(tmp_path, provider.base_url, monkeypatch, BY_PICTURE).run(task(1))
    assert (len(provider.requests), episode.images, episode.cost) == (2, 2, Decimal(2))


@pytest.mark.parametrize(
    "answer",
    [HTML, fault(400, "no"), body(200, b""), body(200, b'{"error": {"message": "no", "code": 400}}')],
    ids=["web page", "refusal", "nothing", "error"],
)
def test_what_was_never_drawn_counts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    with on_a_thread(Provider(answer, fault(400, "no"))) as provider:
        shop = Shop(tmp_path, provider.base_url, monkeypatch, BY_PICTURE)
        episode = shop.run(task(images=1))
    assert (episode.images, episode.cost) == (0, Decimal(0))
    assert all(failed.usage is None and failed.images == 0 for failed in shop.failures)


def test_no_picture_is_begun_where_no_working_time_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with on_a_thread(Provider(sent_pictures(GOOD))) as provider:
        shop = Shop(tmp_path, provider.base_url, monkeypatch, BY_PICTURE)
        shop.run(task(working_seconds=0.000001))
    assert len(provider.requests) <= 1


def test_a_refusal_of_a_filter_beside_usage_counts_what_it_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = {"error": {"code": "moderation_blocked", "message": "Not this."}, "usage": USED}
    with on_a_thread(Provider(answered(None, **blocked))) as provider:
        episode = Shop(tmp_path, provider.base_url, monkeypatch, BY_TOKEN).run(task(1))
    assert (episode.images, episode.usage.output, episode.cost) == (1, 6000, Decimal("0.24005"))
