"""What a run will take, by the rates of an earlier one."""

from __future__ import annotations

import math
import os
import random
from pathlib import Path
from statistics import fmean, variance
from typing import Any

import pytest

import loopwright
from loopwright import Candidate, Check, EnvironmentSetup, Instance, Observation, Reply, Request, Verdict
from loopwright.errors import MissingContent
from loopwright.models import Usage
from loopwright.store import EpisodeFinished, EpisodeStarted, Manifest, Payload, RunFinished, RunStarted, RunStore

TASK = loopwright.Task.model_validate(
    {
        "name": "greet",
        "goal": "Say hello.",
        "environment": {"name": "word"},
        "agents": {"proposer": "author"},
        "loop": {"max_iterations": 6, "repetition": None},
    }
)


class Word:
    """An environment without a sandbox: the answer is a word."""

    def __init__(self, setup: EnvironmentSetup) -> None:
        pass

    async def reset(self, instance: Instance) -> Observation:
        return Observation()

    async def step(self, action: Candidate) -> Observation:
        return Observation(verdict=await self.submit(action))

    async def submit(self, answer: Candidate) -> Verdict:
        return Verdict(checks=(Check(name="word", score=float("hello" in answer.text)),))

    async def close(self) -> None:
        """Nothing is held."""


def forecast(folder: Path, **options: Any) -> loopwright.RunForecast:
    return loopwright.forecast(TASK, folder, environment=Word, **options)


def earlier(folder: Path, episodes: dict[str, list[dict[str, Any]]], *, task: str = "greet") -> Path:
    """The record of a run with scored episodes that took what is told, by variant."""
    store = RunStore.create(folder, Manifest(id="pilot", created="", loopwright="", config={}))

    def append(data: Payload, episode: str | None = None) -> None:
        store.append(data, episode=episode)

    append(RunStarted(loopwright="", tasks={task: "0"}, variants=tuple(episodes), episodes=1))
    for variant, outcomes in episodes.items():
        for number, told in enumerate(outcomes):
            name = f"{task}:{variant}:{number}"
            started = EpisodeStarted(
                task=task, instance="", variant=variant, strategy="refine", models={}, repeat=number, seed=1, goal="g"
            )
            append(started, name)
            append(EpisodeFinished.model_validate({"status": "scored", "score": 1, "passed": True, **told}), name)
    append(RunFinished(reason="completed"))
    store.close()
    return folder


def took(seconds: float, *, models: float = 0, sandboxes: float = 0, **more: Any) -> dict[str, Any]:
    return {"seconds": seconds, "working_seconds": models + sandboxes, "sandbox_seconds": sandboxes, **more}


def test_means_and_prediction_intervals_are_those_of_the_formula(tmp_path: Path) -> None:
    calls, seconds = [2, 4, 3, 3, 6], [10.0, 20.0, 12.0, 15.0, 31.0]
    episodes = [
        took(s, models=s / 2, model_calls=n, cost_usd=f"{n / 100}", usage={"input": 100 * n, "output": 10 * n})
        for n, s in zip(calls, seconds, strict=True)
    ]
    folder = earlier(tmp_path / "pilot", {"refine": episodes})
    found = forecast(folder, model=Sometimes(), repeats=100, concurrency=4)
    spread = 1.96 * math.sqrt(variance(calls) * (100 + 100**2 / 5))
    assert found.model_calls.mean == pytest.approx(100 * fmean(calls))
    assert (found.model_calls.low, found.model_calls.high) == pytest.approx((360 - spread, 360 + spread))
    assert found.tokens.mean == pytest.approx(100 * 110 * fmean(calls))
    assert found.usd is not None
    assert found.usd.mean == pytest.approx(100 * fmean(calls) / 100)
    assert found.hours.mean == pytest.approx(100 * fmean(seconds) / 4 / 3600)
    assert (found.bottleneck, found.enough) == ("model calls", None)
    assert sum(found.shares.values()) == pytest.approx(1)


TINY, HUGE = 5e-324, 1e12


