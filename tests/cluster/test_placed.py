"""Where Ray finds a place for a model, and what is left where it finds none."""

from __future__ import annotations

import asyncio

import pytest

from loopwright.cluster._driver import Worker
from loopwright.cluster._models import PlacedModel
from loopwright.errors import ModelUnavailable
from loopwright.models import Message, Reply, Request, Scripted
from tests.cluster.test_unusable import in_a_process

PLACED = """
import asyncio, os, time
os.environ.update(RAY_AUTH_MODE="token", RAY_USAGE_STATS_ENABLED="0", RAY_IGNORE_UNHANDLED_ERRORS="1")
import ray
from loopwright.cluster import RayCluster
from loopwright.errors import LoopwrightError
from loopwright.models import Message, ModelOptions, Request
from loopwright.models.image import ImageRequest

class Here:
    repeatable = in_process = True
    def __init__(self, name):
        self.name = name

ray.init("local", num_cpus=1, num_gpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
"""
ALL_PROCESSORS_ARE_TAKEN = """
async def there():
    async with RayCluster() as cluster:
        print(ray.available_resources().get("CPU", 0))
        model = cluster.placed(Here("local/none.gguf"), ModelOptions())
        request = Request(model=model.name, messages=(Message(role="user", content="?"),))
        try:
            await asyncio.wait_for(model.complete(request), 60)
        except LoopwrightError as error:
            print(error)
asyncio.run(there())
"""
THE_GPU_IS_TAKEN = """
@ray.remote(num_cpus=0, num_gpus=1)
class Other:
    def there(self): pass
other = Other.remote()
ray.get(other.there.remote())

async def there():
    async with RayCluster(workers=1) as cluster:
        model = cluster.placed_images(Here("diffusers/none"), ModelOptions(artifact=print, keep=print))
        for _ in range(2):
            try:
                await asyncio.wait_for(model.generate(ImageRequest(model=model.name, prompt="a disc")), 3)
            except TimeoutError:
                print("no place")
        ray.kill(other)
        await asyncio.sleep(6)
        print(ray.available_resources().get("GPU", 0))
asyncio.run(there())
"""


@pytest.mark.slow
def test_a_model_has_a_place_where_workers_have_all_processors() -> None:
    taken, said = in_a_process(PLACED + ALL_PROCESSORS_ARE_TAKEN).splitlines()[:2]
    assert taken in {"0", "0.0"}
    assert "none.gguf" in said, "the process of the model was asked"
    assert "Ray started no process" not in said


@pytest.mark.slow
def test_a_model_that_finds_no_place_waits_for_none_later() -> None:
    assert in_a_process(PLACED + THE_GPU_IS_TAKEN).splitlines() == ["no place", "no place", "1.0"]


class NeverThere:
    """A model for which Ray finds no place."""

    def __init__(self) -> None:
        self.tries = 0
        self._model = PlacedModel(Scripted(["no"]), self._start)

    async def ask(self) -> Reply:
        return await self._model.complete(
            Request(model=self._model.name, messages=(Message(role="user", content="?"),))
        )

    async def _start(self) -> Worker:
        self.tries += 1
        await asyncio.sleep(0.05)
        raise TimeoutError


@pytest.mark.anyio
async def test_callers_that_wait_for_a_model_share_a_try_that_fails() -> None:
    model = NeverThere()
    said = await asyncio.gather(*(model.ask() for _ in range(5)), return_exceptions=True)
    assert [type(error) for error in said] == [ModelUnavailable] * 5
    assert model.tries == 1
    with pytest.raises(ModelUnavailable, match="Ray started no process"):
        await model.ask()
    assert model.tries == 2, "a later caller tries anew"


@pytest.mark.anyio
async def test_a_caller_that_gives_up_ends_its_try_and_the_next_one_tries_itself() -> None:
    model = NeverThere()
    first, second = (asyncio.ensure_future(model.ask()) for _ in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    with pytest.raises(ModelUnavailable):
        await second
    assert model.tries == 2
