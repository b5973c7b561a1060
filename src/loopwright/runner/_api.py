"""The Python API: run tasks in a line, with names or with objects of one's own."""

from __future__ import annotations

import asyncio
import difflib
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from loopwright.agents import Agent
from loopwright.errors import UserError
from loopwright.loop import Strategy
from loopwright.models import Model
from loopwright.plan import ComponentOverrides, RunConfig
from loopwright.plugins import instantiate_plugin
from loopwright.runner._results import RunResult
from loopwright.runner._run import Run, new_run_id
from loopwright.store import Event
from loopwright.task import CapOptions, Task, load_task
from loopwright.verify import Verifier

P = ParamSpec("P")
T = TypeVar("T")


async def arun(
    tasks: Task | str | Path | Sequence[Task | str | Path],
    *,
    model: str | Model | None = None,
    strategy: str | Strategy | Sequence[str | Strategy] = (),
    proposer: str | Agent | None = None,
    critic: str | Agent | None = None,
    verifier: str | Agent | Verifier | None = None,
    calls: int | None = None,
    repeats: int | None = None,
    seed: int | None = None,
    grade_all: bool = False,
    budget: CapOptions | Mapping[str, Any] | None = None,
    prices: Path | str | None = None,
    cache: Path | str | None = None,
    checkpoints: str = "",
    concurrency: int = 4,
    project: Path | str | None = None,
    out: Path | str | None = None,
    on_event: Callable[[Event], None] | None = None,
) -> RunResult:
    """Runs tasks and returns what came of them. `arun` is to be awaited; `run` waits by itself.

    Args:
        tasks: Tasks, or paths of task files.
        model: For every role: `provider/model`, or any object with the `Model` protocol.
        strategy: One or several to compare, by name or as objects; none for each task's own.
        proposer: An agent, or the name of one, for all tasks; None for each task's own.
        critic: As `proposer`.
        verifier: As `proposer`; also any object with the `Verifier` protocol, whose checks join the environment's.
        calls: Model calls per instance, the same for every strategy.
        repeats: Episodes per instance and strategy.
        seed: Fixes the samples of models that honour seeds.
        grade_all: Whether the hidden checks grade every candidate after the loop.
        budget: Hard caps of the whole run, such as `{"usd": 2.5, "seconds": 3600}`; tasks have their own beside it.
        prices: The price file, without which no cost is told and no cap on cost can hold.
        cache: Folder of replies that runs share: a call that one of them made before is not paid again.
        checkpoints: Keep LangGraph checkpoints: `sqlite`, or the URL of a Postgres server; empty for none.
        concurrency: Episodes at a time.
        project: Folder with own `agents/`, `prompts/`, `environments/` and modules; the current one by default.
        out: The run's folder; a new one under `runs/` by default.
        on_event: Called with every event as it is recorded.

    Raises:
        UserError: A task, agent, model or environment cannot be used as it is.
        StoreError: The folder is not empty or cannot be written.
    """
    model = _made("models", "model", model)
    several = strategy if isinstance(strategy, Sequence) and not isinstance(strategy, str) else [strategy]
    strategies = [_made("strategies", "strategy", one) for one in several]
    proposer, critic = _made("agents", "proposer", proposer), _made("agents", "critic", critic)
    verifier = _made("agents" if hasattr(verifier, "act") else "verifiers", "verifier", verifier)
    models = {} if model is None or isinstance(model, str) else {model.name: model}
    roles = {"proposer": proposer, "critic": critic, "verifier": verifier}
    named = {role: part if isinstance(part, str) else _name(part, role) for role, part in roles.items() if part}
    agents = {named[role]: part for role, part in roles.items() if isinstance(part, Agent)}
    verifiers = {named["verifier"]: verifier} if isinstance(verifier, Verifier) else {}
    listed = [tasks] if isinstance(tasks, Task | str | Path) else list(tasks)
    loaded = [task if isinstance(task, Task) else load_task(task) for task in listed]
    config = RunConfig(
        tasks=tuple(_with_agents(task, named) for task in loaded),
        strategies=tuple(part if isinstance(part, str) else part.name for part in strategies),
        models=() if model is None else (model if isinstance(model, str) else model.name,),
        calls=calls,
        repeats=repeats,
        seed=seed,
        grade_all=grade_all,
        budget=CapOptions.model_validate(budget or {}),
        prices=_absolute(prices) if prices else None,
        cache=_absolute(cache) if cache else None,
        concurrency=concurrency,
        project=_absolute(project or "."),
    )
    given = ComponentOverrides(
        models=models,
        strategies={part.name: part for part in strategies if not isinstance(part, str)},
        agents=agents,
        verifiers=verifiers,
    )
    started = Run.create(config, Path(out) if out else Path("runs") / new_run_id(), given=given)
    started.checkpoints = checkpoints
    if on_event:
        for event in started.store.events():
            on_event(event)
        started.on_event(on_event)
    return await started.execute()


