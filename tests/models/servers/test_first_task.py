"""The README's first task against every server, with nothing but a base URL, a key and a model's name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import loopwright
from loopwright.models import Endpoint
from tests.docs.test_snippets import snippets
from tests.models.provider import on_a_thread
from tests.models.servers.description import Server
from tests.models.servers.listed import DEEPSEEK, GROQ, SERVERS
from tests.models.servers.stub import Stub
from tests.models.servers.turn import THOUGHT

pytestmark = pytest.mark.slow

WRONG = "```python\ndef middle(a, b, c):\n    return b\n```"
RIGHT = "I sort them.\n\n```python\ndef middle(a, b, c):\n    return sorted([a, b, c])[1]\n```"


@pytest.fixture
def task(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The task of the README, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-test")
    readme = (repository / "README.md").read_text()
    (text,) = [one.text for one in snippets(readme) if one.title == "middle.yaml"]
    path = tmp_path / "middle.yaml"
    path.write_text(text)
    return path


@contextmanager
def serving(server: Server) -> Iterator[Stub]:
    """A stub on a thread of its own."""
    stub = Stub(server, WRONG, RIGHT)
    with on_a_thread(stub.provider):
        yield stub


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.slug)
def test_first_task(server: Server, task: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = {"chat": "openai", "responses": "openai-responses"}.get(server.api, server.api)
    with serving(server) as stub:
        monkeypatch.setenv("OPENAI_BASE_URL", stub.provider.base_url)
        # Claude's and Gemini's own APIs are at their own addresses; here they are at the stub's.
        own = {provider: Endpoint(base_url=stub.provider.base_url, api=server.api, api_key_env="OPENAI_API_KEY")}
        endpoints = {} if provider.startswith("openai") else own
        result = loopwright.run(task, model=f"{provider}/{server.model}", strategy="refine", endpoints=endpoints)
    (episode,) = result.episodes
    assert (episode.passed, [attempt.verdict.score for attempt in episode.attempts]) == (True, [0.5, 1.0])
    assert episode.answer is not None
    assert THOUGHT not in episode.answer.files["solution.py"]


def test_two_servers_at_once(task: Path) -> None:
    with serving(DEEPSEEK) as one, serving(GROQ) as other:
        result = loopwright.run(
            task,
            model=["one/deepseek-reasoner", "other/qwen3"],
            strategy="refine",
            endpoints={
                "one": Endpoint(base_url=one.provider.base_url, api_key_env="OPENAI_API_KEY"),
                "other": Endpoint(base_url=other.provider.base_url, api_key_env="OPENAI_API_KEY"),
            },
        )
    assert [episode.passed for episode in result.episodes] == [True, True]
    assert {request.body["model"] for request in one.provider.requests} == {"deepseek-reasoner"}
    assert {request.body["model"] for request in other.provider.requests} == {"qwen3"}
