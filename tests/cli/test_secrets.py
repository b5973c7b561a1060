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

pytestmark = pytest.mark.usefixtures("secret_registry")

KEY = "sk-canary/4f8a+91c3e6b7d2"
TOKEN = "canary-token-77e0b1c5"
SECRETS = (KEY, TOKEN, quote(KEY, safe=""), base64.b64encode(KEY.encode()).decode().rstrip("="))

SHOP = """
version: 1
name: shop
goal: Write `password()`, which gives the password.
environment:
  name: python
  tests: |
    from solution import password

    def test_it():
        assert list(map(ord, password())) == [{spelled}]
loop: {{strategy: refine, max_iterations: 3}}
sandbox: {{provider: bubblewrap}}
"""


def keep_secret(project: Path, patch: pytest.MonkeyPatch, **variables: str) -> None:
    """Writes the project's `.env`, whose variables are not set yet, and are unset again after the test."""
    for name in variables:
        patch.setenv(name, "")
        patch.delenv(name)
    (project / ".env").write_text("".join(f"{name}={value}\n" for name, value in variables.items()))


@contextmanager
def serving(*answers: Answer) -> Iterator[str]:
    """The URL of a provider on a thread of its own."""
    with on_a_thread(Provider(*answers)) as provider:
        yield provider.base_url


def test_replies_that_repeat_a_key_are_told(
    invoke: Invoke, write_task: WriteTask, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_task()
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    keep_secret(project, monkeypatch, OPENAI_API_KEY=KEY, DEPLOY_TOKEN=TOKEN)
    with serving(reply(f"it is {KEY}"), reply(f"{TOKEN}, {KEY}"), reply("yes")) as base_url:
        monkeypatch.setenv("OPENAI_BASE_URL", base_url)
        ran = invoke("run", "say.yaml", "--model", "openai/m", "--out", "runs/a")
    invoke("report", "runs/a")
    page = (project / "runs/a/report.html").read_text()
    line = (
        "2 replies repeated the value of DEPLOY_TOKEN, OPENAI_API_KEY; the record shows ***. 2 of them were also "
        "executed and graded with ***. Keep keys out of tasks and data."
    )
    for told in (ran.stdout, invoke("show", "runs/a").stdout, page):
        assert line in " ".join(told.split())
        assert not any(secret in told for secret in SECRETS)
    events = [json.loads(line)["data"] for line in (project / "runs/a/events.jsonl").read_text().splitlines()]
    masked = [data["masked"] for data in events if data["type"] == "call_finished" and "masked" in data]
    assert masked == [["OPENAI_API_KEY"], ["DEPLOY_TOKEN", "OPENAI_API_KEY"]]


RETURNS = """```python
def password():
    return "{password}"
```"""


def test_a_password_of_the_project_is_executed_as_it_was_written(
    invoke: Invoke, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = "tr0ub4dor-and-3"
    keep_secret(project, monkeypatch, SHOP_DB_PASSWORD=password)
    (project / "shop.yaml").write_text(SHOP.format(spelled=", ".join(str(ord(sign)) for sign in password)))
    replies = ["```python\n1/0\n```", f"It is {password}.", RETURNS.format(password=password)]
    (project / "replies.yaml").write_text(json.dumps(replies))
    ran = invoke(
        *("run", "shop.yaml", "--model", "scripted/replies.yaml", "--out", "runs/a"),
        *("--accept", 1, "--checkpoints", "sqlite"),
    )
    assert ran.exit_code == 0, ran.output
    invoke("report", "runs/a")
    regraded = invoke("regrade", "runs/a", "--out", "runs/b")
    assert regraded.exit_code == 0, regraded.output
    told = [ran, regraded, invoke("show", "runs/a"), invoke("show", "runs/a", "shop", "--json")]
    assert [row["score"] for row in json.loads(invoke("show", "runs/b", "--json").stdout)["episodes"]] == [1.0]
    shown = " ".join(told[2].stdout.split())
    assert "2 replies repeated the value of SHOP_DB_PASSWORD; the record shows ***" in shown
    assert "Keep keys out" not in shown
    kept = [path.read_bytes() for path in (project / "runs").rglob("*") if path.is_file()]
    assert not any(password.encode() in data for data in [*(one.output.encode() for one in told), *kept])


COUNTED = """
version: 1
name: count
goal: Write the number of characters of the password to n.txt.
environment: {name: bash, cwd: /data, files: {/data/a.txt: a}, hidden: {gold: "echo 15 > n.txt"}}
agents: {proposer: actor}
loop: {strategy: react}
sandbox: {provider: bubblewrap}
"""


def test_a_password_in_a_command_is_executed_and_an_interrupted_run_goes_on_with_it(
    invoke: Invoke, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = "tr0ub4dor-and-5"
    keep_secret(project, monkeypatch, SHOP_SHELL_PASSWORD=password)
    (project / "count.yaml").write_text(COUNTED)
    action = f"```bash\nprintf '%s' {password} | wc -c > n.txt\n```"
    (project / "replies.yaml").write_text(json.dumps([action]))
    options = ("--model", "scripted/replies.yaml", "--out", "runs/a")
    assert invoke("run", "count.yaml", *options).exit_code == 2, "a reply is missing"
    (project / "replies.yaml").write_text(json.dumps([action, "submit"]))
    resumed = invoke("resume", "runs/a", "--accept", 1)
    assert resumed.exit_code == 0, resumed.output
    forked = invoke("fork", "runs/a", "--at", "count:react:0:1", "--out", "runs/b")
    assert forked.exit_code == 0, forked.output
    assert "SHOP_SHELL_PASSWORD" in (project / "runs/b/events.jsonl").read_text(), "the action is kept"
    assert invoke("resume", "runs/b", "--accept", 1).exit_code == 0, "the kept action was executed again as it was"
    kept = [path.read_bytes() for path in (project / "runs").rglob("*") if path.is_file()]
    assert not any(password.encode() in data for data in kept)


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
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    keep_secret(project, monkeypatch, OPENAI_API_KEY=KEY, DEPLOY_TOKEN=TOKEN)
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
