"""Tasks of the published data, played action by action."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from loopwright.bench import find_suite
from loopwright.candidate import Candidate
from loopwright.environments import BUILTIN_ENVIRONMENTS, EnvironmentSetup, Observation, Scores
from loopwright.sandbox import SandboxProvider, SandboxSpec
from loopwright.task import Instance

SUITES = {"bash": "intercode-bash", "sql": "intercode-sql", "interpreter": "intercode-python", "ctf": "intercode-ctf"}


@dataclass(frozen=True, slots=True)
class Played:
    """What came of an episode."""

    observations: tuple[Observation, ...]
    scores: Scores

    @property
    def texts(self) -> list[str]:
        return [observation.text for observation in self.observations]

    @property
    def reward(self) -> float:
        return self.scores.rules["intercode"]


class Play(Protocol):
    async def __call__(self, kind: str, task: str, *actions: str, legacy: bool = False, **fields: object) -> Played: ...


@pytest.fixture(scope="session")
def intercode() -> Path:
    """The folder with the published data; it is no part of this repository."""
    base = os.environ.get("LOOPWRIGHT_TEST_DATA", "")
    folder = Path(base) / "intercode"
    if not base or not folder.is_dir():
        pytest.skip("LOOPWRIGHT_TEST_DATA names no folder with intercode/ in it")
    return folder


@pytest.fixture(scope="session")
def tasks(intercode: Path) -> dict[str, dict[str, Instance]]:
    """Kind of environment to its instances by name."""
    return {
        kind: {instance.id: instance for instance in find_suite(suite).task(intercode).instances()}
        for kind, suite in SUITES.items()
    }


@pytest.fixture(scope="session")
def play(provider: SandboxProvider, tasks: dict[str, dict[str, Instance]]) -> Play:
    async def played(kind: str, task: str, *actions: str, legacy: bool = False, **fields: object) -> Played:
        instance = tasks[kind][task]
        if legacy or fields:
            public = {**instance.public, "legacy": legacy, **fields}
            instance = instance.model_copy(update={"public": public})
        return await play_instance(provider, kind, instance, actions)

    return played


async def play_instance(provider: SandboxProvider, kind: str, instance: Instance, actions: Sequence[str]) -> Played:
    setup = EnvironmentSetup(provider, SandboxSpec(), put=lambda data: "", get=lambda reference: b"")
    environment: Any = BUILTIN_ENVIRONMENTS[kind](setup)
    gold = instance.hidden["gold"]
    try:
        await environment.reset(instance)
        observations = tuple(
            [await environment.step(Candidate(text=action.replace("GOLD", gold))) for action in actions]
        )
        return Played(observations, await environment.scores())
    finally:
        await environment.close()


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
