from __future__ import annotations

import asyncio
import contextlib
import io
import os
import tarfile
from pathlib import Path

import docker
import pytest

from loopwright.errors import SandboxUnavailable
from loopwright.sandbox import Pool, Sandbox, SandboxProvider, SandboxSpec, gc, open_provider

pytestmark = pytest.mark.anyio


async def test_auto_says_what_it_picked_and_why() -> None:
    provider = await open_provider("auto")
    assert provider.name in ("docker", "bubblewrap")
    assert provider.reason.startswith("auto: ")
    await provider.close()


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")


@pytest.mark.usefixtures("no_engine")
async def test_auto_without_an_engine_is_bubblewrap() -> None:
    provider = await open_provider("auto")
    assert provider.name == "bubblewrap"
    assert "no Docker Engine" in provider.reason
    with pytest.raises(SandboxUnavailable, match="no Docker Engine"):
        await open_provider("docker")


@pytest.mark.usefixtures("no_engine")
@pytest.mark.parametrize("by_variable", [False, True])
async def test_auto_never_replaces_a_named_image(monkeypatch: pytest.MonkeyPatch, by_variable: bool) -> None:
    if by_variable:
        monkeypatch.setenv("LOOPWRIGHT_IMAGE", "my/tools:1")
    with pytest.raises(SandboxUnavailable, match=r"my/tools:1 cannot be used: no Docker Engine") as refusal:
        await open_provider("auto", None if by_variable else "my/tools:1")
    assert "root file system" in refusal.value.remedy


async def test_auto_takes_bubblewrap_for_the_folder_of_a_root(tmp_path: Path) -> None:
    (tmp_path / "usr").mkdir()
    provider = await open_provider("auto", str(tmp_path))
    assert provider.name == "bubblewrap"
    assert str(tmp_path) in provider.reason


@pytest.mark.docker
async def test_auto_takes_docker_for_an_image_that_is_there(base_image: str) -> None:
    for image in (None, base_image):
        provider = await open_provider("auto", image)
        assert (provider.name, base_image in provider.reason) == ("docker", True)
        await provider.close()


@pytest.mark.docker
async def test_auto_refuses_an_image_that_the_engine_lacks() -> None:
    with pytest.raises(SandboxUnavailable, match="the Docker Engine has no image my/tools:1") as refusal:
        await open_provider("auto", "my/tools:1")
    assert "or pull it" in refusal.value.remedy


@pytest.mark.docker
async def test_auto_is_bubblewrap_where_the_engine_lacks_the_default_image(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("_open", "docker._provider"):
        monkeypatch.setattr(f"loopwright.sandbox.{module}.DEFAULT_IMAGE", "loopwright/not-built:latest")
    provider = await open_provider("auto")
    assert provider.name == "bubblewrap"
    assert "has no image loopwright/not-built:latest" in provider.reason
    assert "loopwright env build python" in provider.reason
    box = await provider.open(SandboxSpec())
    assert (await box.run(["true"])).ok
    await provider.close()


@pytest.mark.docker
async def test_an_image_without_python_is_refused() -> None:
    name = f"loopwright-test/empty:{os.getpid()}"
    client = docker.from_env()
    try:
        with tarfile.open(fileobj=(layer := io.BytesIO()), mode="w") as tar:
            tar.addfile(tarfile.TarInfo("file"))
        client.api.import_image_from_data(layer.getvalue(), repository=name)
        provider = await open_provider("auto", name)
        with pytest.raises(SandboxUnavailable, match=f"image {name} has no python3") as refusal:
            await provider.open(SandboxSpec(image=name))
        assert "loopwright env build" in refusal.value.remedy
        await provider.close()
    finally:
        client.images.remove(name, force=True)
        client.close()


async def test_an_unknown_provider_is_refused() -> None:
    with pytest.raises(SandboxUnavailable, match="podman"):
        await open_provider("podman")


async def test_it_fits_the_contract(provider: SandboxProvider, box: Sandbox) -> None:
    assert isinstance(provider, SandboxProvider)
    assert isinstance(box, Sandbox)
    assert box.provider == provider.name
    assert box.image


async def test_sandboxes_do_not_see_each_other(provider: SandboxProvider) -> None:
    one, two = await asyncio.gather(provider.open(SandboxSpec()), provider.open(SandboxSpec()))
    await one.write("mine", b"1")
    await one.write("/tmp/mine", b"1")
    assert one.id != two.id
    assert await two.list() == []
    assert await two.list("/tmp") == []
    await asyncio.gather(one.close(), two.close())


async def test_closing_the_provider_closes_its_sandboxes(provider: SandboxProvider) -> None:
    other = await open_provider(provider.name)
    box = await other.open(SandboxSpec())
    await other.close()
    assert not any(found.name == box.id for found in await gc())


def test_one_provider_works_in_several_loops_in_turn() -> None:
    async def once(provider: SandboxProvider) -> str:
        box = await provider.open(SandboxSpec())
        done = await box.run(["echo", "hello"])
        await box.close()
        return done.stdout.text

    provider = asyncio.run(open_provider("bubblewrap"))
    assert [asyncio.run(once(provider)) for _ in range(2)] == ["hello\n"] * 2


async def test_a_cancelled_open_leaves_nothing(provider: SandboxProvider) -> None:
    for wait in (0.0, 0.01, 0.03, 0.2):
        task = asyncio.create_task(provider.open(SandboxSpec()))
        await asyncio.sleep(wait)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await (await task).close()
    assert [found for found in await gc() if f"-{os.getpid()}-" in found.name] == []


async def test_a_pool_hands_out_warm_sandboxes_once(provider: SandboxProvider) -> None:
    pool = Pool(await open_provider(provider.name), size=2)
    try:
        await pool.warm(SandboxSpec())
        boxes = [await pool.open(SandboxSpec(env={"N": str(n)}, labels={"n": str(n)})) for n in range(2)]
        assert pool.stats.hits == 2
        assert all(box.pooled for box in boxes)
        assert len({box.id for box in boxes}) == 2
        said = [(await box.run(["sh", "-c", "echo $N"])).stdout.text for box in boxes]
        assert said == ["0\n", "1\n"]
        assert all(box.controls for box in boxes)
        await boxes[0].close()
        other = await pool.open(SandboxSpec(network="host"))
        assert pool.stats.misses == 1
        assert not other.pooled
        assert (await other.run(["true"])).ok
    finally:
        await pool.close()


async def test_a_pool_passes_over_a_sandbox_that_died(provider: SandboxProvider) -> None:
    pool = Pool(await open_provider(provider.name), size=1)
    try:
        await pool.warm(SandboxSpec())
        dead = await pool.open(SandboxSpec())
        await pool.warm(SandboxSpec())
        assert pool.stats.hits == 1
        await dead.close()
        assert (await (await pool.open(SandboxSpec())).run(["true"])).ok
    finally:
        await pool.close()
