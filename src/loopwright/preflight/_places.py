"""Where a mistake stands: a line of a task's file, or the option that goes over the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from loopwright.errors import TaskError, UserError
from loopwright.plan import RunConfig
from loopwright.task import Task, TaskFile


@dataclass(frozen=True, slots=True)
class OptionNames:
    """What options are called where the run was asked for."""

    strategy: str = "`strategy`"
    model: str = "`model`"
    usd: str = "`budget`"
    prices: str = "`prices`"
    calls: str = "`calls`"
    max_calls: str = "`budget`"
    max_tokens: str = "`budget`"


PYTHON_OPTIONS = OptionNames()
"""As the functions of `loopwright` call them."""


@dataclass(frozen=True, slots=True)
class Places:
    """Finds the place of mistakes in the tasks of a run."""

    config: RunConfig
    files: Mapping[str, TaskFile]
    """Files by the name of their task; tasks that were made in Python have none."""
    options: OptionNames

    @contextmanager
    def at(self, task: Task, *location: str) -> Iterator[None]:
        """Adds the place to errors that do not have one.

        Args:
            task: The task that they are about.
            location: The part of the task; the error's own where none is named.
        """
        try:
            yield
        except UserError as error:
            if isinstance(error, TaskError) and error.path:
                raise
            raise self._placed(error, task, location or error.location) from None

    def error(self, task: Task, message: str, *location: str, remedy: str) -> UserError:
        """An error at a part of a task."""
        file = self.files.get(task.name)
        return file.error(message, *location, remedy=remedy) if file else TaskError(message, remedy=remedy)

    def _placed(self, error: UserError, task: Task, location: tuple[str, ...]) -> UserError:
        message = str(error.args[0])
        if option := self._option(location):
            return type(error)(f"{option}: {message}", remedy=error.remedy)
        file = self.files.get(task.name)
        if file is None or not location:
            return error
        if location == ("loop", "strategy") and task.matrix.strategies:
            location = ("matrix", "strategies")
        placed = file.error(message, *location, remedy=error.remedy)
        return placed if isinstance(error, TaskError) else type(error)(str(placed.args[0]), remedy=error.remedy)

    def _option(self, location: tuple[str, ...]) -> str:
        """The option that goes over a part of the task; empty where none does."""
        if location == ("loop", "strategy") and self.config.strategies:
            return self.options.strategy
        named = location[:1] in (("model",), ("models",)) or location == ("matrix", "models")
        return self.options.model if named and self.config.models else ""
