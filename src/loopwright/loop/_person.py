"""Whoever answers questions in the middle of a loop."""

from __future__ import annotations

from typing import Protocol

from loopwright.errors import UserError
from loopwright.loop._gate import Gate
from loopwright.types import PersonAnswer, Question


class Person(Protocol):
    """Whoever answers questions."""

    async def ask(self, question: Question, gate: Gate) -> PersonAnswer:
        """Waits for an answer.

        Args:
            question: What is asked.
            gate: Of the episode; while it waits, `gate.unless_stopped` ends the wait where the episode is stopped.

        Raises:
            WaitsForPerson: Nobody answers in this process; the run ends as interrupted when nothing else is left.
        """
        ...


class Nobody:
    """Where there is nobody to ask."""

    async def ask(self, question: Question, gate: Gate) -> PersonAnswer:
        """Refuses.

        Raises:
            UserError: Always.
        """
        raise UserError(
            f"{question.id} asks a person, and there is nobody to ask", remedy="Give the episode a `person`."
        )
