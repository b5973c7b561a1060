"""No secret reaches any output: a run whose provider says the keys aloud, and every verb that tells of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.cli.conftest import Invoke, WriteTask
from tests.faults.table import proves
from tests.models.provider import Answer, Provider, fault, on_a_thread, reply

KEY = "sk-canary/4f8a+91c3e6b7d2"
TOKEN = "canary-token-77e0b1c5"
SECRETS = (KEY, TOKEN, quote(KEY, safe=""), base64.b64encode(KEY.encode()).decode().rstrip("="))


@contextmanager
def serving(*answers: Answer) -> Iterator[str]:
    """The URL of a provider on a thread of its own."""
    with on_a_thread(Provider(*answers)) as provider:
        yield provider.base_url


def test_replies_that_repeat_a_key_are_told(
    invoke: Invoke, write_task: WriteTask, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_task()
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "DEPLOY_TOKEN"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    (project / ".env").write_text(f"OPENAI_API_KEY={KEY}\nDEPLOY_TOKEN={TOKEN}\n")
    with serving(reply(f"it is {KEY}"), reply(f"{TOKEN}, {KEY}"), reply("yes")) as base_url:
        monkeypatch.setenv("OPENAI_BASE_URL", base_url)
        ran = invoke("run", "say.yaml", "--model", "openai/m", "--out", "runs/a")
    invoke("report", "runs/a")
    page = (project / "runs/a/report.html").read_text()
    line = "2 replies repeated the value of DEPLOY_TOKEN, OPENAI_API_KEY: *** stands in its place"
    for told in (ran.stdout, invoke("show", "runs/a").stdout, page):
        assert line in " ".join(told.split())
        assert not any(secret in told for secret in SECRETS)
    events = [json.loads(line)["data"] for line in (project / "runs/a/events.jsonl").read_text().splitlines()]
    masked = [data["masked"] for data in events if data["type"] == "call_finished" and "masked" in data]
    assert masked == [["OPENAI_API_KEY"], ["DEPLOY_TOKEN", "OPENAI_API_KEY"]]


def test_a_word_that_a_server_is_given_as_its_key_stays_in_programs(
    invoke: Invoke, write_task: WriteTask, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_task()
    monkeypatch.setenv("OPENAI_API_KEY", "customer")
    with serving(reply("each customer: yes")) as base_url:
        monkeypatch.setenv("OPENAI_BASE_URL", base_url)
        invoke("run", "say.yaml", "--model", "openai/m", "--out", "runs/a", "--strategy", "single")
    assert "each customer: yes" in invoke("show", "runs/a", "say", "--json").stdout


@pytest.mark.slow
@proves(
    "a provider says the run's keys aloud, in errors and in replies",
    "no key is in any file of the run, its reports, its forks, its cache, its checkpoints or any verb's output",
)
def test_no_output_of_a_run_holds_a_key(
    invoke: Invoke, write_task: WriteTask, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_task()
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "DEPLOY_TOKEN"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    (project / ".env").write_text(f"OPENAI_API_KEY={KEY}\nDEPLOY_TOKEN={TOKEN}\n")
    said = f"{KEY} and {TOKEN}, {SECRETS[2]}, {SECRETS[3]}"
    answers = (fault(500, said), reply(said), reply(f"once more: {said}"), reply("yes"), fault(401, said))
    with serving(*answers) as base_url:
        monkeypatch.setenv("OPENAI_BASE_URL", base_url)
        told = [
            invoke(
                *("run", "say.yaml", "--model", "openai/m", "--out", "runs/a", "--cache", "cache"),
                *("--checkpoints", "sqlite"),
            ),
            invoke("show", "runs/a"),
            invoke("show", "runs/a", "say", "--json"),
            invoke("report", "runs/a", "--junit", "junit.xml", "--csv", "rows.csv"),
            invoke("fork", "runs/a", "--at", "say:refine:0:1", "--seed", 9, "--out", "runs/b"),
            invoke("show", "runs/b", "say"),
            invoke("resume", "runs/b"),
            invoke("explain", "say.yaml", "--model", "openai/m"),
        ]
    assert told[0].exit_code == 0, told[0].output
    assert told[4].exit_code == 3, "the key is refused"
    outputs = {f"output {number}": result.output.encode() for number, result in enumerate(told)}
    files = {str(path): path.read_bytes() for path in project.rglob("*") if path.is_file() and path.name != ".env"}
    assert {"runs/a/events.jsonl", "runs/a/report.html", "runs/a/checkpoints.sqlite", "junit.xml", "rows.csv"} <= {
        str(Path(name).relative_to(project)) for name in files
    }
    leaks = [(name, one) for name, data in {**outputs, **files}.items() for one in SECRETS if one.encode() in data]
    assert leaks == []
    assert b"***" in files[str(project / "runs/a/events.jsonl")], "the replies did hold the keys"
