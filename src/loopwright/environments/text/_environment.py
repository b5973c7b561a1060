"""The `text` environment: a candidate is words, and a verifier judges them."""

from __future__ import annotations

from loopwright.candidate import Candidate
from loopwright.environments._types import EnvironmentSetup, Fields, Unchecked, read_fields
from loopwright.errors import TaskError
from loopwright.task import Instance
from loopwright.types import Observation
from loopwright.verify import Verdict


class _Public(Fields):
    rubric: str = ""


class TextEnvironment:
    """Executes nothing: what a candidate is worth is for the task's verifier to say.

    An instance's public field is `rubric`: what counts, for the judge and for the proposer. It has no hidden fields.
    """

    def __init__(self, setup: EnvironmentSetup) -> None:
        self._setup = setup

    @staticmethod
    def check(instance: Instance) -> None:
        """Looks at an instance: for whoever wants to know before a run.

        Raises:
            TaskError: What `reset` would raise.
        """
        read_fields(_Public, instance.public, "environment")
        if instance.hidden:
            raise TaskError(
                f"environment.hidden: the text environment has no hidden field {next(iter(instance.hidden))!r}",
                remedy="Name a verifier: `agents: {verifier: verifier}`, or a class of your own.",
            )

    @staticmethod
    def unchecked(instance: Instance) -> Unchecked:
        """Says that texts have no checks of their own."""
        return Unchecked()

    async def reset(self, instance: Instance) -> Observation:
        """Starts an episode.

        Raises:
            TaskError: A field is unknown.
        """
        self.check(instance)
        return Observation()

    async def step(self, action: Candidate) -> Observation:
        """Says nothing about a candidate."""
        return Observation()

    async def submit(self, answer: Candidate) -> Verdict:
        """Has no hidden checks."""
        return Verdict()

    async def close(self) -> None:
        """There is nothing to end."""
