"""Endpoints: who is asked, with which key, and whose file may name one."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import loopwright
from loopwright.errors import (
    LoopwrightError,
    MissingContent,
    MissingSecret,
    ModelRejected,
    ModelUnauthorized,
    ModelUnavailable,
    RunChanged,
    TaskError,
    UserError,
)
from loopwright.models import (
    BUILTIN_ENDPOINTS,
    AtEndpoint,
    Endpoint,
    ModelOptions,
    builtin_endpoint,
    load_endpoints,
    open_model,
)
from loopwright.runner import Run
from tests.models.provider import Answer, Provider, Received, body, fault, hang, reply
from tests.models.support import ask

TASK = """\
version: 1
name: hello
goal: Say hello.
environment: {{name: text}}
agents: {{proposer: greeter, verifier: judge:Judge}}
endpoints: {{vllm-here: {{base_url: "{url}"}}}}
loop: {{strategy: best_of_n, max_iterations: 1}}
"""
JUDGE = """\
from loopwright import Check, Verdict

class Judge:
    async def verify(self, candidate, instance):
        return Verdict(checks=(Check(name="greets", score=float("hello" in candidate.text)),))
"""


def asked(*answers: Answer, name: str = "mine/m", **settings: Any) -> list[Received]:
    async def go() -> list[Received]:
        async with Provider(*answers) as provider:
            endpoint = Endpoint(base_url=provider.base_url, **settings)
            model = open_model(name, options=ModelOptions(endpoints={"mine": endpoint}))
            try:
                await model.complete(ask(temperature=0.25))
            finally:
                await model.close()
            return provider.requests

    return asyncio.run(go())


def test_key_headers_body_and_sampling_go_to_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE_KEY", "sk-mine-0123456789")
    monkeypatch.setenv("TEAM_TOKEN", "team-0123456789")
    (received,) = asked(
        reply(),
        api_key_env="MINE_KEY",
        headers={"X-Team": "team ${TEAM_TOKEN}", "X-Plain": "yes"},
        body={"provider": {"order": ["a"]}},
        sampling={"temperature": 0.75, "top_p": 0.5},
    )
    assert received.headers["authorization"] == "Bearer sk-mine-0123456789"
    assert (received.headers["x-team"], received.headers["x-plain"]) == ("team team-0123456789", "yes")
    assert received.body["provider"] == {"order": ["a"]}
    # The request goes before the endpoint.
    assert (received.body["temperature"], received.body["top_p"]) == (0.25, 0.5)
    assert received.body["model"] == "m"


def test_a_server_without_a_key_gets_none_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789")
    (received,) = asked(reply())
    assert "sk-canary" not in str(received.headers)


@pytest.mark.parametrize("name", ["llamacpp", "lmstudio", "ollama", "vllm"])
@pytest.mark.parametrize("key", ["", "sk-of-a-local-server"])
def test_a_server_of_this_machine_gets_its_own_key_if_one_is_set(
    monkeypatch: pytest.MonkeyPatch, name: str, key: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789")
    monkeypatch.setenv(f"{name.upper()}_API_KEY", key)

    async def go() -> Received:
        async with Provider(reply()) as provider:
            monkeypatch.setenv(f"{name.upper()}_BASE_URL", provider.base_url)
            model = open_model(f"{name}/m")
            await model.complete(ask())
            await model.close()
            return provider.requests[0]

    headers = asyncio.run(go()).headers
    assert "sk-canary" not in str(headers)
    assert (headers.get("authorization") == f"Bearer {key}") == bool(key)


def test_a_server_of_this_machine_that_refuses_without_a_key_names_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("VLLM_API_KEY", raising=False)

    async def go() -> None:
        async with Provider(fault(401, "Unauthorized")) as provider:
            monkeypatch.setenv("VLLM_BASE_URL", provider.base_url)
            model = open_model("vllm/m")
            try:
                await model.complete(ask())
            finally:
                await model.close()

    with pytest.raises(ModelUnauthorized) as caught:
        asyncio.run(go())
    assert "Check VLLM_API_KEY" in caught.value.remedy


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"api_key_env": "MINE_KEY"}, "mine/m needs an API key and MINE_KEY is not set"),
        ({"headers": {"X-Team": "${MINE_KEY}"}}, "mine/m sends the header X-Team, and MINE_KEY is not set"),
    ],
)
def test_a_variable_that_is_not_set_is_named(settings: Any, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINE_KEY", raising=False)
    with pytest.raises(MissingSecret, match=told):
        asked(reply(), **settings)


@pytest.mark.parametrize("set_", [True, False])
def test_the_remedy_of_a_built_in_endpoint_names_its_variable(monkeypatch: pytest.MonkeyPatch, set_: bool) -> None:
    if set_:
        monkeypatch.setenv("VLLM_BASE_URL", "http://127.0.0.1:9/v1")
    else:
        monkeypatch.delenv("VLLM_BASE_URL", raising=False)
        monkeypatch.setitem(BUILTIN_ENDPOINTS, "vllm", Endpoint(base_url="http://127.0.0.1:9/v1"))
    with pytest.raises(ModelUnavailable) as caught:
        asyncio.run(open_model("vllm/m").complete(ask()))
    assert "(VLLM_BASE_URL)" in caught.value.remedy


def test_a_time_out_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelUnavailable, match=r"no reply within 0\.3 s") as caught:
        asked(hang, timeout=0.3)
    assert "`timeout` for `mine`" in caught.value.remedy


def test_calls_at_a_time_are_as_set() -> None:
    options = ModelOptions(endpoints={"mine": Endpoint(base_url="http://127.0.0.1:9/v1", concurrency=3)})
    assert getattr(open_model("mine/m", options=options), "slots") == 3  # noqa: B009 - no part of the protocol


@pytest.mark.parametrize(
    ("name", "url", "used"),
    [
        ("mistral", "http://127.0.0.1:9/own/v1/", "http://127.0.0.1:9/own/v1"),
        ("mistral", "http://127.0.0.1:9", "http://127.0.0.1:9/v1"),
        ("anthropic", "http://127.0.0.1:9/claude", "http://127.0.0.1:9/claude/v1"),
        ("anthropic", "http://127.0.0.1:9/v1", "http://127.0.0.1:9/v1"),
    ],
)
def test_a_variable_says_where_a_built_in_endpoint_is(
    monkeypatch: pytest.MonkeyPatch, name: str, url: str, used: str
) -> None:
    monkeypatch.setenv(f"{name.upper()}_BASE_URL", url)
    monkeypatch.setenv(f"{name.upper()}_API_KEY", "sk-0123456789")
    found = builtin_endpoint(name)
    assert found
    assert found.base_url == used
    model = open_model(f"{name}/m")
    assert isinstance(model, AtEndpoint)
    assert model.fingerprint == found.fingerprint


@pytest.mark.parametrize(
    "url", ["127.0.0.1:9", "http://me:secret-word@host/v1", "http://[", "https://h/v1?k=secret-word"]
)
def test_a_variable_that_holds_no_base_url_is_told_without_its_value(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("GROQ_BASE_URL", url)
    with pytest.raises(UserError, match="GROQ_BASE_URL") as caught:
        open_model("groq/m")
    assert "secret-word" not in str(caught.value)


def test_built_in_endpoints_open_with_their_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, endpoint in BUILTIN_ENDPOINTS.items():
        if endpoint.api_key_env:
            monkeypatch.delenv(endpoint.api_key_env, raising=False)
            with pytest.raises(MissingSecret, match=endpoint.api_key_env):
                open_model(f"{name}/m")
            monkeypatch.setenv(endpoint.api_key_env, "sk-0123456789")
        assert open_model(f"{name}/m").name == f"{name}/m"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"base_url": "localhost:8000"}, "https://HOST/PATH"),
        ({"base_url": "http://localhost:0/v1"}, "https://HOST/PATH"),
        ({"base_url": "http://localhost:99999/v1"}, "of the form https://HOST/PATH"),
        ({"base_url": "http://me:secret@host/v1"}, "no user, password"),
        ({"base_url": "http://h/v1", "headers": {"Authorization": "Bearer abc"}}, "looks like a key"),
        ({"base_url": "http://h/v1", "headers": {"X": "a\nb"}}, "characters that no header"),
        ({"base_url": "http://h/v1", "headers": {"X-Mine": "Bearer abc"}}, "looks like a key"),
        ({"base_url": "http://h/v1", "body": {"extra": [{"api_key": "sk-123"}]}}, "looks like a key"),
        ({"base_url": "http://h/v1", "timeout": 0}, "greater than 0"),
        ({"base_url": "http://h/v1", "timeout": float("inf")}, "finite"),
        ({"base_url": "http://h/v1", "api_key": "sk-123"}, "Extra inputs"),
    ],
)
def test_settings_that_cannot_be(settings: Any, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Endpoint.model_validate(settings)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("- a\n", 1, "maps names to settings"),
        ("a: {base_url: 'http://h/v1'}\nlocal: {base_url: 'http://h/v1'}\n", 2, "cannot name an endpoint"),
        ("a:\n  base_url: http://h/v1\n  timeout: -1\n", 3, "a.timeout"),
        ("a:\n  base_url: http://h/v1\n  keys: X\n", 3, "a.keys"),
        ("a: 3\n", 1, "a:"),
    ],
)
def test_a_file_with_a_mistake_is_refused_with_its_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    (tmp_path / "endpoints.yaml").write_text(text)
    with pytest.raises(TaskError, match=says) as caught:
        load_endpoints(tmp_path / "endpoints.yaml")
    assert caught.value.line == line


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOOPWRIGHT_SETTINGS", str(tmp_path / "settings"))
    (tmp_path / "settings").mkdir()
    (tmp_path / "judge.py").write_text(JUDGE)
    for folder in ("agents", "prompts"):
        (tmp_path / folder).mkdir()
    (tmp_path / "agents" / "greeter.yaml").write_text(
        "{version: 1, name: greeter, role: proposer, prompt: greeter, reply: text}"
    )
    (tmp_path / "prompts" / "greeter.md").write_text("You greet.\n--- user ---\n{{ view.goal }}\n")
    return tmp_path


async def played(project: Path, *, models: list[str], own: str, then: Any = None) -> Any:
    """Runs the task at two servers: one that the task names, one in the user's file."""
    async with Provider(reply("hello")) as here, Provider(reply("good morning")) as there:
        (project / "task.yaml").write_text(TASK.format(url=here.base_url))
        (project / "settings" / "endpoints.yaml").write_text(own.format(url=there.base_url))
        result = await asyncio.to_thread(loopwright.run, "task.yaml", model=models, out=project / "run")
        return result, [request.body["model"] for request in (*here.requests, *there.requests)]


