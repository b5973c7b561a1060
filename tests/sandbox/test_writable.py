"""Folders that the workload may write beside its workspace."""

from __future__ import annotations

from pathlib import Path

import pytest

from loopwright.errors import SandboxUnavailable
from loopwright.sandbox import Control, SandboxProvider, SandboxSpec, open_provider

pytestmark = pytest.mark.anyio


async def test_a_named_folder_that_the_image_has_as_roots_can_be_written(provider: SandboxProvider) -> None:
    box = await provider.open(SandboxSpec(writable=("/srv",)))
    done = await box.run(["sh", "-c", "mkdir /srv/d && echo x >/srv/d/f"])
    await box.close()
    assert done.ok, done.stderr.text


async def test_a_named_folder_can_be_written_and_is_watched(provider: SandboxProvider) -> None:
    box = await provider.open(SandboxSpec(writable=("/testbed",)))
    done = await box.run(["sh", "-c", "mkdir /testbed/d && echo x >/testbed/d/f && ! touch /elsewhere"])
    changes = await box.changes()
    await box.close()
    assert done.ok, done.stderr.text
    assert [(change.path, change.kind) for change in changes] == [
        ("/testbed/d", "created"),
        ("/testbed/d/f", "created"),
    ]


async def test_the_whole_root_can_be_written_but_for_its_programs() -> None:
    provider = await open_provider("bubblewrap")
    box = await provider.open(SandboxSpec(writable=("/",)))
    at_first = {change.path for change in await box.changes()}
    done = await box.run(["sh", "-c", "touch /zzz && mkdir /dir && ! touch /usr/bin/zzz && ! rm /bin"])
    changes = {change.path for change in await box.changes()} - at_first
    full = await box.run(["sh", "-c", "dd if=/dev/zero of=/big bs=1M count=100"])
    states = {state.control: state for state in box.controls}
    await box.close()
    await provider.close()
    assert done.ok, done.stderr.text
    assert changes == {"/zzz", "/dir"}
    assert not full.ok
    assert states[Control.READ_ONLY_ROOT].in_force, states[Control.READ_ONLY_ROOT].evidence


@pytest.mark.docker
async def test_docker_refuses_a_root_whose_size_it_cannot_limit() -> None:
    provider = await open_provider("docker")
    with pytest.raises(SandboxUnavailable, match="size of a root"):
        await provider.open(SandboxSpec(writable=("/",)))
    await provider.close()


async def test_an_image_and_an_empty_root_exclude_each_other(tmp_path: Path) -> None:
    provider = await open_provider("bubblewrap")
    with pytest.raises(SandboxUnavailable, match="copied on writing"):
        await provider.open(SandboxSpec(image=str(tmp_path), writable=("/",)))
    await provider.close()