@pytest.mark.parametrize("seconds", [0.0, TINY, 1.0, HUGE])
@pytest.mark.parametrize("working", [0.0, TINY, HUGE])
@pytest.mark.parametrize("sandboxes", [0.0, TINY, 1.0, HUGE])
def test_any_times_that_a_record_holds_give_finite_ones(
    seconds: float, working: float, sandboxes: float, tmp_path: Path
) -> None:
    one = {"seconds": seconds, "working_seconds": working, "sandbox_seconds": sandboxes}
    found = forecast(earlier(tmp_path / "sent", {"refine": [one, one]}), model=Sometimes(), repeats=100)
    hours = found.hours
    assert hours.low is not None
    assert hours.high is not None
    assert 0 <= hours.low <= hours.mean <= hours.high < math.inf
    assert found.enough is None or 0 <= found.enough <= 1_000_000


PROCESSORS = os.cpu_count() or 1


@pytest.mark.parametrize(
    ("episode", "repeats", "concurrency", "bottleneck", "hours"),
    [
        (took(36, models=30, sandboxes=3), 100, 1, "model calls", 1.0),
        (took(36, models=3, sandboxes=30), 100, 1, "sandboxes", 1.0),
        (took(36, models=3, sandboxes=3), 100, 1, "waiting", 1.0),
        (took(36, models=18, sandboxes=18), 100 * PROCESSORS, 100 * PROCESSORS, "processors", 0.5),
        (took(36, models=36), 3, 100, "longest episode", 0.01),
    ],
)
def test_the_bottleneck_is_what_more_episodes_at_a_time_do_not_change(
    tmp_path: Path, episode: dict[str, Any], repeats: int, concurrency: int, bottleneck: str, hours: float
) -> None:
    folder = earlier(tmp_path / "pilot", {"refine": [episode, episode]})
    found = forecast(folder, model=Sometimes(), repeats=repeats, concurrency=concurrency)
    assert found.bottleneck == bottleneck
    assert found.hours.mean == pytest.approx(hours)


def test_one_episode_gives_no_interval_and_no_cost_is_none(tmp_path: Path) -> None:
    folder = earlier(tmp_path / "pilot", {"refine": [took(1, models=1, model_calls=2)]}, task="another")
    found = forecast(folder, model=Sometimes(), repeats=10)
    assert (found.model_calls.mean, found.model_calls.low, found.usd) == (20, None, None)


def test_a_variant_that_was_never_scored_is_refused(tmp_path: Path) -> None:
    folder = earlier(tmp_path / "pilot", {"refine": [took(1)]})
    with pytest.raises(MissingContent, match="no scored episode of the variant single") as caught:
        forecast(folder, model=Sometimes(), strategy="single")
    assert "It has: refine" in caught.value.remedy


class Sometimes:
    """Says the right word in a third of its replies, by the seed of the request."""

    name = "some/times"
    repeatable = True

    async def complete(self, request: Request) -> Reply:
        right = random.Random(request.sampling.seed).random() < 1 / 3
        usage = Usage(input=sum(len(message.content) for message in request.messages), output=1)
        return Reply(text="hello" if right else "good morning", model=self.name, usage=usage)

    async def close(self) -> None:
        """Nothing is held."""


def test_a_real_run_comes_to_what_was_told_of_it(tmp_path: Path) -> None:
    def options(repeats: int) -> dict[str, Any]:
        return {"model": Sometimes(), "repeats": repeats, "seed": repeats}

    loopwright.run(TASK, out=tmp_path / "pilot", environment=Word, **options(30))
    told = forecast(tmp_path / "pilot", **options(60))
    result = loopwright.run(TASK, out=tmp_path / "run", environment=Word, **options(60))
    for amount, happened in (
        (told.model_calls, sum(len(episode.attempts) for episode in result)),
        (told.tokens, sum((episode.usage or Usage()).total for episode in result)),
    ):
        assert amount.low is not None
        assert amount.high is not None
        assert amount.low <= happened <= amount.high
