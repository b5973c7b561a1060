from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")

from tests.store.shared.server import PostgresServer, postgres


@pytest.fixture(scope="package")
def server() -> Iterator[PostgresServer]:
    with postgres() as server:
        yield server


@pytest.fixture
def url(server: PostgresServer) -> str:
    """The URL of an empty database."""
    return server.new_database()
