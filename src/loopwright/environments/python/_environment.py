"""The `python` environment: a candidate is one or more files, judged by tests."""

from __future__ import annotations

import json
from collections.abc import Mapping

from loopwright.candidate import Candidate
from loopwright.environments._types import EnvironmentSetup, ReplyForm, Unchecked
from loopwright.errors import TaskError
from loopwright.task import Instance
from loopwright.text import cut_middle
from loopwright.types import Observation
from loopwright.verify import Check, Grader, Grading, PythonTask, TestVerifier, Verdict, rejected

_SHOWN = 1800
"""Characters of an observation: it goes into the prompts of small models."""
_EVIDENCE = 1100
"""Of these for the evidence, shared among the first kinds of failure."""
_KINDS = 4
_PRINTED = 200
_PATIENCE = 2
"""Visible tests in a row that may run out of time before the others are left out: endless loops cost no minutes."""


class PythonEnvironment:
    """Runs the visible tests at every step, and the hidden ones when an answer is submitted.

    An instance's public fields are `entry`, the file that a candidate must have and tests import (`solution.py`);
    `files`, what is there before the candidate's files are laid over it; `tests`, Python source with functions
    `test_...`; and `timeout`, seconds for each of them. Its hidden fields are `tests` and `solution`.

    Every test has a fresh process of the candidate's modules, so what one test changes in them no other test sees.
    """

    def __init__(self, setup: EnvironmentSetup) -> None:
        self._setup = setup
        self._instance: Instance | None = None
        self._task: PythonTask | None = None
        self._grader: Grader | None = None
        self._workspace: Mapping[str, str] = {}

    @staticmethod
    def check(instance: Instance) -> None:
        """Looks at an instance without starting anything: for whoever wants to know before a run.

        Raises:
            TaskError: What `reset` would raise.
        """
        _task_of(instance)

    @staticmethod
    def unchecked(instance: Instance) -> Unchecked | None:
        """Says that an instance has no visible tests."""
        if str(instance.public.get("tests", "")).strip():
            return None
        left = "whether a candidate can be imported, and stops at the first that can"
        return Unchecked(left, "write visible `tests:` under `environment`")

    @staticmethod
    def reply_form(*, acts: bool) -> ReplyForm:
        """See `ExpectsReply`."""
        return ReplyForm("files", "proposer")

    async def reset(self, instance: Instance) -> Observation:
        """Starts an episode at the instance's starting files.

        Raises:
            TaskError: A field is unknown or cannot be used, or there are no tests at all.
        """
        task = _task_of(instance)
        await self.close()
        self._instance, self._task, self._workspace = instance, task, task.files
        names = task.visible.names if task.visible else ()
        return Observation(text=f"Visible tests: {', '.join(names)}." if names else "There are no visible tests.")

    async def step(self, action: Candidate) -> Observation:
        """Runs the visible tests; without any, importing the candidate is the one check.

        Raises:
            VerifierError: The visible tests cannot be run.
            SandboxError: There is no sandbox, or the verifier's was lost.
        """
        task = self._started()
        try:
            files = task.with_files(action.files)
        except ValueError as error:
            verdict = rejected(task.visible, str(error)) if task.visible else _imported(str(error))
            return Observation(text=str(error), verdict=verdict)
        self._workspace = files
        self._grader = self._grader or Grader(self._setup.provider, self._setup.spec)
        grading = await self._grader.grade(files, task.visible or task.bare, patience=_PATIENCE)
        if task.visible:
            return Observation(text=describe(grading), verdict=grading.verdict)
        failed = grading.outcomes.get("")
        return Observation(text=describe(grading), verdict=_imported(failed.evidence if failed else ""))

    async def submit(self, answer: Candidate) -> Verdict:
        """Runs the hidden tests in sandboxes of their own; without any, the visible ones.

        Raises:
            VerifierError: The tests cannot be run.
            SandboxError: There is no sandbox, or the verifier's was lost.
        """
        self._started()
        assert self._instance is not None
        return await TestVerifier(self._setup.provider, self._setup.spec).verify(answer, self._instance)

    async def snapshot(self) -> str:
        """Stores the files of the last step and returns their reference."""
        self._started()
        return self._setup.put(json.dumps(dict(sorted(self._workspace.items()))).encode())

    async def restore(self, snapshot: str) -> None:
        """Takes the files of a snapshot as those of the last step."""
        self._started()
        self._workspace = json.loads(self._setup.get(snapshot))

    async def close(self) -> None:
        """Ends the sandboxes of the visible tests; harmless when called twice."""
        grader, self._grader = self._grader, None
        if grader is not None:
            await grader.close()

    def _started(self) -> PythonTask:
        if self._task is None:
            raise RuntimeError("reset() comes before anything else")
        return self._task


def _imported(problem: str) -> Verdict:
    return Verdict(checks=(Check(name="import", score=0.0 if problem else 1.0, evidence=problem),))


def _task_of(instance: Instance) -> PythonTask:
    task = PythonTask.of(instance)
    if task.visible is None and task.hidden is None:
        raise TaskError(
            "environment.tests: the task has no tests",
            remedy="Write `tests` or `hidden.tests`; for words and a judge, use the environment `text`.",
        )
    return task


def describe(grading: Grading) -> str:
    """What a proposer needs to know of a grading, short enough for a small model's prompt."""
    verdict = grading.verdict
    if "" in grading.outcomes:
        return cut_middle(f"The candidate cannot be imported.\n{grading.outcomes[''].evidence}", _SHOWN)
    if not verdict.checks:
        return "The candidate can be imported. There are no visible tests."
    failed = verdict.failed
    if not failed:
        return f"All {len(verdict.checks)} visible tests passed."
    lines = [f"{len(verdict.checks) - len(failed)} of {len(verdict.checks)} visible tests passed."]
    groups: dict[str, list[str]] = {}
    for check in failed:
        groups.setdefault(check.evidence, []).append(check.name)
    shown = list(groups.items())[:_KINDS]
    for evidence, names in shown:
        lines.append(f"{', '.join(names)} failed:\n{_indent(cut_middle(evidence, _EVIDENCE // len(shown)))}")
    others = [name for names in list(groups.values())[_KINDS:] for name in names]
    if others:
        lines.append(f"Failed as well: {cut_middle(', '.join(others), _PRINTED)}")
    return cut_middle("\n".join([*lines, *_printed(grading)]), _SHOWN)


def _printed(grading: Grading) -> list[str]:
    """What the candidate printed during the first failed test that it printed in."""
    for name, outcome in grading.outcomes.items():
        if not outcome.passed:
            streams = (("Printed", outcome.stdout), ("Written to stderr", outcome.stderr))
            lines = [
                f"{what} during {name}:\n{_indent(cut_middle(text, _PRINTED))}"
                for what, text in streams
                if text.strip()
            ]
            if lines:
                return lines
    return []


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.strip("\n").splitlines())
