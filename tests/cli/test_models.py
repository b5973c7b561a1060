"""`models check` and `models list`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Invoke, WriteTask
from tests.cli.test_documented import _documented, _keys
from tests.cli.test_secrets import KEY, serving
from tests.models.provider import body, reply

PRICES = "date: 2026-11-01\nmodels:\n  openai/*: {input: 1, output: 10}\n"


@pytest.fixture(autouse=True)
def kept(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(project / "state"))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def test_a_check_tells_its_cost_before_and_is_shown_again_without_a_call(
    invoke: Invoke, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "prices.yaml").write_text(PRICES)
    with serving(reply("42")) as base_url:
        monkeypatch.setenv("OPENAI_BASE_URL", base_url)
        first = invoke("models", "check", "openai/m", "--prices", "prices.yaml", "--max-tokens", 50)
    assert first.exit_code == 0, first.output
    assert "openai/m: 11 short calls, at most 516 tokens of replies" in first.stderr
    assert "USD at most" in first.stderr
    assert "reachable" in first.stdout
    again = invoke("models", "check", "openai/m")
    assert (again.exit_code, again.stderr) == (0, ""), "there is no server any more"
    assert again.stdout == first.stdout
    assert invoke("models", "check", "openai/m", "--refresh").exit_code == 3
    listed = invoke("models", "list")
    assert "openai/m" in listed.stdout
    files = [path.read_text() for path in (project / "state").rglob("*.json")]
    assert len(files) == 1
    assert KEY not in "".join([*files, first.output, again.output, listed.output])


def test_the_keys_of_a_check_are_told(
    invoke: Invoke, repository: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guide = (repository / "docs" / "guides" / "command-line.md").read_text()
    with serving(reply("42")) as base_url:
        monkeypatch.setenv("OPENAI_BASE_URL", base_url)
        told: dict[str, Any] = json.loads(invoke("models", "check", "openai/m", "--json").stdout)
    assert _keys(told) == _documented(guide, "`models check`")
    assert json.loads(invoke("models", "list", "--json").stdout)["checked"] == [told]


def test_a_model_that_a_server_does_not_have_asks_for_a_new_run(
    invoke: Invoke, write_task: WriteTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_task()
    monkeypatch.setenv("MISTRAL_API_KEY", "key-of-test")
    error = {"error": {"message": "The model `mistake` does not exist", "code": 404}}
    with serving(body(404, json.dumps(error).encode())) as base_url:
        monkeypatch.setenv("MISTRAL_BASE_URL", base_url)
        result = invoke("run", "say.yaml", "--model", "mistral/mistake")
    assert "does not exist. Check the model's name" in result.stderr
    assert "run the task anew with --model" in result.stdout
    assert "--changed" not in result.stdout


def test_a_path_that_a_server_does_not_have_is_no_missing_model(
    invoke: Invoke, write_task: WriteTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_task()
    monkeypatch.setenv("MISTRAL_API_KEY", "key-of-test")
    with serving(body(404, b'{"detail": "Not Found"}')) as base_url:
        monkeypatch.setenv("MISTRAL_BASE_URL", base_url.removesuffix("/v1") + "/api")
        result = invoke("run", "say.yaml", "--model", "mistral/m")
        checked = invoke("models", "check", "mistral/m")
    assert "A server has nothing at its URL" in result.stdout
    assert "does not know the model" not in result.stdout
    for told in (result.stderr, checked.stderr):
        assert "Check MISTRAL_BASE_URL: it is the URL before /chat/completions" in told
        assert "endpoints.yaml" not in told


def test_what_was_measured_is_shown_without_a_key(
    invoke: Invoke, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(reply("42")) as base_url:
        monkeypatch.setenv("OPENAI_BASE_URL", base_url)
        monkeypatch.setenv("GROQ_BASE_URL", base_url)
        monkeypatch.setenv("GROQ_API_KEY", KEY)
        first = [invoke("models", "check", f"{name}/m").stdout for name in ("openai", "groq")]
    for name in ("OPENAI_API_KEY", "GROQ_API_KEY"):
        monkeypatch.delenv(name)
    assert [invoke("models", "check", f"{name}/m").stdout for name in ("openai", "groq")] == first
    assert invoke("models", "check", "openai/other").exit_code == 2


def test_the_list_says_where_openai_is_and_whether_its_key_is_set(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    endpoints = json.loads(invoke("models", "list", "--json").stdout)["endpoints"]
    assert endpoints["openai"]["base_url"] == "https://api.openai.com/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", "http://me:secret-word@127.0.0.1:9/v1")
    rows = [line.split() for line in invoke("models", "list").stdout.splitlines() if line.startswith("openai")]
    told = ["http://127.0.0.1:9/v1", "OPENAI_API_KEY", "is", "set", "built", "in"]
    assert rows == [["openai/...", *told], ["openai-responses/...", *told]]
