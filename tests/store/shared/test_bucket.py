"""Artifacts in a bucket, by a real server that speaks S3."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loopwright.errors import StoreError, StoreUnavailable
from loopwright.store import RunStore
from loopwright.store.shared import SharedStore
from tests.cli.conftest import TASK, with_path, write_project
from tests.faults.table import proves
from tests.store.shared.bucket import NAME, BucketServer, Keys, bucket_server
from tests.store.shared.proxy import Proxy, proxied
from tests.store.shared.test_store import execute, recorded, same
from tests.store.support import manifest

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

PLACE = f"s3://{NAME}/artifacts"
VARIABLES = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")


@pytest.fixture(scope="module")
def bucket() -> Iterator[BucketServer]:
    with bucket_server() as server:
        yield server


@pytest.fixture
def way(bucket: BucketServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Proxy]:
    """A way to the bucket; the environment has it, and the keys of a user who may read and write."""
    with proxied(bucket.port) as proxy:
        for name in VARIABLES:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
        known(monkeypatch, bucket.allowed)
        yield proxy


def known(monkeypatch: pytest.MonkeyPatch, keys: Keys) -> None:
    """The keys of the environment; what connected with others is forgotten, as in a new process."""
    import s3fs

    for name, value in keys.variables.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()


async def test_a_run_whose_artifacts_are_in_a_bucket_is_read_elsewhere(
    url: str, bucket: BucketServer, way: Proxy, tmp_path: Path
) -> None:
    assert SharedStore(url).init(f"{PLACE}/one", 2).place == f"{PLACE}/one"
    one = recorded(url, tmp_path / "one")
    assert len([name for name in bucket.names() if name.startswith("artifacts/one/")]) == 3, "two and the mark"
    assert execute(url, "SELECT count(*) FROM loopwright.artifacts WHERE data IS NULL") == [(2,)]
    SharedStore(url).pull("r1", tmp_path / "two")
    assert same(one, tmp_path / "two")


async def test_the_keys_of_the_bucket_are_nowhere_in_the_database(
    url: str, bucket: BucketServer, way: Proxy, tmp_path: Path
) -> None:
    SharedStore(url).init(f"{PLACE}/two", 2)
    recorded(url, tmp_path / "one")
    told = str(execute(url, "SELECT * FROM loopwright.settings"))
    assert PLACE in told
    assert bucket.allowed.secret not in told
    assert bucket.allowed.id not in told


@pytest.mark.parametrize("kind", ["wrong key", "wrong secret", "no right"])
async def test_a_bucket_that_refuses_is_told_at_once_and_without_keys(
    url: str, bucket: BucketServer, way: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    SharedStore(url).init(f"{PLACE}/{kind[-3:]}", 2)
    keys = {
        "wrong key": Keys("AKIAIOSFODNN7EXAMPLE", bucket.allowed.secret),
        "wrong secret": Keys(bucket.allowed.id, "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"),
        "no right": bucket.reader,
    }[kind]
    known(monkeypatch, keys)
    store = RunStore.create(tmp_path / "one", manifest(), share=SharedStore(url))
    store.put(b"\xff" * 10)
    with pytest.raises(StoreError) as refused:
        store.close()
    assert not isinstance(refused.value, StoreUnavailable)
    said = str(refused.value)
    assert said.startswith(f"{PLACE}/{kind[-3:]} cannot be ")
    assert "PermissionError" in said
    assert keys.secret not in said
    assert keys.id not in said
    # With the right keys the run goes on.
    known(monkeypatch, bucket.allowed)
    again = RunStore.open(tmp_path / "one", share=SharedStore(url))
    again.close()
    SharedStore(url).pull("r1", tmp_path / "two")
    assert same(tmp_path / "one", tmp_path / "two")


async def test_a_bucket_that_does_not_exist_is_not_made(
    url: str, bucket: BucketServer, way: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(monkeypatch, bucket.owner)
    with pytest.raises(StoreError, match="s3://taem/artifacts cannot be"):
        SharedStore(url).init("s3://taem/artifacts")
    assert bucket.buckets() == [NAME]


@proves(
    "the way to the bucket of artifacts is cut while a run works",
    "the run waits; when the way is back, folder, database and bucket are equal",
)
async def test_a_bucket_that_is_away_is_waited_for(url: str, bucket: BucketServer, way: Proxy, tmp_path: Path) -> None:
    said: list[str] = []

    def tell(line: str) -> None:
        said.append(line)
        if "is away" in line:
            way.listen()

    SharedStore(url).init(f"{PLACE}/away", 2)
    store = RunStore.create(tmp_path / "one", manifest(), share=SharedStore(url, tell=tell))
    store.put(b"\xff" * 10)
    await store.sync()
    way.refuse()
    store.put(b"\xfe" * 10)
    await asyncio.to_thread(store.close)
    assert any("is away" in line for line in said)
    assert any("is back" in line for line in said)
    SharedStore(url).pull("r1", tmp_path / "two")
    assert same(tmp_path / "one", tmp_path / "two")


def test_the_command_keeps_a_run_there(url: str, bucket: BucketServer, way: Proxy, tmp_path: Path) -> None:
    def command(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", "from loopwright.cli import main; main()", *words],
            cwd=tmp_path,
            env={**with_path(), "LOOPWRIGHT_STORE": url},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    write_project(tmp_path)
    (tmp_path / "say.yaml").write_text(TASK.format(name="say"))
    made = command("store", "init", "--artifacts", f"{PLACE}/command", "--inline", "0")
    assert f"Artifacts lie in {PLACE}/command" in made
    command("run", "say.yaml", "--model", "scripted/right.yaml", "--out", "here/demo")
    command("report", "demo", "--runs", "there")
    assert same(tmp_path / "here" / "demo", tmp_path / "there" / "demo")
    assert [name for name in bucket.names() if name.startswith("artifacts/command/")]
