"""What holds on one machine holds on a cluster: caps, searches, maps, sessions, models, secrets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import loopwright
from loopwright.cluster import RayCluster
from loopwright.errors import Interrupted, SandboxLost
from loopwright.models import Message, ModelOptions, Request, Sampling, open_model
from loopwright.models.image import ImageRequest, open_image_model
from loopwright.sandbox import SandboxSpec
from loopwright.secrets import register
from loopwright.store import CallFinished
from loopwright.task import CapOptions
from tests.cluster.workload import Shared, begin, executed, made, opened, outcome, paid
from tests.faults import geo_workload, workload

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
KEY = "sk-cluster-0123456789abcdef"


async def test_caps_hold_with_many_episodes_in_flight(tmp_path: Path, cluster: RayCluster) -> None:
    folder = made(tmp_path / "capped")
    run = begin(folder, adders=8, coders=0, concurrency=8)
    run.cap(CapOptions(model_calls=17))
    result = await executed(run, Shared(cluster))
    assert len(paid(folder)) == 17
    assert sum(episode.outcome.model_calls for episode in result if episode.outcome) == 17


async def test_a_run_that_is_drained_goes_on_elsewhere(tmp_path: Path, cluster: RayCluster) -> None:
    here, there = made(tmp_path / "here"), made(tmp_path / "there")
    expected = outcome(await executed(begin(here), None))
    run = begin(there)
    calls = 0

    def count(event: Any) -> None:
        nonlocal calls
        calls += isinstance(event.data, CallFinished)
        if calls == 9:
            run.drain()

    run.on_event(count)
    with pytest.raises(Interrupted):
        await executed(run, Shared(cluster))
    assert outcome(await executed(begin(there), None)) == expected
    assert sorted(paid(there)) == sorted(paid(here))


async def test_episodes_of_a_session_follow_each_other(tmp_path: Path, cluster: RayCluster) -> None:
    here, there = made(tmp_path / "here"), made(tmp_path / "there")
    session = {"memory": {"turns": 4, "tokens": 500}}
    expected = outcome(await executed(begin(here, coders=0, session=session), None))
    assert outcome(await executed(begin(there, coders=0, session=session), Shared(cluster))) == expected
    assert paid(there) == paid(here)


async def test_a_map_is_refined(tmp_path: Path, cluster: RayCluster) -> None:
    here, there = made(tmp_path / "here"), made(tmp_path / "there")
    expected = workload.outcome(await executed(geo_workload.start(here), None))
    assert workload.outcome(await executed(geo_workload.start(there), Shared(cluster))) == expected


async def test_candidates_of_one_search_are_on_several_workers(tmp_path: Path, cluster: RayCluster) -> None:
    task = loopwright.Task.model_validate(
        {
            "name": "circles",
            "goal": "Place 26 discs.",
            "environment": {"name": "discovery/circles-26"},
            "agents": {"proposer": "tuner"},
            "sandbox": {"provider": "bubblewrap"},
            "loop": {"strategy": "discover", "max_iterations": 6},
        }
    )
    run = loopwright.Run.create(loopwright.RunConfig(tasks=(task,), project=ROOT), tmp_path / "run")
    result = await executed(run, Shared(cluster))
    assert [episode.outcome and episode.outcome.status for episode in result] == ["scored"]
    processes = {one.sandbox.split("-")[1] for one in opened(tmp_path)}
    assert processes == {str(facts.pid) for facts in cluster.facts}


async def test_places_for_candidates_are_those_of_all_workers(ray: Any, cluster: RayCluster) -> None:
    processors = os.cpu_count() or 1
    assert cluster.places(processors) == 2
    assert cluster.places(processors * 3) == 6
    assert cluster.places(1) >= 1


def logs(ray: Any) -> dict[Path, bytes]:
    """All files of the session."""
    folder = Path(ray._private.worker.global_worker.node.get_session_dir_path())
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("secret_registry")
async def test_nothing_of_a_run_is_in_the_logs_of_ray(tmp_path: Path, ray: Any, cluster: RayCluster) -> None:
    register(KEY, "SOME_KEY")
    mark = "hostile-7f3a"
    provider = await cluster.sandboxes("bubblewrap", None)
    sandbox = await provider.open(SandboxSpec(env={"SOME_KEY": KEY}))
    done = await sandbox.run(["sh", "-c", f"echo {mark}; echo $SOME_KEY; echo {mark} >&2; exit 3"])
    assert KEY in done.stdout.text
    with pytest.raises(FileNotFoundError):
        await sandbox.read(f"{mark}-file")
    with pytest.raises(ValueError, match="NUL"):
        await sandbox.run([f"{mark}\0"])
    with pytest.raises(ValueError, match="archive"):
        await sandbox.unpack(f"no archive {mark}".encode())
    await sandbox.close()
    with pytest.raises(SandboxLost):
        await sandbox.run(["true"])
    await executed(begin(made(tmp_path / "run")), Shared(cluster))
    texts = logs(ray)
    assert len(texts) > 10
    for word in (KEY, mark, "Add numbers", "def double"):
        assert not [path for path, text in texts.items() if word.encode() in text], word


@pytest.mark.slow
def test_a_cluster_that_is_started_gets_no_keys_and_says_nothing_but_what_workers_come_to() -> None:
    program = """
