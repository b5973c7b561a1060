"""Which events of a run are worth a notice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from loopwright.notify import Notice, Notifier, SpentSoFar
from loopwright.plan import BudgetBook
from loopwright.runner._schedule import EpisodeState
from loopwright.store import DriftAlarm, Event, RunFinished, RunStore


class Notices:
    """Makes notices of what happens in a run, and hands them to its notifier."""

    def __init__(self, store: RunStore, ledgers: BudgetBook, notifier: Notifier) -> None:
        self.states: Mapping[str, EpisodeState] = {}
        """Where the episodes stand."""
        self._store, self._ledgers, self._notifier = store, ledgers, notifier
        self._full: set[str] = set()
        self._time = ""
        store.subscribe(self._take)
        ledgers.on_full = self._is_full

    def _take(self, event: Event) -> None:
        self._time = event.time
        match event.data:
            case RunFinished(reason=reason):
                scored = sum(state == "scored" for state in self.states.values())
                told = f"{reason}: {scored} of {len(self.states)} episodes have a score"
                self._send("finished", told, reason=reason)
            case DriftAlarm() as alarm:
                self._send("alarm", f"an alarm of drift in {event.episode}: {alarm}", session=event.episode)

    def _is_full(self, cap: str) -> None:
        if cap not in self._full:
            self._full.add(cap)
            self._send("cap", f"what the cap on {cap} leaves is not enough to go on", cap=cap)

    def _send(self, kind: Any, text: str, **about: Any) -> None:
        ledger, manifest = self._ledgers.run, self._store.manifest
        spent = ledger.spent
        self._notifier.send(
            Notice(
                kind=kind,
                text=f"{manifest.id}: {text}",
                run=manifest.id,
                folder=str(self._store.folder.absolute()),
                time=self._time,
                episodes=dict(Counter(self.states.values())),
                spent=SpentSoFar(
                    model_calls=spent.model_calls,
                    tokens=spent.tokens,
                    usd=None if spent.unpriced_calls else str(spent.usd),
                    seconds=round(ledger.seconds, 3),
                ),
                **about,
            )
        )
