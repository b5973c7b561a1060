"""One small Ray cluster for all tests of a process; it asks for a token."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from loopwright.cluster import RayCluster
from loopwright.sandbox import Sandbox, SandboxProvider, SandboxSpec
from tests.conftest import on_every_provider

pytest_generate_tests = on_every_provider

PROCESSORS = 6


@pytest.fixture(scope="session")
def ray() -> Iterator[Any]:
    """Ray's library, connected: runs with `on="ray"` in this process use the cluster."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ["RAY_IGNORE_UNHANDLED_ERRORS"] = "1"
    library = pytest.importorskip("ray")
    library.init(
        "local",
        num_cpus=PROCESSORS,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
    )
    yield library
    library.shutdown()


@pytest.fixture(scope="session")
async def cluster(anyio_backend: str, ray: Any) -> AsyncIterator[RayCluster]:
    """Two workers."""
    async with RayCluster(workers=2) as opened:
        yield opened


@pytest.fixture(scope="session")
async def provider(cluster: RayCluster, request: pytest.FixtureRequest) -> SandboxProvider:
    """Of sandboxes on the workers."""
    return await cluster.sandboxes(getattr(request, "param", "bubblewrap"), None)


@pytest.fixture
async def box(provider: SandboxProvider) -> AsyncIterator[Sandbox]:
    """A sandbox in which nothing has run."""
    sandbox = await provider.open(SandboxSpec())
    yield sandbox
    await sandbox.close()
