"""Questions to a person at the terminal, in the middle of a run."""

from __future__ import annotations

import asyncio
import os
import sys

from loopwright.cli._output import tell
from loopwright.types import PersonAnswer, Question


class AtTerminal:
    """Asks at the terminal, one question at a time. A wait for a line can be cancelled: no thread reads."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    @staticmethod
    def is_there() -> bool:
        """Whether somebody can be asked: questions are written to stderr, and answers are read from stdin."""
        return sys.stdin.isatty() and sys.stderr.isatty()

    async def __call__(self, question: Question) -> PersonAnswer:
        """Shows a question and reads lines until one answers it."""
        async with self._turn:
            tell(f"\n--- {question.id}\n{question.text}\n--- {_help(question)}")
            while True:
                line = await _line(sys.stdin.fileno())
                if not line:
                    tell("no answer is read from here any more; `loopwright ctl` can give it")
                    await asyncio.Event().wait()
                try:
                    answer = PersonAnswer.read(line, by="terminal")
                    problem = answer.problem(question)
                except ValueError as error:
                    problem = str(error)
                if not problem:
                    return answer
                tell(f"{problem}\n--- {_help(question)}")


def _help(question: Question) -> str:
    choices = ", ".join(f"{one} N" if one == "backtrack" else one for one in question.choices)
    return f"write one of: {choices}; then a blank and what the proposer is told, if anything"


async def _line(fd: int) -> str:
    """The next line that is typed; empty at the end of input."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[bytes] = loop.create_future()

    def take() -> None:
        if not done.done():
            done.set_result(os.read(fd, 65536))

    loop.add_reader(fd, take)
    try:
        return (await done).decode("utf-8", "replace")
    finally:
        loop.remove_reader(fd)
