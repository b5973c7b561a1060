"""The ledgers of a run: episodes under tasks under the run, and what earlier processes spent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from pydantic import ValidationError

from loopwright.budget import Caps, Ledger, PausableClock
from loopwright.errors import StoreError
from loopwright.loop import REUSED, LostReply, spend_of, spend_of_images, spent_time
from loopwright.models import Prices, Reply, Usage
from loopwright.models.image import ImageReply
from loopwright.plan._plan import PlannedEpisode
from loopwright.record import ResultOf
from loopwright.store import (
    CallFinished,
    CallIntended,
    Event,
    Failed,
    IdempotenceChecked,
    Judged,
    Mitigated,
    Observed,
    PersonAsked,
    RunResumed,
    RunSteered,
    check_spent,
)
from loopwright.task import Task

_Reply = TypeVar("_Reply", Reply, ImageReply)


class BudgetBook:
    """One ledger for the run, one for each task, one for each episode."""

    def __init__(
        self,
        caps: Caps,
        history: Sequence[Event],
        result: ResultOf,
        *,
        own: Callable[[Event], bool] = lambda event: True,
    ) -> None:
        """Begins where earlier processes stopped.

        Args:
            caps: Of the whole run.
            history: Events of earlier processes, and that of this one's going on, which may hold other caps.
            result: Finds the result of a recorded call.
            own: Which events this run spent something on; others count in their episode and under no cap.
        """
        changes = [event.data for event in history if isinstance(event.data, RunResumed | RunSteered)]
        self._raised = {name: amount for data in changes for name, amount in data.budget.items()}
        self._caps = caps
        self.clock = PausableClock()
        """Which all of its ledgers go by."""
        self.on_full: Callable[[str], None] = lambda name: None
        """Called with the name of a cap of the whole run, or of all episodes of a task, that leaves too little."""
        self.run = Ledger(self._now(caps), clock=self.clock, on_full=self._full)
        self._result = result
        self._own = own
        self._tasks: dict[str, tuple[Task, Ledger]] = {}
        self._episodes: dict[str, Ledger] = {}
        self._wall = wall_seconds(filter(own, history))
        self.run.charge(spent_time(0.0), seconds=self._wall.get(None, 0.0))

    def episode(self, planned: PlannedEpisode, recorded: Iterable[Event], prices: Prices | None) -> Ledger:
        """The ledger of an episode, made once and charged with what is recorded of it."""
        if planned.id in self._episodes:
            return self._episodes[planned.id]
        self._episodes[planned.id] = ledger = Ledger(
            planned.task.budget, parent=self._of_task(planned.task), clock=self.clock
        )
        self._charge(ledger, recorded, prices)
        ledger.charge(spent_time(0.0), seconds=self._wall.get(planned.id, 0.0))
        return ledger

    def session(self, task: Task, recorded: Iterable[Event], prices: Prices | None) -> Ledger:
        """What a session spends beside its episodes, under the caps of its task and the run."""
        ledger = Ledger(Caps(), parent=self._of_task(task), clock=self.clock)
        self._charge(ledger, recorded, prices)
        return ledger

    def _charge(self, ledger: Ledger, recorded: Iterable[Event], prices: Prices | None) -> None:
        asked: dict[str, str] = {}
        for event in recorded:
            match event.data:
                case CallIntended(kind="model" | "image") as intent:
                    asked[intent.key] = str(intent.request.get("model", ""))
                    continue
                case CallFinished(kind="image", failure=None) as call:
                    spent = spend_of_images(self._reply(ImageReply, call), asked.get(call.key, ""), prices)
                case CallFinished(kind="model", failure=None) as call:
                    reply = self._reply(Reply, call)
                    spent = REUSED if call.cached else spend_of(reply, asked.get(call.key, ""), prices)
                case Failed(usage=Usage() as usage, cost_usd=cost, images=images):
                    spent = LostReply(usage, None if cost is None else Decimal(cost), images).spend
                case (
                    CallFinished(kind="sandbox", seconds=seconds)
                    | Observed(seconds=seconds)
                    | Judged(confirmed_seconds=seconds)
                    | IdempotenceChecked(seconds=seconds)
                    | Mitigated(seconds=seconds)
                ):
                    spent = spent_time(seconds)
                case _:
                    continue
            ledger.charge(spent, alone=not self._own(event))

    def change(self, caps: Mapping[str, float]) -> None:
        """Puts caps in the place of those of the same names, of the run and of every task in it."""
        self._raised.update(caps)
        self.run.limit(self._now(self._caps))
        for task, ledger in self._tasks.values():
            ledger.limit(self._now(task.budget.run))

    def _reply(self, kind: type[_Reply], call: CallFinished) -> _Reply:
        """What a recorded call gave.

        Raises:
            StoreError: It is no such reply, or cannot have used so much.
        """
        try:
            reply = kind.model_validate(self._result(call))
            check_spent(reply.usage, reply.cost_usd)
        except ValueError as error:
            first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
            raise StoreError(
                f"the record's result of the call {call.key[:200]} is no reply: {first}",
                remedy="Restore the run folder from a backup.",
            ) from None
        return reply

    def left(self) -> Caps:
        """What the run may still spend; of a run of one task, under that task's caps too."""
        only = next(iter(self._tasks.values()), None) if len(self._tasks) == 1 else None
        return (only[1] if only else self.run).left

    def _full(self, name: str) -> None:
        self.on_full(name)

    def _now(self, caps: Caps) -> Caps:
        """Caps of a whole run, with those that were given later in their place.

        Raises:
            StoreError: The record holds some that are none.
        """
        try:
            return Caps.model_validate({**caps.model_dump(include=set(Caps.model_fields)), **self._raised})
        except ValidationError as error:
            first = error.errors()[0]
            raise StoreError(
                f"the record holds a cap that is none: {'.'.join(map(str, first['loc']))}: {first['msg']}",
                remedy="Restore the run folder from a backup.",
            ) from None

    def _of_task(self, task: Task) -> Ledger:
        """What all episodes of a task share, whatever their variant."""
        if task.name not in self._tasks:
            ledger = Ledger(self._now(task.budget.run), parent=self.run, clock=self.clock, on_full=self._full)
            self._tasks[task.name] = (task, ledger)
            ledger.charge(spent_time(0.0), seconds=self._wall.get(None, 0.0))
        return self._tasks[task.name][1]


def wall_seconds(events: Iterable[Event]) -> Mapping[str | None, float]:
    """Seconds that earlier processes worked on each episode, and by None on the run.

    What passed between the end of one process and the start of the next does not count. Neither do a pause of the run,
    and the time in which an episode waits for a person.
    """
    total: dict[str | None, float] = defaultdict(float)
    first: dict[str | None, datetime] = {}
    paused = False
    last: dict[str | None, datetime] = {}

    def close() -> None:
        for name, begun in first.items():
            # The clock may have been set back meanwhile.
            total[name] += max(0.0, (last[name] - begun).total_seconds())
        first.clear()

    for event in events:
        match event.data:
            case RunResumed() | RunSteered(action="pause"):
                close()
                paused = isinstance(event.data, RunSteered)
            case RunSteered(action="continue" | "stop") if paused:
                first.clear()
                paused = False
        time = datetime.fromisoformat(event.time)
        for name in {None, event.episode}:
            first.setdefault(name, time)
            last[name] = time
        if isinstance(event.data, PersonAsked) and event.episode in first:
            # Nobody works on an episode that waits for a person.
            begun = first.pop(event.episode)
            total[event.episode] += max(0.0, (time - begun).total_seconds())
    close()
    return total
