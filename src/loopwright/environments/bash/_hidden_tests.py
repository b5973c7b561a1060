"""Hidden tests of a shell task: a script that leaves a reward, in a sandbox that the agent never was in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import ClassVar

from loopwright.environments._scores import NothingToScore, Score
from loopwright.environments._shells._fixture import Fixture
from loopwright.environments._shells._shell import SHELL, Shell
from loopwright.environments._types import EnvironmentSetup
from loopwright.environments.bash._shell_pool import ShellStart
from loopwright.errors import VerifierError
from loopwright.text import cut_middle

TESTS, LOGS = "/tests", "/logs/verifier"
"""Where the tests lie, and where they leave the reward."""
SCRIPT = "test.sh"
_COMMAND = f"chmod +x {TESTS}/{SCRIPT} && {TESTS}/{SCRIPT}"
_REWARDS = ("reward.json", "reward.txt")
_REWARD_BYTES = 1 << 20
_SYSTEM = ("/bin", "/boot", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/sbin", "/usr")
"""What the tests themselves run on. Nothing of an agent's is carried to it unless the task names it."""
_HOME = "/work"
_SHOWN = 2000


@dataclass(frozen=True, slots=True)
class HiddenTests:
    """What grades the state that an agent leaves."""

    files: Mapping[str, str]
    """Path below `/tests` to content."""
    timeout: float
    """Seconds for the script."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables of the script."""
    artifacts: Sequence[str] | None = None
    """The paths that are carried over; None for all that changed outside of the system's folders and the home."""
    image: str | None = None
    """An image of the tests' own, to which only `artifacts` are carried."""


@dataclass(frozen=True, slots=True)
class RewardOutcome:
    """What the tests of a task said."""

    rewards: Mapping[str, float]
    """Name to value; the file `reward.txt` has the one `reward`."""
    output: str = ""
    """What the script printed, cut in the middle."""
    gold_failed: ClassVar[bool] = False

    async def exact(self) -> Score:
        """The one named `reward`, else the mean of all."""
        values = self.rewards
        value = values["reward"] if "reward" in values else sum(values.values()) / len(values)
        return Score(value, {"rewards": dict(values), "output": self.output})


async def run_hidden_tests(
    tests: HiddenTests, setup: EnvironmentSetup, start: ShellStart, agent: Shell
) -> RewardOutcome:
    """Runs the tests on what an agent left.

    No process of the agent is there, and no file of it but what is carried over.

    Raises:
        NothingToScore: What the agent left cannot be carried over, or keeps the tests from leaving a reward.
        VerifierError: The tests leave no reward on the untouched start either.
        SandboxError: A sandbox failed.
    """
    carried = _carried(tests.artifacts)
    try:
        state = await agent.save(carried)
        links = [path for path, change in (await agent.changes()).items() if change.type == "link" and carried(path)]
    except ValueError as error:  # the workload made more than anyone should look at: no right answer does
        raise NothingToScore(problem=str(error)) from None
    left = await _run(tests, setup, start, state, links)
    if isinstance(left, RewardOutcome):
        return left
    untouched = await _run(tests, setup, start, b"", ())
    if isinstance(untouched, RewardOutcome):
        raise NothingToScore(problem=left)
    raise VerifierError(
        f"the hidden tests leave no reward, on the untouched start either: {untouched}",
        remedy=f"{TESTS}/{SCRIPT} must write {LOGS}/reward.txt or reward.json, whatever the answer is.",
    )


async def _run(
    tests: HiddenTests, setup: EnvironmentSetup, start: ShellStart, state: bytes, links: Sequence[str]
) -> RewardOutcome | str:
    """What the tests say of a state; why they say nothing otherwise."""
    limits = setup.spec.limits
    room = replace(limits, scratch_mb=2 * limits.scratch_mb)  # the agent may have filled its own to the brim
    spec = replace(setup.spec, image=tests.image or setup.spec.image, env={**setup.spec.env, **start.env}, limits=room)
    begin = ShellStart(Fixture(b"", ())) if tests.image else start
    files = {f"{TESTS}/{path}": text for path, text in tests.files.items()}
    fixture = begin.fixture.with_files(files, folders=(LOGS,))
    shell = await Shell.open(setup.provider, spec, fixture, setup=begin.setup, cwd=start.cwd)
    try:
        if state:
            try:
                await shell.load(state)
                await shell.drop_links(links, (TESTS, LOGS))
            except ValueError as error:
                return str(error)
        shell.cwd = start.cwd
        ran = await shell.run_argv([SHELL, "-c", _COMMAND], timeout=tests.timeout, env=tests.env)
        output = cut_middle(ran.text, _SHOWN)
        try:
            return RewardOutcome(await _rewards(shell), output)
        except ValueError as error:
            why = f"the tests took more than {tests.timeout:g} s" if ran.timed_out else str(error)
            return f"{why}\n{output}".rstrip()
    finally:
        await shell.close()


async def _rewards(shell: Shell) -> Mapping[str, float]:
    """The rewards by name.

    Raises:
        ValueError: There is no file with rewards, or it cannot be read.
    """
    for name in _REWARDS:
        try:
            text = (await shell.read(f"{LOGS}/{name}", limit=_REWARD_BYTES)).decode()
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise ValueError(f"{name}: {error}") from None
        return _read_rewards(name, text)
    raise ValueError(f"no {' and no '.join(_REWARDS)} in {LOGS}")


def _read_rewards(name: str, text: str) -> Mapping[str, float]:
    try:
        found = json.loads(text) if name.endswith(".json") else float(text)
        rewards = found if isinstance(found, dict) else {"reward": found}
        values = {key: float(value) for key, value in rewards.items() if isinstance(value, int | float)}
    except (ValueError, OverflowError, RecursionError):
        values = rewards = {}
    if not values or len(values) != len(rewards) or not all(map(isfinite, values.values())):
        raise ValueError(f"{name} holds no finite number: {cut_middle(text.strip(), 80)!r}")
    return values


def _carried(artifacts: Sequence[str] | None) -> Callable[[str], bool]:
    """Which paths of the agent the tests see."""

    def carried(path: str) -> bool:
        if any(_below(path, own) or _below(own, path) for own in (TESTS, LOGS)):
            return False
        if artifacts is None:
            return not any(_below(path, folder) for folder in (*_SYSTEM, _HOME))
        return any(_below(path, artifact) or _below(artifact, path) for artifact in artifacts)

    return carried


def _below(path: str, folder: str) -> bool:
    """Whether a path is a folder, or lies below it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")
