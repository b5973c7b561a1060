"""What Python users ask before a run: the same as the verbs of the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from loopwright.plan import RunOptions, Tasks, opened, resolve, spelled
from loopwright.preflight._estimate import RunEstimate, estimate_run
from loopwright.preflight._explain import Explanation, explain_run
from loopwright.preflight._forecast import RunForecast, forecast_run
from loopwright.preflight._notes import STAND_IN
from loopwright.preflight._validate import CheckedRun, check_run
from loopwright.task import TaskFile

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

    from loopwright.loop import EpisodeContext, LoopState


@spelled
def check(tasks: Tasks, **options: Unpack[RunOptions]) -> CheckedRun:
    """Checks tasks and everything that they name, and runs nothing.

    A model that is still to be named is a note and no error.

    Args:
        tasks: Tasks, or paths of task files.
        **options: As for `loopwright.run`.

    Raises:
        UserError: Something is not there or cannot be used; of task files it says the line.
    """
    return _checked(tasks, STAND_IN, options)


@spelled
def explain(tasks: Tasks, **options: Unpack[RunOptions]) -> Explanation:
    """Explains a task: its graph, its roles, its limits, what each role sees. Runs nothing.

    Args:
        tasks: A task, or the path of a task file; of several, the first is explained.
        **options: As for `loopwright.run`.

    Raises:
        UserError: Something is not there or cannot be used; of task files it says the line.
    """
    return explain_run(_checked(tasks, None, options))


@spelled
def estimate(tasks: Tasks, **options: Unpack[RunOptions]) -> RunEstimate:
    """Bounds the model calls and the cost of a run. Runs nothing.

    Args:
        tasks: Tasks, or paths of task files.
        **options: As for `loopwright.run`.

    Raises:
        UserError: Something is not there or cannot be used; of task files it says the line.
    """
    return estimate_run(_checked(tasks, None, options))


@spelled
def forecast(tasks: Tasks, earlier: Path | str, **options: Unpack[RunOptions]) -> RunForecast:
    """Tells what a run will come to from what an earlier one took. Runs nothing.

    Args:
        tasks: Tasks, or paths of task files.
        earlier: The folder of the earlier run, with scored episodes of the same variants.
        **options: As for `loopwright.run`.

    Raises:
        UserError: Something is not there or cannot be used; of task files it says the line.
        StoreError: The earlier run cannot be read.
    """
    return forecast_run(_checked(tasks, None, options), Path(earlier))


@spelled
def graph(
    tasks: Tasks, **options: Unpack[RunOptions]
) -> CompiledStateGraph[LoopState, EpisodeContext, LoopState, LoopState]:
    """Compiles the LangGraph graph of a task's strategy: to look at it, to draw it, or to stream it. Runs nothing.

    A node works with an `EpisodeContext`, which `loopwright.run` makes; the graph takes it as `context=`.

    Args:
        tasks: A task, or the path of a task file; of several, the first counts.
        **options: As for `loopwright.run`.

    Raises:
        UserError: Something is not there or cannot be used; of task files it says the line.
    """
    found = _checked(tasks, STAND_IN, options)
    return found.cast(found.episodes[0]).strategy.compile(None)


def checked(tasks: Tasks, **options: Unpack[RunOptions]) -> CheckedRun:
    """As `check`, where every role has to have its model: a run that may start."""
    return _checked(tasks, None, options)


def _checked(tasks: Tasks, stand_in: str | None, options: RunOptions) -> CheckedRun:
    found = opened(tasks)
    files = [one for one in found if isinstance(one, TaskFile)]
    return check_run(resolve(found, stand_in=stand_in, **options), files)
