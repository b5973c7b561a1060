"""What people did with a run while it worked, in words."""

from __future__ import annotations

from collections.abc import Sequence

from loopwright.store import Event, RunSteered
from loopwright.text import counted, printable_line

_SHOWN = 20
"""Lines, at most."""
_WORDS = {"pause": "paused", "continue": "went on", "stop": "was told to stop"}
_WHO = {"ctl": "`loopwright ctl`", "view": "the page of the run", "python": "code", "resume": "`resume`"}


def steering_lines(events: Sequence[Event]) -> list[str]:
    """A line for each thing that was done, with its time; the first of them where there are many."""
    lines = [
        f"{event.time[:19].replace('T', ' ')} UTC: {steered_line(event.data, event.episode)}"
        for event in events[:_SHOWN]
        if isinstance(event.data, RunSteered)
    ]
    more = len(events) - _SHOWN
    return [*lines, f"steered {more} more times"] if more > 0 else lines


def steered_line(done: RunSteered, episode: str | None) -> str:
    """What was done, in a line."""
    by = f"by {_WHO[done.by]}"
    if done.action == "set_concurrency":
        return f"{counted(done.concurrency or 0, 'episode')} at a time, {by}"
    if done.action == "set_cap":
        caps = ", ".join(f"{printable_line(name)} {amount:g}" for name, amount in done.budget.items())
        return f"cap of the whole run: {caps}, {by}"
    if done.action in _WORDS:
        return f"the run {_WORDS[done.action]}, {by}"
    return f"{printable_line(episode or '')}: {'skipped' if done.action == 'skip' else 'tried again'}, {by}"
