from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from loopwright.sandbox import Sandbox, SandboxProvider, SandboxSpec
from tests.conftest import on_every_provider

pytest_generate_tests = on_every_provider


def settled(sleeps: int) -> str:
    """Shell code that waits until so many `sleep` run and no `setsid` is on its way any more: what is left is known."""
    comms = "cat /proc/[0-9]*/comm 2>/dev/null"
    return f'until [ "$({comms} | grep -cx sleep)" = {sleeps} ] && ! {comms} | grep -qx setsid; do :; done'


@pytest.fixture
async def box(provider: SandboxProvider) -> AsyncIterator[Sandbox]:
    """A sandbox in which nothing has run."""
    sandbox = await provider.open(SandboxSpec())
    yield sandbox
    await sandbox.close()
