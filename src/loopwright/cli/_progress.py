"""Live progress: a few moving lines in a terminal, one line per finished episode elsewhere. Always on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from loopwright import Run
from loopwright.budget import Caps
from loopwright.cli._output import tell
from loopwright.cli.render._episode import passed_or_missed
from loopwright.loop import GRADE
from loopwright.record import EpisodeRecord, ResultOf, inline_result
from loopwright.report import steered_line
from loopwright.store import CallFinished, Decided, EpisodeFinished, EpisodeStarted, Event, Failed, Judged, RunSteered
from loopwright.text import printable_line
from loopwright.types import Failure

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(slots=True)
class Tally:
    """What a run has come to so far."""

    planned: int
    started: float = field(default_factory=time.monotonic)
    passed: int = 0
    missed: int = 0
    failed: int = 0
    """Episodes that infrastructure ended."""
    calls: int = 0
    images: int = 0
    tokens: int = 0
    cost_usd: Decimal | None = None
    episodes: dict[str, EpisodeRecord] = field(default_factory=dict)
    """Those that are running, and sessions that made calls."""
    _not_scored: dict[str, EpisodeFinished] = field(default_factory=dict)
    _again: dict[str, EpisodeFinished] = field(default_factory=dict)
    """Those of them that the run tries again: what they spent counts, their end does not."""
    left: Callable[[], Caps] = Caps
    """What the caps of the run leave."""
    result_of: ResultOf | None = None
    """Results of calls, of a run that grades again: of its episodes only what grading took counts. Else None."""
    last: EpisodeFinished | None = None
    """The latest outcome, with what counts."""

    @property
    def done(self) -> int:
        """Finished episodes."""
        return self.passed + self.missed + self.failed

    def resume(self) -> None:
        """Counts episodes as waiting that the run tries again; what they spent stays counted."""
        self._try_again([name for name, outcome in self._not_scored.items() if outcome.tried_again])

    def _try_again(self, names: Iterable[str]) -> None:
        for name in names:
            if outcome := self._not_scored.pop(name, None):
                self._again[name] = outcome
                self.failed -= 1

    def take(self, event: Event) -> None:
        """Counts one event."""
        if event.episode is None:
            return
        match event.data:
            case EpisodeFinished() as outcome:
                episode = self.episodes.pop(event.episode, EpisodeRecord())
                self.last = outcome if self.result_of is None else _graded_alone(outcome, episode)
                self._finish(event.episode, self.last)
            case RunSteered(action="retry"):
                self._try_again([event.episode])
            case EpisodeStarted():
                self.episodes[event.episode] = EpisodeRecord(self.result_of or inline_result)
            case CallFinished() if self.result_of and event.node != GRADE:
                pass
            case CallFinished(kind="model" | "image", failure=None) | Judged() | Decided():
                self.episodes.setdefault(event.episode, EpisodeRecord(self.result_of or inline_result)).apply(event)

    def _finish(self, name: str, outcome: EpisodeFinished) -> None:
        # A resumed run tries again what infrastructure failed; an outcome holds all that the episode spent.
        self._try_again([name])
        if before := self._again.pop(name, None):
            self._add(before, -1)
        if outcome.status == "failed":
            self._not_scored[name] = outcome
            self.failed += 1
        elif outcome.passed:
            self.passed += 1
        else:
            self.missed += 1
        self._add(outcome, 1)

    def _add(self, outcome: EpisodeFinished, times: int) -> None:
        """Adds what an episode spent."""
        self.calls += outcome.model_calls * times
        self.images += outcome.images * times
        self.tokens += outcome.usage.total * times
        if outcome.cost_usd is not None:
            self.cost_usd = (self.cost_usd or Decimal(0)) + Decimal(outcome.cost_usd) * times

    def line(self) -> str:
        """The tally in one line."""
        parts = [f"{self.done}/{self.planned} episodes", f"{self.passed} passed"]
        if self.failed:
            parts.append(f"{self.failed} not scored")
        calls = self.calls + sum(episode.spent.calls for episode in self.episodes.values())
        images = self.images + sum(episode.spent.images for episode in self.episodes.values())
        parts += [f"{calls} calls", *_pictures(images), f"{self.tokens} tokens"]
        if self.cost_usd is not None:
            parts.append(f"${self.cost_usd:.4f}")
        parts.append(f"{time.monotonic() - self.started:.0f} s")
        left = self.left().shown()
        return ", ".join(parts) + (f"; left: {left}" if left else "")


@contextmanager
def show_progress(run: Run) -> Iterator[None]:
    """Shows how a run gets on, for as long as the context lasts."""
    result_of = run.store.result if run.config.regrade else None
    tally = Tally(planned=len(run.planned), left=run.ledgers.left, result_of=result_of)
    for events in run.recorded.values():
        for event in events:
            tally.take(event)
    tally.resume()
    run.on_event(tally.take)
    if not sys.stderr.isatty() or _asks_a_person(run):
        run.on_event(lambda event: _tell_steering(event, tell))
        run.on_event(lambda event: _write_line(event, tally))
        run.on_event(_Setbacks(tell).take)
        yield
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, highlight=False)

    def say(text: str) -> None:
        console.print(printable_line(text), markup=False)

    run.on_event(_Setbacks(say).take)
    run.on_event(lambda event: _tell_steering(event, say))
    with Live(_Moving(tally), console=console, refresh_per_second=4, transient=True, redirect_stdout=False):
        yield


@dataclass(frozen=True, slots=True)
class _Setbacks:
    """Tells of each kind of failure that is tried again when it comes up first: a server that is away is no secret."""

    say: Callable[[str], None]
    _told: set[tuple[str, str]] = field(default_factory=set)

    def take(self, event: Event) -> None:
        if not isinstance(event.data, Failed) or not event.data.retried:
            return
        kind = (event.data.error, event.data.message.partition(":")[0])
        if kind not in self._told:
            self._told.add(kind)
            self.say(f"{event.data.message.partition(chr(10))[0]}; it is tried again")


def _tell_steering(event: Event, say: Callable[[str], None]) -> None:
    if isinstance(event.data, RunSteered):
        say(steered_line(event.data, event.episode))


def _asks_a_person(run: Run) -> bool:
    """Whether somebody is asked in the same terminal, where nothing else may draw."""
    tasks = [episode.task for episode in run.planned]
    if any(task.loop.ask_person for task in tasks):
        return True
    return any((name or "").startswith("human/") for task in tasks for name in (task.model, *task.models.values()))


def _graded_alone(outcome: EpisodeFinished, episode: EpisodeRecord) -> EpisodeFinished:
    """An outcome with what its grading took; the run that made the candidates paid for the rest."""
    spent = episode.spent
    cost = None if outcome.cost_usd is None or spent.cost_usd is None else str(spent.cost_usd)
    update = {"model_calls": spent.calls, "images": spent.images, "usage": spent.usage, "cost_usd": cost}
    return outcome.model_copy(update={**update, "cached_calls": 0})


def _write_line(event: Event, tally: Tally) -> None:
    if isinstance(event.data, EpisodeFinished) and tally.last:
        left = tally.left().shown()
        told = f"[{tally.done}/{tally.planned}] {printable_line(describe(event.episode or '', tally.last))}"
        tell(f"{told}; left: {left}" if left else told)


def describe(name: str, outcome: EpisodeFinished) -> str:
    """One line on a finished episode."""
    if outcome.status == "failed":
        failure = outcome.failure or Failure()
        return f"{name}: not scored, {failure.cause}: {failure.line}"
    tokens = outcome.usage.total
    value = "" if outcome.value is None else f", value {outcome.value:.6g}"
    cached = f" ({outcome.cached_calls} from the cache)" if outcome.cached_calls else ""
    return (
        f"{name}: {passed_or_missed(outcome)}, score {outcome.score:.2f}{value}, {outcome.iterations} iterations "
        f"({outcome.rule}), {', '.join([f'{outcome.model_calls} calls{cached}', *_pictures(outcome.images)])}, "
        f"{tokens} tokens, {outcome.seconds:.1f} s"
    )


def _pictures(number: int) -> list[str]:
    """What to tell of pictures that image models made: nothing where there are none."""
    return [f"{number} image{'' if number == 1 else 's'}"] if number else []


class _Moving:
    """What the terminal shows: drawn anew from the tally at every refresh."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def __rich__(self) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        tally = self._tally
        lines = Table.grid()
        for name, episode in list(tally.episodes.items()):
            lines.add_row(Text(printable_line(_running(name, episode)), overflow="ellipsis", no_wrap=True))
        lines.add_row(ProgressBar(total=max(tally.planned, 1), completed=tally.done, width=30))
        lines.add_row(Text(tally.line(), overflow="ellipsis", no_wrap=True))
        return lines


def _running(name: str, episode: EpisodeRecord) -> str:
    scores = [one.judged.score for one in episode.iterations.values() if one.judged]
    best = f", best {max(scores):.2f}" if scores else ""
    decided = max((number for number, one in episode.iterations.items() if one.decided), default=-1)
    return f"  {name}: iteration {decided + 2}, {episode.spent.calls} calls{best}"
