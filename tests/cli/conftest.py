from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from loopwright.cli._app import app

ENVIRONMENT = '''
"""An environment that needs no sandbox: the answer is a word."""

import asyncio
import pathlib

from loopwright.environments import Observation
from loopwright.errors import SandboxLost
from loopwright.verify import Check, Verdict


class Echo:
    def __init__(self, setup):
        pass

    async def reset(self, instance):
        self.instance = instance
        return Observation()

    async def step(self, action):
        if action.text == "lost":
            raise SandboxLost("the sandbox is gone")
        await asyncio.sleep(self.instance.public.get("slow", 0))
        while (until := self.instance.public.get("until")) and not pathlib.Path(until).exists():
            await asyncio.sleep(0.01)
        return Observation(text=f"ran {action.text}", verdict=_verdict(action, self.instance.public["want"]))

    async def submit(self, answer):
        return _verdict(answer, self.instance.hidden["want"])

    async def close(self):
        pass


def _verdict(answer, want):
    return Verdict(checks=(Check(name="word", score=float(answer.text == want), evidence=f"got {answer.text!r}"),))
'''
CARD = "version: 1\nname: sayer\nrole: proposer\nprompt: sayer\nreply: text\n"
PROMPT = "You say words.\n--- user ---\n{{ view.goal }}\n"
TASK = """\
version: 1
name: {name}
goal: Say yes.
environment:
  name: echo_environment:Echo
  want: "yes"
  hidden:
    want: "yes"
agents:
  proposer: sayer
loop:
  max_iterations: 3
"""

Invoke = Callable[..., Result]
WriteTask = Callable[..., Path]


def with_path() -> dict[str, str]:
    """The environment of a process that imports what the tests import, from any folder."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder, which is the current one; `wrong.yaml` and `right.yaml` are scripted models."""
    write_project(tmp_path)
    go_to(tmp_path, monkeypatch)
    return tmp_path


def write_project(folder: Path) -> None:
    for name in ("agents", "prompts"):
        (folder / name).mkdir()
    (folder / "agents" / "sayer.yaml").write_text(CARD)
    (folder / "prompts" / "sayer.md").write_text(PROMPT)
    (folder / "echo_environment.py").write_text(ENVIRONMENT)
    (folder / "right.yaml").write_text('- "no"\n- "yes"\n')
    (folder / "wrong.yaml").write_text('- "no"\n- "never"\n- "nix"\n')


def go_to(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    for name in ("LOOPWRIGHT_MODEL", "LOOPWRIGHT_RUNS", "LOOPWRIGHT_STORE", "LOOPWRIGHT_DEBUG", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def write_task(project: Path) -> WriteTask:
    def write(name: str = "say", more: str = "", file: str = "") -> Path:
        path = project / (file or f"{name}.yaml")
        path.write_text(TASK.format(name=name) + more)
        return path

    return write


@pytest.fixture(scope="session")
def invoke() -> Invoke:
    def call(*args: object) -> Result:
        return CliRunner().invoke(app, [str(arg) for arg in args], prog_name="loopwright")

    return call
