"""The `text` environment: a candidate is words, which a verifier judges, or which are compared with a known answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from loopwright.candidate import Candidate
from loopwright.environments._scores import score_outcome
from loopwright.environments._types import EnvironmentSetup, Fields, ScoringFields, Unchecked, read_fields
from loopwright.environments.text._answers import AnswerOutcome, words
from loopwright.environments.text._choice import chosen_letter
from loopwright.errors import TaskError
from loopwright.task import Instance
from loopwright.types import Observation
from loopwright.verify import Verdict


class _Public(ScoringFields):
    rubric: str = ""


class _Hidden(Fields):
    target: str | Annotated[tuple[str, ...], Field(min_length=1)]

    @property
    def targets(self) -> tuple[str, ...]:
        return (self.target,) if isinstance(self.target, str) else self.target


class TextEnvironment:
    """Executes nothing: a candidate is worth what the task's verifier says, or what a known answer shows.

    An instance's public fields are `rubric`, what counts, for the judge and for the proposer; and `scoring`, the rule
    that compares an answer with the hidden `target`: `exact`, `match`, `includes`, `f1`, `choice`, or a rule of
    yours. The hidden field `target` is a right answer, or a list of which one is enough.
    """

    text_card = "author"

    def __init__(self, setup: EnvironmentSetup) -> None:
        self._setup = setup
        self._instance: Instance | None = None

    @staticmethod
    def check(instance: Instance) -> None:
        """Looks at an instance: for whoever wants to know before a run.

        Raises:
            TaskError: What `reset` would raise.
        """
        read_fields(_Public, instance.public, "environment")
        if instance.hidden:
            _check_targets(
                read_fields(_Hidden, instance.hidden, "environment.hidden").targets,
                read_fields(_Public, instance.public, "environment").rules,
            )
        elif "scoring" in instance.public:
            raise TaskError(
                "environment.scoring: there is no answer to compare with",
                remedy="Write `target` under `environment.hidden`, or take `scoring` out.",
            )

    @staticmethod
    def score_rules(instance: Instance) -> Sequence[str]:
        """Names of the score rules that an instance wants.

        Raises:
            TaskError: They are no names.
        """
        return read_fields(_Public, instance.public, "environment").rules if instance.hidden else ()

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
        self._instance = instance
        return Observation()

    async def step(self, action: Candidate) -> Observation:
        """Says nothing about a candidate."""
        return Observation()

    async def submit(self, answer: Candidate) -> Verdict:
        """Compares an answer with the target; says nothing without one.

        Raises:
            VerifierError: A rule fails.
        """
        if self._instance is None or not self._instance.hidden:
            return Verdict()
        rules = read_fields(_Public, self._instance.public, "environment").rules
        targets = read_fields(_Hidden, self._instance.hidden, "environment.hidden").targets
        scores = await score_outcome(_outcome(answer, targets), rules, self._setup.score_rule)
        return scores.verdict(rules[0])

    async def close(self) -> None:
        """There is nothing to end."""


async def _outcome(answer: Candidate, targets: tuple[str, ...]) -> AnswerOutcome:
    return AnswerOutcome(answer.text, targets)


def _check_targets(targets: tuple[str, ...], rules: tuple[str, ...]) -> None:
    for target in targets:
        if not words(target):
            raise TaskError("environment.hidden.target: it is blank", remedy="Write the right answer, or take it out.")
        if "choice" in rules and not chosen_letter(target):
            raise TaskError(
                f"environment.hidden.target: {target!r} is no letter of a choice",
                remedy="Write a letter, such as B, or name another rule with `scoring`.",
            )
