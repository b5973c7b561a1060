"""A worker as the driver sees it: its calls, its life, and what is lost when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from typing import Any

from loopwright.cluster._answers import Failed
from loopwright.cluster._worker import WorkerFacts
from loopwright.errors import LoopwrightError, SandboxError, WorkerLost

BEAT = 2.0
"""Seconds between two words to a worker, which renew its lease."""
PATIENCE = 12.0
"""Seconds in which a worker answers such a word; one that does not is given up, until it answers again."""

_numbers = itertools.count(1)


def next_number() -> int:
    """A number that no other call of this process has."""
    return next(_numbers)


class Worker:
    """An actor of Ray. Its calls end with `WorkerLost` when it dies, is started anew or cannot be reached."""

    def __init__(
        self,
        actor: Any,
        number: int,
        changed: Callable[[], None] = lambda: None,
        *,
        lost: type[LoopwrightError] = WorkerLost,
        failed: type[LoopwrightError] = SandboxError,
        check: Callable[[Any], None] = lambda facts: None,
        notify: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Takes over an actor.

        Args:
            actor: The handle, of a class whose methods answer by values and which has `beat`, `facts` and `clear`.
            number: Its place among its like.
            changed: Called when it is gone, or there again.
            lost: The error where it is gone.
            failed: The error in place of one that is no kind of Loopwright's.
            check: Raises a `LoopwrightError` where its facts say that it is of no use, each time that it was started.
            notify: Called with what the user should know of its life.
        """
        self.number = number
        self.facts: WorkerFacts | None = None
        self.alive = False
        self.refused = ""
        """Why it is not used, though it answers; empty where it is."""
        self.held: set[object] = set()
        """Sandboxes and objects that are open or being opened there."""
        self.used = 0
        """The turn in which it was last chosen."""
        self._actor = actor
        self._error = lost
        self._unknown = failed
        self._check = check
        self._changed = changed
        self._notify = notify
        self._incarnation = ""
        self._waiting: set[asyncio.Future[Any]] = set()
        self._health: asyncio.Task[None] | None = None
        self._return: asyncio.Task[None] | None = None

    @property
    def host(self) -> str:
        """The name of its machine."""
        return self.facts.host if self.facts else f"worker {self.number}"

    async def begin(self, patience: float) -> None:
        """Waits until it answers.

        Raises:
            LoopwrightError: Its facts do not fit.
            Exception: What Ray says of an actor that cannot be made.
        """
        async with asyncio.timeout(patience):
            facts = await self._known("facts")
            # From now on it has a lease, which slow facts would have used up.
            self._incarnation = await self._raw("beat")
        self._check(facts)
        self.facts = facts
        self.alive = True
        self._health = asyncio.get_running_loop().create_task(self._watch())

    async def end(self) -> None:
        """Lets go of it."""
        self._notify = lambda line: None
        for task in filter(None, (self._health, self._return)):
            task.cancel()
        self._lose("the run is over")

    async def ask(self, method: str, *arguments: Any) -> Any:
        """Calls it.

        Raises:
            WorkerLost: It is gone.
            SandboxError: It failed.
            TypeError: An argument cannot be sent.
            OSError: As the method says.
            ValueError: As the method says.
        """
        answer = await self._send(method, arguments)
        if isinstance(answer, Failed):
            raise answer.error(self._unknown)
        return answer

    async def ask_numbered(self, method: str, *arguments: Any) -> Any:
        """As `ask`, of a method whose first argument is a number: the call is stopped there if it is cancelled here."""
        number = next_number()
        try:
            return await self.ask(method, number, *arguments)
        except asyncio.CancelledError:
            self.tell("drop", number)
            raise

    def tell(self, method: str, *arguments: Any) -> None:
        """Calls it and does not wait."""
        with contextlib.suppress(LoopwrightError):
            future = self._send(method, arguments)
            future.add_done_callback(lambda done: done.cancelled() or done.exception())

    def lost(self, why: str) -> LoopwrightError:
        """The error that says that it is gone."""
        return self._error(f"the worker on {self.host} is gone: {why}")

    def _send(self, method: str, arguments: tuple[Any, ...]) -> asyncio.Future[Any]:
        if not self.alive:
            raise self.lost("it does not answer")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        future.add_done_callback(self._waiting.discard)
        try:
            inner = asyncio.wrap_future(getattr(self._actor, method).remote(*arguments).future())
        except Exception as error:  # Ray's client raises what it likes where the connection is gone
            if not _can_be_sent(arguments):
                future.cancel()
                raise TypeError(f"{method}: an argument cannot be sent to a worker") from None
            self._lose(type(error).__name__)
            return future
        inner.add_done_callback(lambda done: self._take(done, future))
        return future

    def _take(self, done: asyncio.Future[Any], future: asyncio.Future[Any]) -> None:
        if done.cancelled():
            future.cancel()
        elif error := done.exception():
            # A method answers by a value: this is Ray's own.
            fault = _fault_of_call(error)
            if not future.done():
                future.set_exception(self._unknown(fault) if fault else self.lost(type(error).__name__))
            if not fault:
                self._lose(type(error).__name__)
        elif not future.done():
            future.set_result(done.result())

    async def _known(self, method: str) -> Any:
        """The answer of a method that is called by nobody but this class.

        Raises:
            LoopwrightError: It failed.
            Exception: What Ray says.
        """
        answer = await self._raw(method)
        if isinstance(answer, Failed):
            raise answer.error(self._unknown)
        return answer

    async def _raw(self, method: str, *arguments: Any) -> Any:
        return await asyncio.wrap_future(getattr(self._actor, method).remote(*arguments).future())

    def _lose(self, why: str) -> None:
        """What it held is gone, or is given up; it may answer again."""
        was_alive, self.alive = self.alive, False
        self.held.clear()
        for future in list(self._waiting):
            if not future.done():
                future.set_exception(self.lost(why))
                future.exception()  # marks it as seen, for a call that nobody waits for
        self._changed()
        if was_alive:
            self._notify(f"{self.lost(why).args[0]}; what was under way there is done again elsewhere")

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            try:
                async with asyncio.timeout(PATIENCE):
                    incarnation = await self._raw("beat")
            except TimeoutError:
                self._lose(f"it did not answer for {PATIENCE:g} s")
            except Exception as error:  # what Ray raises about an actor
                self._lose(type(error).__name__)
            else:
                self._heard(incarnation)

    def _heard(self, incarnation: str) -> None:
        """Takes an answer to a beat; one that was lost is used again when it has ended what it held."""
        if incarnation != self._incarnation:
            self._lose("it was started anew")
            self._incarnation, self.refused = incarnation, ""
        if not self.alive and not self.refused and (self._return is None or self._return.done()):
            # Beside the beats, without which its lease would end: both may take long on a busy machine.
            self._return = asyncio.get_running_loop().create_task(self._take_back(incarnation))

    async def _take_back(self, incarnation: str) -> None:
        try:
            await self._known("clear")
            facts = await self._known("facts")
        except Exception:  # Ray's, or it failed: the next beat begins anew
            return
        if incarnation != self._incarnation:
            return
        try:
            self._check(facts)
        except LoopwrightError as error:
            self.refused = str(error.args[0])
            self._notify(f"a worker that came back is not used: {self.refused}")
            return
        self.facts, self.alive = facts, True
        self._changed()
        self._notify(f"a worker is there again, on {self.host}")


def _fault_of_call(error: BaseException) -> str:
    """What is wrong with what a call sent or gave back; empty where the worker itself is gone."""
    from ray.exceptions import RayTaskError

    if not isinstance(error, RayTaskError):
        return ""
    cause = type(getattr(error, "cause", error)).__name__
    return f"a worker cannot read what it was sent, or cannot send what came of it: {cause}"


def _can_be_sent(arguments: tuple[Any, ...]) -> bool:
    from ray import cloudpickle

    try:
        cloudpickle.dumps(arguments)
    except Exception:  # of whatever an object's own code raises
        return False
    return True
