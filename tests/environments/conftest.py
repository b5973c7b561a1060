from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from loopwright.sandbox import SandboxProvider, open_provider


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
async def provider(anyio_backend: str) -> AsyncIterator[SandboxProvider]:
    provider = await open_provider("bubblewrap")
    yield provider
    await provider.close()
