from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from loopwright.sandbox import Sandbox, SandboxProvider, SandboxSpec, open_provider

PROVIDERS = ["bubblewrap", pytest.param("docker", marks=pytest.mark.docker)]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", params=PROVIDERS)
async def provider(anyio_backend: str, request: pytest.FixtureRequest) -> AsyncIterator[SandboxProvider]:
    provider = await open_provider(request.param)
    yield provider
    await provider.close()


@pytest.fixture
async def box(provider: SandboxProvider) -> AsyncIterator[Sandbox]:
    """A sandbox in which nothing has run."""
    sandbox = await provider.open(SandboxSpec())
    yield sandbox
    await sandbox.close()
