"""The `repo` environment: a candidate is a diff against the base commit of a repository, judged by tests."""

from __future__ import annotations

import asyncio
from pathlib import Path

from loopwright.environments import EnvironmentSetup, ReplyForm, Shell, Unchecked, action_of, submission
from loopwright.errors import TaskError
from loopwright.repo._apply_patch import apply_patch
from loopwright.repo._diff import write_diff
from loopwright.repo._fields import RepoFields, RepoHidden, fields_of
from loopwright.repo._grading import run_suite
from loopwright.repo._patch import PatchFailed, read_patch
from loopwright.repo._test_files import Suite, hidden_suite, visible_suite
from loopwright.repo._tree import PATCH, Tree, patch_of
from loopwright.repo._workspace import DoesNotFit, Workplace, Workspace, base_of
from loopwright.sandbox import Sandbox
from loopwright.task import Instance
from loopwright.text import cut_middle
from loopwright.types import Candidate, Check, Observation, Verdict

_SHOWN = 4000
"""Characters of an observation: it goes into prompts."""


class RepoEnvironment:
    """Takes patches, which the visible tests judge, or shell actions in a sandbox that holds the files.

    Every test runs in a sandbox in which nothing of the candidate ran before: it has the files of the base commit, the
    candidate's diff, and the test files as they are at the base commit or for the graders. The sandbox in which an
    agent acts has no hidden test and no history beside the base commit.
    """

    def __init__(self, setup: EnvironmentSetup) -> None:
        self._setup = setup
        self._fields = RepoFields()
        self._hidden: RepoHidden | None = None
        self._base: Tree | None = None
        self._space: Workspace | None = None
        self._shell: Shell | None = None

    @staticmethod
    def check(instance: Instance) -> None:
        """Looks at an instance without starting anything.

        Raises:
            TaskError: A field is unknown or cannot be used, there are no tests at all, or the repository is not there.
        """
        repository = fields_of(instance)[0].repository
        if repository is not None and not Path(repository).exists():
            raise TaskError(
                f"environment.repository: there is no {repository}",
                remedy="Name a folder, a git bundle or an archive. A relative path starts at the folder of the file "
                "that names it; of a task made in Python, at the current folder.",
            )

    @staticmethod
    def reply_form(*, acts: bool) -> ReplyForm:
        """See `ExpectsReply`."""
        return ReplyForm("text", "actor") if acts else ReplyForm("files", "patcher")

    @staticmethod
    def unchecked(instance: Instance) -> Unchecked | None:
        """Says that an instance has no visible tests."""
        if instance.public.get("tests") or instance.public.get("test_command"):
            return None
        left = "whether a patch applies, and stops at the first that does"
        return Unchecked(left, "write visible `tests:` or a `test_command:` under `environment`")

    @staticmethod
    def solution(instance: Instance) -> Candidate | None:
        """The diff in `hidden.solution`."""
        diff = fields_of(instance)[1].solution
        return Candidate(files={PATCH: diff}) if diff else None

    async def reset(self, instance: Instance) -> Observation:
        """Starts an episode at the base commit.

        Raises:
            TaskError: A field or the repository cannot be used.
            SandboxError: There is no sandbox.
        """
        await self.close()
        self._fields, hidden = fields_of(instance)
        self._hidden = hidden if instance.hidden else None
        self._base = await base_of(self._setup.provider, self._setup.spec, self._fields)
        return Observation(text=f"The working directory is {self._fields.folder}.")

    async def step(self, action: Candidate) -> Observation:
        """Runs the visible tests on a patch, or executes an action.

        Raises:
            TaskError: The set-up fails.
            VerifierError: The visible tests cannot be run.
            SandboxError: There is no sandbox, or it was lost.
        """
        patch = patch_of(action)
        if patch is None:
            return await self._act(action.text)
        verdict = await self._judged(patch, self._visible())
        return Observation(text=_told(verdict), verdict=verdict)

    async def submit(self, answer: Candidate) -> Verdict:
        """Runs the hidden tests on a patch, or on what the actions made of the files.

        Raises:
            TaskError: The set-up fails.
            VerifierError: The tests cannot be run.
            SandboxError: There is no sandbox, or it was lost.
        """
        patch = patch_of(answer)
        if patch is None:
            if self._space is None and answer.text:
                await self._act(answer.text)
            return await self._of_files(self._suite())
        return await self._judged(patch, self._suite())

    async def changes(self) -> str:
        """The diff of the files as the actions left them against the base commit.

        Raises:
            SandboxLost: The sandbox is gone.
            ValueError: There are too many changed files, or too many bytes or lines in them.
        """
        base = self._started()
        return "" if self._space is None else await asyncio.to_thread(write_diff, base, await self._space.tree())

    async def machine(self) -> tuple[Sandbox, str]:
        """The sandbox in which an agent acts, and the repository's folder there; see `HasMachine`."""
        return (await self._opened()).sandbox, self._fields.folder

    async def workplace(self, start: Candidate | None) -> Workplace:
        """Opens a sandbox in which a program works on the files on its own.

        Args:
            start: The patch whose files it finds; None for those of the base commit, which it finds as well where the
                patch's do not fit the sandbox.

        Raises:
            TaskError: The files do not fit, or the set-up fails.
            SandboxError: There is no sandbox, or it was lost.
        """
        base = self._started()
        patch = patch_of(start) if start else None
        found = await asyncio.to_thread(lambda: apply_patch(base, read_patch(patch), strict=True)) if patch else base
        space = await Workspace.open(self._setup.provider, self._setup.spec, self._fields, base)
        try:
            await space.put(found)
        except DoesNotFit:
            await space.close()
            return await self.workplace(None)
        except BaseException:
            await space.close()
            raise
        return Workplace(space, base, found)

    async def close(self) -> None:
        """Ends the agent's sandbox; harmless when called twice."""
        space, self._space, self._shell = self._space, None, None
        if space is not None:
            await space.close()

    async def _act(self, text: str) -> Observation:
        command = action_of(text, "shell")
        if submission(command) == "":
            return Observation(text="submitted", verdict=await self._of_files(self._visible()), done=True)
        if command == "skip":
            return Observation(text="skipped", done=True)
        shell = await self._opened()
        ran = await shell.run(command, timeout=self._fields.timeout)
        if ran.timed_out:
            return Observation(text=f"Stopped after {self._fields.timeout:g} s.\n{cut_middle(ran.text, _SHOWN)}")
        end = "" if ran.ok else f"\n[exit status {ran.exit_code}]"
        return Observation(text=cut_middle(ran.text, _SHOWN).rstrip() + end)

    async def _opened(self) -> Shell:
        if self._space is None or self._shell is None:
            self._space = await Workspace.open(self._setup.provider, self._setup.spec, self._fields, self._started())
            self._shell = Shell(self._space.sandbox, (), self._fields.folder)
        return self._shell

    async def _of_files(self, suite: Suite) -> Verdict:
        """The verdict on what the actions made of the files; without checks where there are no tests."""
        if not suite.names and not suite.command:
            return Verdict()
        try:
            patch = await self.changes()
        except ValueError as error:  # more than anyone should look at
            return _refused(str(error), "")
        return await self._judged(patch, suite)

    async def _judged(self, patch: str, suite: Suite) -> Verdict:
        """The verdict on a diff; its first check names the artifact that holds it."""
        base = self._started()
        stored = self._setup.put(patch.encode("utf-8", "surrogatepass"))
        try:
            tree = await asyncio.to_thread(lambda: apply_patch(base, read_patch(patch), strict=True))
        except PatchFailed as error:
            return _refused(str(error), stored)
        try:
            verdict = await run_suite(self._setup.provider, self._setup.spec, self._fields, base, tree, suite)
        except DoesNotFit as error:
            return _refused(str(error), stored)
        checks = verdict.checks or (Check(name="applies", score=1.0),)
        first = checks[0].model_copy(update={"data": {PATCH: stored}})
        return verdict.model_copy(update={"checks": (first, *checks[1:])})

    def _suite(self) -> Suite:
        return self._all() if self._hidden else self._visible()

    def _visible(self) -> Suite:
        return visible_suite(self._fields)

    def _all(self) -> Suite:
        """The hidden tests; the visible ones where the hidden fields have none."""
        return hidden_suite(self._fields, self._hidden or RepoHidden(), self._started())

    def _started(self) -> Tree:
        if self._base is None:
            raise RuntimeError("reset() comes before anything else")
        return self._base


def _refused(why: str, stored: str) -> Verdict:
    return Verdict(checks=(Check(name="applies", score=0.0, evidence=why, data={PATCH: stored} if stored else None),))


def _told(verdict: Verdict) -> str:
    """What a proposer needs to know of a verdict."""
    failed = verdict.failed
    if not failed:
        return f"All {len(verdict.checks)} visible checks passed."
    lines = [f"{len(verdict.checks) - len(failed)} of {len(verdict.checks)} visible checks passed."]
    shown = failed[:4]
    lines += [f"{check.name} failed:\n{cut_middle(check.evidence, _SHOWN // len(shown) - 100)}" for check in shown]
    if rest := failed[4:]:
        lines.append("Failed as well: " + cut_middle(", ".join(check.name for check in rest), 400))
    return "\n".join(lines)
