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
    output: bytes | None = None
    """The answer as it was printed, with bytes that are not UTF-8; None where it is a text."""
    whole: bool = True
    """Whether the command ended in time, with an output short enough to be kept whole."""


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
        not count. An output that could not be kept whole equals none.
        """
        answer, gold = _printed(self.agent), _printed(self.gold)
        whole = self.agent.whole and self.gold.whole
        answer_equal = (answer == gold and whole) or (bool(self.gold.changes) and not gold and self.gold.whole)
        state_equal = self.agent.changes == self.gold.changes
        parts = {"answer_equal": answer_equal, "state_equal": state_equal, **({} if whole else {"whole": False})}
        return Score(float(answer_equal and state_equal), parts)


def normalised(answer: str) -> str:
    """An answer without blanks, tabs and carriage returns at the ends of lines, and without empty lines at its end."""
    return "\n".join(line.rstrip(" \t\r") for line in answer.rstrip(" \t\r\n").split("\n"))


def _printed(state: ShellState) -> str:
    raw = state.output
    return normalised(state.answer if raw is None else raw.decode("utf-8", "surrogateescape"))
