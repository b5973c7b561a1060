"""What all tests share: no network, and a reason at the end for every test that this machine cannot run."""

from __future__ import annotations

import gc
import os
import tempfile
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from loopwright import secrets
from loopwright.sandbox import SandboxProvider, open_provider
from tests import forked, offline

BASE_IMAGE = "loopwright/python:latest"
"""The image of the docker tests; `make base-image` makes it."""

PROVIDERS = ("bubblewrap", pytest.param("docker", marks=pytest.mark.docker))

ROOT = Path(__file__).resolve().parents[1]

offline.block()
# Workers of pytest-xdist say how wide their terminal is; what is printed shall not depend on it.
os.environ.pop("COLUMNS", None)
# Nor on what whoever runs the tests has set for all projects.
os.environ["LOOPWRIGHT_SETTINGS"] = os.devnull + "/none"
# What Loopwright keeps for a user is not kept for whoever runs the tests.
os.environ["XDG_STATE_HOME"] = str(Path(tempfile.gettempdir()) / f"loopwright-tests-{os.getuid()}")
# Processes that tests start find Loopwright too, installed or not.
os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
# They also keep compiled modules, so that only the first of them compiles.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# No test fails because the machine is slow.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def _docker_missing() -> str:
    """Why docker tests cannot run, or an empty text."""
    import docker
    from docker.errors import DockerException, ImageNotFound

    try:
        client = docker.from_env(timeout=10)
    except DockerException as error:
        return f"no Docker Engine answers: {error}"
    try:
        client.images.get(BASE_IMAGE)
    except ImageNotFound:
        return f"the Docker Engine has no image {BASE_IMAGE}: run `make base-image`"
    except DockerException as error:
        return f"the Docker Engine fails: {error}"
    finally:
        client.close()
    return ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    docker_items = [item for item in items if item.get_closest_marker("docker")]
    if not docker_items:
        return
    with warnings.catch_warnings():
        # The SDK leaves the socket of a refused connection to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        reason = _docker_missing()
        gc.collect()
    if reason:
        for item in docker_items:
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = Counter(
        str(report.longrepr[2]).removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    )
    if reasons:
        terminalreporter.section("not run on this machine")
        for reason, count in reasons.most_common():
            terminalreporter.line(f"{count} skipped: {reason}")


def on_every_provider(metafunc: pytest.Metafunc) -> None:
    """As `pytest_generate_tests` of a folder or a file: its tests that use `provider` run once on each provider."""
    if "provider" in metafunc.fixturenames:
        metafunc.parametrize("provider", PROVIDERS, indirect=True, scope="session")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, as LangGraph does."""
    return "asyncio"


@pytest.fixture(scope="session")
async def provider(anyio_backend: str, request: pytest.FixtureRequest) -> AsyncIterator[SandboxProvider]:
    """Of bubblewrap sandboxes, unless `on_every_provider` asks for another one."""
    opened = await open_provider(getattr(request, "param", "bubblewrap"))
    yield opened
    await opened.close()


@pytest.fixture
def secret_registry() -> Iterator[None]:
    """A registry of its own, so that the secrets of a test are not scrubbed from what other tests see."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_forms", "_simple", "_spelled"):
            patch.setattr(secrets, name, ())
        for name in ("_owners", "_named"):
            patch.setattr(secrets, name, {})
        patch.setattr(secrets, "_used", set())
        yield


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder that holds `pyproject.toml`."""
    return ROOT


@pytest.fixture(scope="session")
def processes() -> ForkServerContext:
    """Processes that have imported what runs need: a kill hits the run and not the start of Python."""
    return forked.processes()


@pytest.fixture(scope="session")
def base_image() -> str:
    """The image in which docker tests run code."""
    return BASE_IMAGE
