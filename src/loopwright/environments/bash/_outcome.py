"""What an episode in a shell came to, and whether state and answer are those of the gold command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from loopwright.environments._scores import Score
from loopwright.sandbox import Change


@dataclass(frozen=True, slots=True)
class ShellState:
    """What one side came to."""

    answer: str
    """Output of the last command; the agent's is the task's goal where it ran none."""
    changes: Mapping[str, Change]
    """What changed since the fixture was unpacked, by path."""


@dataclass(frozen=True, slots=True)
class ShellOutcome:
    """What an agent's commands and the gold command came to, each in a sandbox of its own."""

    agent: ShellState
    gold: ShellState
    tracked: Mapping[str, Change]
    """The fixture's files and links as they were, by path."""
    legacy: bool = False
    """Whether the task asks for the defects of the published code."""
    gold_failed: ClassVar[bool] = False

    async def exact(self) -> Score:
        """1 where every path, its type, permissions and content are the gold's, and so is the `normalised` answer.

        Where the gold command prints nothing but changes something, the task is about the state and the answer does
        not count.
        """
        answer, gold = normalised(self.agent.answer), normalised(self.gold.answer)
        answer_equal = answer == gold or (bool(self.gold.changes) and not gold)
        state_equal = self.agent.changes == self.gold.changes
        parts = {"answer_equal": answer_equal, "state_equal": state_equal}
        return Score(float(answer_equal and state_equal), parts)


def normalised(answer: str) -> str:
    """An answer without white space at the ends of lines, and without empty lines at its end."""
    return "\n".join(line.rstrip() for line in answer.rstrip().splitlines())
