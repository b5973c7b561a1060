"""Canaries: is a suite's task sound? The gold answer must pass, doing nothing must not, nor must a spoilt gold."""

from __future__ import annotations

import asyncio
import json
import logging
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from shlex import quote
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

from pydantic import TypeAdapter

from loopwright._version import __version__
from loopwright.candidate import Candidate
from loopwright.environments import BUILTIN_ENVIRONMENTS, Environment, EnvironmentSetup, Scores, tested_name
from loopwright.files import read_regular, write_whole
from loopwright.project import bytes_of
from loopwright.sandbox import SandboxProvider, SandboxSpec, open_provider
from loopwright.task import Instance, Task
from loopwright.user_folders import data_folder

_log = logging.getLogger(__name__)

Flag = str
_FLAGS = TypeAdapter(dict[str, list[Flag]])


@runtime_checkable
class Scored(Protocol):
    """An environment that tells its state's scores by every rule of its task."""

    async def scores(self) -> Scores:
        """The present state by every rule of its task."""
        ...


@dataclass(frozen=True, slots=True)
class Canary:
    """What was found out about one task."""

    instance: str
    gold: Scores
    """Of the gold answer, given as an agent would give it."""
    idle: Scores
    """Of an agent that does nothing of use."""
    spoilt: Scores | None
    """Of the gold answer after something was broken; None where there is nothing to break."""

    @property
    def flags(self) -> tuple[Flag, ...]:
        """What is wrong with the task, by either rule."""
        found = []
        if self.gold.gold_failed:
            found.append("gold cannot be executed")
        for rule, score in self.gold.rules.items():
            if score < 1:
                found.append(f"gold fails ({rule})")
            if self.idle.rules[rule] >= 1:
                found.append(f"idle passes ({rule})")
            if self.spoilt is not None and self.spoilt.rules[rule] >= 1:
                found.append(f"spoilt passes ({rule})")
        return tuple(found)

    @property
    def told(self) -> str:
        """The scores, for a table."""
        shown = (("gold", self.gold), ("idle", self.idle), ("spoilt", self.spoilt))
        return ", ".join(f"{name} {s.rules['intercode']:.2f}/{s.exact:g}" for name, s in shown if s is not None)

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        plain = {name: value for name, value in asdict(self).items() if name == "instance"}
        scores = {"gold": self.gold, "idle": self.idle, "spoilt": self.spoilt}
        return {**plain, "flags": list(self.flags), **{k: v.model_dump() if v else None for k, v in scores.items()}}


_PIECE = 65_536
"""Characters of base64 in one command, a multiple of four: Linux takes 128 KB in an argument."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The actions of the three agents."""

    gold: Sequence[Candidate]
    idle: Sequence[Candidate]
    spoilt: Sequence[Candidate] = ()


def _plan(gold: Sequence[str], idle: Sequence[str], spoilt: Sequence[str] = ()) -> Plan:
    return Plan(*(tuple(Candidate(text=text) for text in texts) for texts in (gold, idle, spoilt)))


def _bash(instance: Instance) -> Plan:
    if not instance.hidden.get("gold"):
        return _plan(_solving(instance.hidden.get("solution", {})), ("true",))
    gold = f"```\n{instance.hidden['gold']}\n```"
    return _plan((gold,), ("true",), (gold, "touch /loopwright-canary; rm -rf /testbed/dir1"))


def _solving(files: Mapping[str, str]) -> list[str]:
    """Actions that write the files of a solution and execute it; none where there is no solution."""
    actions = []
    for name, text in files.items():
        path = quote(f"/solution/{name}")
        actions.append(f"mkdir -p $(dirname {path}); : > {path}")
        content = b64encode(bytes_of(text)).decode()
        parts = [content[at : at + _PIECE] for at in range(0, len(content), _PIECE)]
        actions += [f"echo {part} | base64 -d >> {path}" for part in parts]
    run = ["chmod +x /solution/solve.sh; /solution/solve.sh"] if actions else []
    return [f"```\n{action}\n```" for action in [*actions, *run]]


def _sql(instance: Instance) -> Plan:
    gold = f"```sql\n{instance.hidden['gold']}\n```"
    return _plan((gold,), ("SELECT 1 WHERE 1 = 0",), ("DELETE FROM sqlite_master", gold, "SELECT 'canary'"))


def _interpreter(instance: Instance) -> Plan:
    code, tests = str(instance.hidden["gold"]), list(instance.hidden["tests"])
    name = tested_name(tests, code)
    gold = f"```python\n{code}\n```"
    idle = f"```python\ndef {name}(*arguments):\n    return None\n```"
    return _plan((gold, f"submit {name}"), (idle, f"submit {name}"), (gold, idle, f"submit {name}"))


def _ctf(instance: Instance) -> Plan:
    gold = str(instance.hidden["gold"])
    return _plan((f"submit {gold}",), ("submit picoCTF{}",), (f"submit {gold}x",))


PLANS: Mapping[str, Callable[[Instance], Plan]] = MappingProxyType(
    {"bash": _bash, "ctf": _ctf, "interpreter": _interpreter, "sql": _sql}
)
"""Environment to what makes the actions of an instance."""


CANARIES = "canaries.json"
"""The file of a run's folder that names the flagged tasks."""


async def flags_of(task: Task, *, concurrency: int = 4) -> dict[str, list[Flag]]:
    """Instance to what is wrong with it, for those with which something is; kept, so that it is found out once.

    Raises:
        SandboxError: There is no sandbox.
    """
    kept = data_folder("canaries") / f"{__version__}-{task.digest[:32]}.json"
    # What cannot be read, or is nothing of the kind, is found out again.
    with suppress(OSError, ValueError):
        return _FLAGS.validate_json(read_regular(kept))
    found = {c.instance: list(c.flags) for c in await run_canaries(task, concurrency=concurrency) if c.flags}
    try:
        write_whole(kept, json.dumps(found).encode())
    except OSError as error:
        _log.warning("what canaries found was not kept in %s: %s", kept, error)
    return found


async def run_canaries(task: Task, *, concurrency: int = 4, provider: SandboxProvider | None = None) -> list[Canary]:
    """Runs the canaries of every instance of a suite's task.

    Args:
        task: The suite's task.
        concurrency: Instances at a time.
        provider: Where sandboxes come from; the task's own one by default.

    Raises:
        UserError: The data cannot be used.
        SandboxError: There is no sandbox.
    """
    opened = provider or await open_provider(task.sandbox.provider)
    places = asyncio.Semaphore(concurrency)

    async def one(instance: Instance) -> Canary:
        async with places:
            return await canary(instance, task.environment.name, opened)

    try:
        return list(await asyncio.gather(*map(one, task.instances())))
    finally:
        if provider is None:
            await opened.close()


async def canary(instance: Instance, environment: str, provider: SandboxProvider) -> Canary:
    """Runs the canaries of one instance."""
    plan = PLANS[environment](instance)

    async def played(actions: Sequence[Candidate]) -> Scores:
        setup = EnvironmentSetup(provider, SandboxSpec(), put=lambda data: "", get=lambda reference: b"")
        place: Environment = BUILTIN_ENVIRONMENTS[environment](setup)
        try:
            await place.reset(instance)
            for action in actions:
                await place.step(action)
            assert isinstance(place, Scored)
            return await place.scores()
        finally:
            await place.close()

    spoilt = await played(plan.spoilt) if plan.spoilt else None
    return Canary(instance.id, await played(plan.gold), await played(plan.idle), spoilt)
