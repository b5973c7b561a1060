"""The questions that episodes of a run wait with, and where answers to them come in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from loopwright.errors import MissingContent, UserError
from loopwright.loop import Gate
from loopwright.runner._schedule import Places
from loopwright.types import PersonAnswer, Question

AskHere = Callable[[Question], Awaitable[PersonAnswer]]
"""Asks somebody in this process, until it is cancelled because the answer came in by another way."""


class Desk:
    """Takes questions of episodes and answers from elsewhere. It is used in the event loop of the run alone.

    Args:
        folder: The run, as commands name it.
        places: Of the run's schedule: an episode that waits for a person gives its place to another one.
        tell: Called with how to answer.
        ask_here: Asks somebody in this process; None where nobody is here.
    """

    def __init__(
        self, folder: str, places: Places, tell: Callable[[str], None], ask_here: AskHere | None = None
    ) -> None:
        self._folder, self._places, self._tell, self._ask_here = folder, places, tell, ask_here
        self._open: dict[str, tuple[Question, asyncio.Future[PersonAnswer]]] = {}

    @property
    def questions(self) -> Mapping[str, Question]:
        """Those that are not answered yet, by id."""
        return {id: question for id, (question, _) in self._open.items()}

    async def ask(self, question: Question, gate: Gate) -> PersonAnswer:
        """Waits for an answer, whoever gives it first."""
        answered: asyncio.Future[PersonAnswer] = asyncio.get_running_loop().create_future()
        self._open[question.id] = (question, answered)
        asking: asyncio.Task[None] | None = None
        if self._ask_here is None:
            ctl, choices = f"loopwright ctl {self._folder}", "|".join(question.choices)
            told = f"{question.episode} waits for a person. The question: `{ctl} status`. "
            self._tell(told + f"The answer: `{ctl} answer {question.id} {choices}`")
        else:
            asking = asyncio.create_task(_ask_into(answered, self._ask_here, question))
        try:
            async with self._places.lent():
                return await gate.unless_stopped(answered)
        finally:
            del self._open[question.id]
            if asking is not None:
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)

    def answer(self, name: str, answer: PersonAnswer) -> Question:
        """Answers a question that is open.

        Raises:
            MissingContent: There is none of that name, or several begin with it.
            UserError: It is no answer to that question.
        """
        fitting = [name] if name in self._open else [id for id in self._open if id.startswith(name)]
        if len(fitting) != 1:
            some = ", ".join((fitting or list(self._open))[:3])
            problem = f"{name!r} fits {len(fitting)} questions" if fitting else f"no question {name!r} is open"
            raise MissingContent(problem, remedy=f"Open are: {some}." if some else "No episode waits for a person.")
        question, answered = self._open[fitting[0]]
        if problem := answer.problem(question):
            raise UserError(problem)
        if answered.done():
            raise UserError(f"{question.id} is answered already")
        answered.set_result(answer)
        return question


async def _ask_into(answered: asyncio.Future[PersonAnswer], ask_here: AskHere, question: Question) -> None:
    try:
        answer = await ask_here(question)
    except Exception as error:
        if not answered.done():
            answered.set_exception(error)
        return
    if not answered.done():
        answered.set_result(answer)