def test_two_servers_in_one_run(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUD_KEY", "sk-cloud-0123456789")
    result, asked_for = asyncio.run(
        played(project, models=["vllm-here/a", "cloud/b"], own="cloud: {{base_url: '{url}', api_key_env: CLOUD_KEY}}")
    )
    assert {episode.variant: episode.passed for episode in result} == {
        "best_of_n@vllm-here/a": True,
        "best_of_n@cloud/b": False,
    }
    assert asked_for == ["a", "b"]
    record = (project / "run" / "run.json").read_text()
    assert "CLOUD_KEY" in record
    assert "sk-cloud" not in record


def test_the_user_s_own_file_goes_first(project: Path) -> None:
    _, asked_for = asyncio.run(played(project, models=["vllm-here/a"], own="vllm-here: {{base_url: '{url}'}}"))
    result = loopwright.load_result(project / "run")
    answer = result.episodes[0].answer
    assert (asked_for, answer and answer.text) == (["a"], "good morning")


@pytest.mark.parametrize("wish", ["api_key_env: OPENAI_API_KEY", "headers: {X: '${OPENAI_API_KEY}'}"])
def test_a_task_file_gets_no_key(project: Path, wish: str) -> None:
    (project / "task.yaml").write_text(TASK.format(url="http://127.0.0.1:9/v1").replace('9/v1"', '9/v1", ' + wish))
    with pytest.raises(TaskError, match="vllm-here wants OPENAI_API_KEY") as caught:
        loopwright.load_task("task.yaml")
    assert caught.value.line == 6


def test_the_record_of_somebody_else_gets_no_key(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUD_KEY", "sk-cloud-0123456789")
    own = "cloud: {{base_url: '{url}', api_key_env: CLOUD_KEY}}"
    asyncio.run(played(project, models=["cloud/b"], own=own))
    (project / "settings" / "endpoints.yaml").unlink()
    with pytest.raises(LoopwrightError) as caught:
        Run.reopen(project / "run", changed=True).resolved.model("cloud/b")
    assert isinstance(caught.value, MissingContent)


@pytest.mark.parametrize("where", ["model: vllm-here/${DEEPSEEK_API_KEY}", "model: vllm-here/${HOME}"])
def test_a_task_file_that_names_servers_sends_them_no_variable(project: Path, where: str) -> None:
    (project / "task.yaml").write_text(TASK.format(url="http://127.0.0.1:9/v1") + where + "\n")
    with pytest.raises(TaskError, match=r"DEEPSEEK_API_KEY looks like a secret|HOME: a task file that names servers"):
        loopwright.load_task("task.yaml")


@pytest.mark.parametrize("name", ["openai", "deepseek", "diffusers", "painter"])
def test_a_task_file_takes_no_name_that_is_built_in(project: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789")
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-canary-0123456789")
    (project / "task.yaml").write_text(TASK.format(url="http://127.0.0.1:9/v1").replace("vllm-here", name))
    with pytest.raises(TaskError, match=f"endpoints.{name}: an endpoint of that name is built in"):
        loopwright.check("task.yaml", model=f"{name}/m")


def test_redirects_are_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The prompt, and headers that hold a key, go to no other server."""
    monkeypatch.setenv("TEAM_TOKEN", "team-0123456789")

    async def go() -> tuple[ModelRejected, int]:
        async with Provider(reply()) as elsewhere:
            moved = body(307, b"", Location=f"{elsewhere.base_url}/chat/completions")
            async with Provider(moved) as provider:
                endpoint = Endpoint(base_url=provider.base_url, headers={"X-Team": "${TEAM_TOKEN}"})
                model = open_model("mine/m", options=ModelOptions(endpoints={"mine": endpoint}))
                try:
                    with pytest.raises(ModelRejected) as caught:
                        await model.complete(ask())
                finally:
                    await model.close()
                return caught.value, len(elsewhere.requests)

    error, followed = asyncio.run(go())
    assert followed == 0
    assert "`base_url` of `mine`" in error.remedy


def test_headers_that_are_meant_for_openai_go_to_no_other_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Corp-Key: corp-0123456789")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-0123456789")
    (received,) = asked(reply(), headers={"X-Plain": "yes"})
    assert received.headers["x-plain"] == "yes"
    assert "0123456789" not in str(received.headers)


def test_a_changed_endpoint_is_told_at_a_resume(project: Path) -> None:
    asyncio.run(played(project, models=["cloud/b"], own="cloud: {{base_url: '{url}'}}"))
    (project / "settings" / "endpoints.yaml").write_text("cloud: {base_url: 'http://127.0.0.1:9/v1'}")
    with pytest.raises(RunChanged, match="endpoint cloud"):
        Run.reopen(project / "run")


@pytest.mark.parametrize(("name", "variable"), [("openai", "OPENAI_BASE_URL"), ("vllm", "VLLM_BASE_URL")])
def test_where_a_variable_leads_is_recorded_and_compared(
    project: Path, monkeypatch: pytest.MonkeyPatch, name: str, variable: str
) -> None:
    (project / "task.yaml").write_text(TASK.format(url="http://127.0.0.1:9/v1"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789")

    async def played_at_a_server(out: Path) -> str:
        async with Provider(reply("hello")) as provider:
            monkeypatch.setenv(variable, provider.base_url)
            await asyncio.to_thread(loopwright.run, "task.yaml", model=f"{name}/m", out=out)
            return provider.base_url

    asked = [asyncio.run(played_at_a_server(project / out)) for out in ("one", "two")]
    records = [(project / out / "run.json").read_text() for out in ("one", "two")]
    assert [json.loads(record)["config"]["endpoints"][name]["base_url"] for record in records] == asked
    assert "sk-canary" not in "".join(records)
    assert f"endpoint {name}: base_url" in loopwright.compare(project / "one", project / "two").differences
