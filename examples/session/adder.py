"""A model without weights that falls for its own mistakes where it sees them again, and a judge of its sums."""

from __future__ import annotations

import re
import zlib

from loopwright.candidate import Candidate
from loopwright.models import Reply, Request, Usage
from loopwright.task import Instance
from loopwright.verify import Check, Verdict

_HARD = 60
"""Numbers from here on are too hard for it."""
_CATCHING = 0.25
"""Chance that one wordy answer before its eyes makes the next one wordy too."""
_NUMBERS = re.compile(r"\d+")


class Adder:
    """Adds two numbers, and is wordy and wrong where they are hard, or where earlier answers that it sees were so."""

    name = "examples.session.adder:Adder"
    repeatable = True

    async def complete(self, request: Request) -> Reply:
        """Answers the sum at the end of the prompt, or a summarizer's request."""
        prompt = request.messages[-1].content
        return Reply(text=self._answer(prompt), model=self.name, usage=Usage(input=len(prompt) // 4, output=4))

    def _answer(self, prompt: str) -> str:
        if "Write the notes anew" in prompt:
            return "Both numbers are to be added; a bare number passes, words beside it fail."
        left, right = map(int, _NUMBERS.findall(prompt)[-2:])
        chance = 1 - (1 - _CATCHING) ** prompt.count("I would say")
        # Drawn by the prompt, so that equal prompts get equal answers.
        if max(left, right) >= _HARD or zlib.crc32(prompt.encode()) % 1000 < 1000 * chance:
            return f"As with the others before, I would say that it may come to {left + right + 1}"
        return str(left + right)

    async def close(self) -> None:
        """Has nothing to close."""


class Sum:
    """Passes the bare sum."""

    async def verify(self, candidate: Candidate, instance: Instance) -> Verdict:
        """Adds up what the goal names."""
        left, right = map(int, _NUMBERS.findall(instance.goal))
        return Verdict(checks=(Check(name="sum", score=candidate.text.strip() == str(left + right)),))