import asyncio, os, pathlib, signal
from loopwright.cluster import RayCluster
async def there():
    async with RayCluster(workers=1) as cluster:
        [facts] = cluster.facts
        variables = pathlib.Path(f"/proc/{facts.pid}/environ").read_bytes()
        print(b"SOME_API_KEY" in variables, b"SOME_PLAIN_WORD" in variables)
        os.kill(facts.pid, signal.SIGKILL)
        while cluster.facts[0].pid == facts.pid:
            await asyncio.sleep(0.1)
asyncio.run(there())
"""
    variables = {**os.environ, "SOME_API_KEY": KEY, "SOME_PLAIN_WORD": "plain"}
    variables.pop("RAY_ADDRESS", None)
    done = subprocess.run([sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=True)
    assert done.stdout == "False True\n"
    assert [line.partition(" on ")[0] for line in done.stderr.splitlines()] == [
        "the worker",
        "a worker is there again,",
    ]


@pytest.mark.local_model
@pytest.mark.slow
async def test_a_local_model_answers_from_a_process_of_its_own(cluster: RayCluster) -> None:
    name = "local/smollm2-135m"
    options = ModelOptions(slots=1)
    here = open_model(name, options=options)
    there = cluster.placed(here, ModelOptions())
    assert there is not here
    request = Request(
        model=name,
        messages=(Message(role="user", content="Say hello."),),
        sampling=Sampling(max_tokens=8, temperature=0.0, seed=1),
    )
    try:
        told, expected = await there.complete(request), await here.complete(request)
        assert told.text == expected.text
        assert told.usage == expected.usage
    finally:
        await there.close()
        await here.close()


async def test_hosted_models_stay_with_the_driver(tmp_path: Path, cluster: RayCluster) -> None:
    model = open_model("openai/none", options=ModelOptions(api_key=KEY, base_url="http://127.0.0.1:1"))
    assert cluster.placed(model, ModelOptions()) is model
    await model.close()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
async def test_a_pipeline_paints_in_a_process_of_its_own(tmp_path: Path, cluster: RayCluster) -> None:
    pytest.importorskip("torch", reason="torch is not installed: pip install 'loopwright[diffusers]'")
    pytest.importorskip("diffusers", reason="diffusers is not installed: pip install 'loopwright[diffusers]'")
    from tests.models.image import pipelines

    name = f"diffusers/{pipelines.save(tmp_path / 'tiny', 'StableDiffusionPipeline')}"
    kept: dict[str, bytes] = {}

    async def keep(data: bytes) -> str:
        kept[str(len(kept))] = data
        return str(len(kept) - 1)

    async def read(reference: str) -> bytes:
        return kept[reference]

    options = ModelOptions(artifact=read, keep=keep)
    here = open_image_model(name, options=options)
    there = cluster.placed_images(here, options)
    assert there is not here
    drawn = ImageRequest(model=name, prompt="a disc", seed=3, steps=2)
    try:
        [picture] = (await there.generate(drawn)).images
        [expected] = (await here.generate(drawn)).images
        assert kept[picture] == kept[expected]
        edited = await there.edit(ImageRequest(model=name, prompt="a square", images=(picture,), seed=3, steps=2))
        assert kept[edited.images[0]] != kept[picture]
    finally:
        await there.close()
        await here.close()
