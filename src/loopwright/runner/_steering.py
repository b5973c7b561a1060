"""What a run does about commands: each that changes something is recorded before the run acts on it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

from pydantic import ValidationError

from loopwright.budget import Ledger
from loopwright.control import (
    AskStatus,
    Command,
    Continue,
    ControlReply,
    EpisodeStatus,
    GiveAnswer,
    Pause,
    RunStatus,
    SetCap,
    SetConcurrency,
    Skip,
    Stop,
)
from loopwright.errors import MissingContent, UserError
from loopwright.plan import BudgetBook, ResolvedRun
from loopwright.runner._desk import Desk
from loopwright.runner._schedule import EpisodeState, Schedule
from loopwright.store import EpisodeFinished, Event, RunSteered, RunStore, made_here
from loopwright.task import CapOptions, Caps
from loopwright.text import counted
from loopwright.types import PersonAnswer, Usage

_SHOWN = 20
"""Episodes that a status names, and a message."""

_QUESTIONS = 8
"""Questions that a status shows: each may be as long as a candidate."""

By = Literal["ctl", "view", "python"]


class Steering:
    """Steers one run that is under way. It is used in the event loop of the run alone."""

    def __init__(
        self, resolved: ResolvedRun, store: RunStore, ledgers: BudgetBook, schedule: Schedule, desk: Desk
    ) -> None:
        self._resolved, self._store, self._ledgers = resolved, store, ledgers
        self._schedule, self._desk = schedule, desk
        self._iterations: dict[str, int | None] = {}
        store.subscribe(self._take)

    def handle(self, command: Command, by: By) -> ControlReply:
        """Does what a command says.

        Raises:
            UserError: The run cannot do that now.
            StoreError: It cannot be recorded.
        """
        match command:
            case AskStatus():
                status = self.status()
                return ControlReply(done=True, told=_in_a_line(status), status=status)
            case Pause():
                return ControlReply(done=True, told=self._pause(by))
            case Continue():
                return ControlReply(done=True, told=self._proceed(by))
            case Stop():
                return ControlReply(done=True, told=self._stop(by))
            case SetConcurrency(episodes=episodes):
                return ControlReply(done=True, told=self._set_concurrency(episodes, by))
            case SetCap(cap=cap, amount=amount):
                return ControlReply(done=True, told=self._set_cap(cap, amount, by))
            case GiveAnswer(question=name, choice=choice, text=text, target=target):
                answer = PersonAnswer(choice=choice, text=text, target=target, by=by)
                return ControlReply(done=True, told=f"{self._desk.answer(name, answer).id}: {choice}")
            case Skip(episode=episode):
                return ControlReply(done=True, told=self._skip(self._found(episode), by))
            case _:
                return ControlReply(done=True, told=self._retry(self._found(command.episode), by))

    def status(self) -> RunStatus:
        """How far the run is."""
        schedule, ledgers = self._schedule, self._ledgers
        running = [name for name, state in schedule.states.items() if state == "running"]
        counts: dict[str, int] = dict(Counter(schedule.states.values()))
        return RunStatus(
            run=self._store.manifest.id,
            pid=os.getpid(),
            state="stopping" if schedule.stopping else "paused" if schedule.paused else "running",
            concurrency=schedule.places.size,
            episodes=counts,
            under_way=tuple(EpisodeStatus(id=name, iteration=self._iterations.get(name)) for name in running[:_SHOWN]),
            caps=ledgers.run.caps,
            left=ledgers.left(),
            questions=tuple(self._desk.questions.values())[:_QUESTIONS],
        )

    def _pause(self, by: By) -> str:
        if self._schedule.stopping:
            raise UserError("the run is stopping already", remedy="`loopwright resume` goes on with it.")
        if self._schedule.paused:
            return "the run is paused already"
        self._record(RunSteered(action="pause", by=by))
        self._schedule.pause()
        self._ledgers.clock.pause()
        return "paused: what is under way finishes, and nothing else begins until `continue`"

    def _proceed(self, by: By) -> str:
        if not self._schedule.paused:
            return "the run is not paused"
        self._record(RunSteered(action="continue", by=by))
        self._ledgers.clock.proceed()
        self._schedule.proceed()
        return "the run goes on"

    def _stop(self, by: By) -> str:
        if not self._schedule.stopping:
            self._record(RunSteered(action="stop", by=by))
            self._ledgers.clock.proceed()
            self._schedule.stop()
        return "stopping after the steps under way; `loopwright resume` goes on"

    def _set_concurrency(self, episodes: int, by: By) -> str:
        self._record(RunSteered(action="set_concurrency", by=by, concurrency=episodes))
        before = self._schedule.places.size
        self._schedule.places.resize(episodes)
        fewer = "; more that are under way finish" if episodes < before else ""
        return f"{counted(episodes, 'episode')} at a time, in place of {before}{fewer}"

    def _set_cap(self, name: str, amount: float, by: By) -> str:
        if name not in Caps.model_fields:
            raise UserError(f"there is no cap {name!r}", remedy=f"The caps are: {', '.join(Caps.model_fields)}.")
        try:
            # As files and options are read: whole numbers of calls, and none of zero but of cost.
            cap = getattr(CapOptions.model_validate({name: amount}), name)
        except ValidationError as error:
            raise UserError(f"{amount:g} is no cap on {name}: {error.errors()[0]['msg']}") from None
        if name == "usd":
            self._refuse_without_prices()
        self._record(RunSteered(action="set_cap", by=by, budget={name: cap}))
        self._ledgers.change({name: cap})
        spent = _spent(self._ledgers.run, name)
        over = "; more is spent already, so that no call begins" if spent is not None and spent >= cap else ""
        return f"the cap of the whole run on {name} is {cap:g} from now on{over}"

    def _refuse_without_prices(self) -> None:
        resolved, remedy = self._resolved, "Stop the run, then: loopwright resume RUN --prices FILE --max-usd N."
        manifest, prices = self._store.manifest, resolved.prices
        if not made_here(manifest) and str(resolved.config.prices) == manifest.config.get("prices"):
            raise UserError("the run was made elsewhere, and its own price file would count the cap", remedy=remedy)
        kinds = {(one.task.name, one.variant): one for one in resolved.episodes}
        casts = [resolved.components(one) for one in kinds.values()]
        models = {
            name for cast in casts for name in (*cast.models.values(), *cast.named.generators, *cast.named.editors)
        }
        if missing := sorted(one for one in models if prices is None or prices.at_most(one, Usage()) is None):
            raise UserError(f"a cap on cost needs prices, and {missing[0]} has none", remedy=remedy)

    def _skip(self, episode: str, by: By) -> str:
        state = self._schedule.states[episode]
        if state not in ("waiting", "running"):
            raise UserError(f"{episode} is over: {state}")
        self._record(RunSteered(action="skip", by=by), episode)
        self._schedule.skip(episode)
        when = "after its step under way" if state == "running" else "when its turn comes"
        return f"{episode} ends without a score {when}"

    def _retry(self, episode: str, by: By) -> str:
        state = self._schedule.states[episode]
        if state not in ("failed", "skipped"):
            why = "has a score, which stays" if state == "scored" else f"is {state} now"
            raise UserError(f"{episode} {why}", remedy="Episodes that failed or were skipped can be tried again.")
        self._schedule.refuse_retry(episode)
        self._record(RunSteered(action="retry", by=by), episode)
        self._schedule.retry(episode)
        return f"{episode} is tried again when a place is free"

    def _found(self, name: str) -> str:
        known = self._schedule.states
        fitting = [name] if name in known else [one for one in known if one.startswith(name)]
        if len(fitting) == 1:
            return fitting[0]
        problem = f"{name!r} fits {len(fitting)} episodes" if fitting else f"the run has no episode {name!r}"
        some = _first(fitting or list(known))
        raise MissingContent(problem, remedy=f"Name one of these: {some}.")

    def _record(self, data: RunSteered, episode: str | None = None) -> None:
        self._store.append(data, episode=episode)

    def _take(self, event: Event) -> None:
        if event.episode is not None and event.iteration is not None:
            self._iterations[event.episode] = event.iteration


def state_after(events: Sequence[Event]) -> EpisodeState:
    """Where an episode stands by what earlier processes recorded of it; what infrastructure failed waits again."""
    state: EpisodeState = "waiting"
    for event in events:
        match event.data:
            case EpisodeFinished() as outcome:
                ended = state_of(outcome)
                state = "waiting" if ended == "failed" else ended
            case RunSteered(action="retry"):
                state = "waiting"
    return state


def state_of(outcome: EpisodeFinished) -> EpisodeState:
    """How an episode ended."""
    return "skipped" if outcome.skipped else outcome.status


def _spent(ledger: Ledger, name: str) -> float | Decimal | None:
    return ledger.seconds if name == "seconds" else getattr(ledger.spent, name)


def _in_a_line(status: RunStatus) -> str:
    counts = ", ".join(f"{number} {state}" for state, number in status.episodes.items())
    left = status.left.shown()
    return f"{status.state}: {counts}; {status.concurrency} at a time" + (f"; left: {left}" if left else "")


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
