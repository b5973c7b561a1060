"""The episodes of a run at work: so many at a time, in the order of their sessions, paused and left out by hand."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

from loopwright.errors import CallInDoubt, EpisodeSkipped, Interrupted, LoopwrightError, UserError, WaitsForPerson
from loopwright.loop import Gate
from loopwright.plan import PlannedEpisode
from loopwright.session import Session

EpisodeState = Literal["waiting", "running", "scored", "failed", "skipped"]

Work = Callable[[PlannedEpisode, Session | None, Gate], Awaitable[EpisodeState]]
"""Does an episode, and says how it ended."""


class Places:
    """Places for so many at a time, whose number may change; whoever waits longest is first."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def resize(self, size: int) -> None:
        """Changes the number of places; who has one keeps it."""
        self.size = size
        self._admit()

    async def __aenter__(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn in self._waiting:
                self._waiting.remove(turn)
            elif turn.done() and not turn.cancelled():
                self._give()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._give()

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[None]:
        """While whoever has a place waits for something that takes none; it gets one again before it goes on."""
        self._give()
        try:
            yield
        finally:
            await self.__aenter__()

    def _give(self) -> None:
        self._taken -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._taken < self.size:
            turn = self._waiting.popleft()
            if not turn.done():
                self._taken += 1
                turn.set_result(None)


class Schedule:
    """Which episodes wait, run and are over. It is used in the event loop of the run alone.

    Args:
        planned: All episodes of the run.
        over: Those that have an end already, and which.
        concurrency: Episodes at a time.
        work: Does one episode.
    """

    def __init__(
        self,
        planned: Iterable[PlannedEpisode],
        over: Mapping[str, EpisodeState],
        concurrency: int,
        work: Work,
    ) -> None:
        self.planned = {episode.id: episode for episode in planned}
        self.states: dict[str, EpisodeState] = {name: over.get(name, "waiting") for name in self.planned}
        self.places = Places(concurrency)
        self.paused = False
        self.stopping = False
        self._gates = {name: Gate() for name, state in self.states.items() if state == "waiting"}
        self._work = work
        self._sessions: dict[str, Session] = {}
        self._ends: list[Exception] = []
        self._group: asyncio.TaskGroup | None = None

    def pause(self) -> None:
        """Lets no step and no model call begin."""
        self.paused = True
        for gate in self._gates.values():
            gate.close()

    def proceed(self) -> None:
        """Lets everything go on."""
        self.paused = False
        for gate in self._gates.values():
            gate.open()

    def stop(self) -> None:
        """Asks every episode to stop after the step under way."""
        self.stopping = True
        for gate in self._gates.values():
            gate.stop()

    def skip(self, episode: str) -> None:
        """Asks an episode to end without a score."""
        self._gates[episode].skip()

    def refuse_retry(self, episode: str) -> None:
        """Refuses to try an episode again that cannot be tried now.

        Raises:
            UserError: Its session goes on in order, or the run is about to end.
        """
        session = self._sessions.get(episode)
        if session is not None and session.in_sequence:
            raise UserError(
                f"{episode} is part of a session, whose later episodes began without it",
                remedy="`loopwright resume` tries it again when the run has ended.",
            )
        if self._group is None or self.stopping:
            raise UserError("the run is about to end", remedy="`loopwright resume` tries it again.")

    def retry(self, episode: str) -> None:
        """Puts an episode that failed or was skipped at the end of those that wait; see `refuse_retry`."""
        assert self._group is not None
        self.states[episode] = "waiting"
        self._gates[episode] = gate = Gate()
        if self.paused:
            gate.close()
        self._group.create_task(self._one(self.planned[episode], self._sessions.get(episode)))

    async def run(self, sessions: Sequence[Session]) -> None:
        """Does all episodes that wait.

        Raises:
            Interrupted: `stop` was called.
            CallInDoubt: All else is done, but the outcome of a call is not known.
            WaitsForPerson: All else is done, but a person is to be asked who does not answer in this process.
            LoopwrightError: What ends the run.
        """
        todo = [self.planned[name] for name, state in self.states.items() if state == "waiting"]
        self._sessions = {name: session for name in self.planned for session in sessions if name in session}
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                for session in sessions:
                    if session.in_sequence:
                        group.create_task(self._one_by_one([one for one in todo if one.id in session], session))
                for episode in todo:
                    watch = self._sessions.get(episode.id)
                    if watch is None or not watch.in_sequence:
                        group.create_task(self._one(episode, watch))
        except BaseExceptionGroup as problems:
            raise _foremost(problems) from None
        finally:
            self._group = None
        if self._ends:
            raise min(self._ends, key=_rank)

    async def _one(self, episode: PlannedEpisode, session: Session | None) -> bool:
        """Does an episode when a place is free; says whether those after it in a session may begin."""
        async with self.places:
            gate = self._gates[episode.id]
            try:
                try:
                    await gate.before_step()
                except EpisodeSkipped:
                    pass  # It is recorded by whoever does episodes.
                except Interrupted:
                    raise Interrupted(
                        "the run was asked to stop", remedy="Go on with `loopwright resume RUN`."
                    ) from None
                self.states[episode.id] = "running"
                self.states[episode.id] = await self._work(episode, session, gate)
            except Exception as end:
                self.states[episode.id] = "failed" if isinstance(end, CallInDoubt) else "waiting"
                self._end(end)
                return False
            return True

    def _end(self, end: Exception) -> None:
        """Notes what ended an episode, or ends the run. Calls of other episodes are paid for: they are waited for."""
        self._ends.append(end)
        if not isinstance(end, CallInDoubt | WaitsForPerson):
            self.stop()

    async def _one_by_one(self, episodes: Iterable[PlannedEpisode], session: Session) -> None:
        try:
            await session.replay()
        except LoopwrightError as end:
            self._end(end)
            return
        for episode in episodes:
            # What follows would begin with a memory that lacks the episode in doubt.
            if not await self._one(episode, session):
                return


def _rank(error: BaseException) -> int:
    """Which one of several is told: what the user must mend goes before an interruption, and both before doubts."""
    order = (WaitsForPerson, CallInDoubt, Interrupted, UserError)
    return -next((rank for rank, kind in enumerate(order) if isinstance(error, kind)), len(order))


def _foremost(problems: BaseExceptionGroup[Any]) -> BaseException:
    """The one exception to tell of several."""
    leaves: list[BaseException] = []
    stack: list[BaseException] = [problems]
    while stack:
        error = stack.pop()
        if isinstance(error, BaseExceptionGroup):
            stack.extend(error.exceptions)
        else:
            leaves.append(error)
    return min(leaves, key=_rank)