class EventStream(AsyncIterator[Event]):
    """A run under way, as its events. See `astream`."""

    def __init__(self, queue: asyncio.Queue[Event | None], run: asyncio.Task[RunResult]) -> None:
        """Iterates over what `run` puts into `queue`, whose end is None."""
        self._queue = queue
        self._run = run

    async def __anext__(self) -> Event:
        """Waits for the next event; what ended the run early is raised at its end."""
        event = await self._queue.get()
        if event is None:
            self._queue.put_nowait(None)
            self._run.result()
            raise StopAsyncIteration
        return event

    async def result(self) -> RunResult:
        """Waits for the run's end, whether or not its events were read, and says what it came to."""
        return await self._run


def _as_public(name: str, call: Callable[P, object]) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Gives a function the arguments and the help of `call` and a name of its own, which its errors tell too."""
    signature = inspect.signature(call)

    def named(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(call)
        def public(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                signature.bind(*args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{name}() {error}{_meant(kwargs, signature)}") from None
            return function(*args, **kwargs)

        public.__name__ = public.__qualname__ = name
        return public

    return named


def _meant(given: Iterable[str], signature: inspect.Signature) -> str:
    """What a keyword that there is not may stand for."""
    for keyword in given:
        near = difflib.get_close_matches(keyword, signature.parameters, n=1)
        if keyword not in signature.parameters and near:
            return f"; did you mean {near[0]!r}?"
    return ""


def _streaming(
    call: Callable[P, Coroutine[Any, Any, RunResult]],
) -> Callable[P, AbstractAsyncContextManager[EventStream]]:
    @_as_public("astream", call)
    @asynccontextmanager
    async def stream(*args: P.args, **kwargs: P.kwargs) -> AsyncIterator[EventStream]:
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        given: Any = kwargs.get("on_event")

        def listen(event: Event) -> None:
            queue.put_nowait(event)
            if given:
                given(event)

        kwargs["on_event"] = listen
        running = asyncio.ensure_future(call(*args, **kwargs))
        running.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            yield EventStream(queue, running)
        finally:
            running.cancel()
            await asyncio.wait([running])

    return stream


astream = _streaming(arun)
"""As `arun`, for `async with astream(...) as events: async for event in events: ...; result = await events.result()`.
A block that is left early stops the run; its folder can be resumed."""


def _waiting(call: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    @_as_public("run", call)
    def wait(*args: P.args, **kwargs: P.kwargs) -> T:
        if _in_event_loop():
            raise UserError(
                "loopwright.run cannot wait for a run inside a running event loop",
                remedy="Use `await loopwright.arun(...)`; a notebook is inside one too.",
            )
        return asyncio.run(call(*args, **kwargs))

    return wait


run = _waiting(arun)


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _absolute(folder: Path | str) -> Path:
    return Path(folder).absolute()


def _made(kind: str, argument: str, part: Any) -> Any:
    """What was handed in, as an object that can do what its kind must; names and None as they are.

    Raises:
        UserError: It cannot.
    """
    return part if part is None or isinstance(part, str) else instantiate_plugin(kind, f"`{argument}`", part)


def _name(part: object, role: str) -> str:
    """Of an object in the record; the role keeps two agents of one class apart."""
    return f"{type(part).__module__}:{type(part).__qualname__}#{role}"


def _with_agents(task: Task, named: dict[str, str]) -> Task:
    return task.model_copy(update={"agents": task.agents.model_copy(update=named)}) if named else task
