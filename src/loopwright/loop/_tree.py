"""The attempts of an episode: an append-only tree, rebuilt from the record whenever it is needed."""

from __future__ import annotations

from collections.abc import Iterator

from loopwright.agents import Attempt, Critique
from loopwright.store import Critiqued, Decided, Event, Judged, Observed, Proposed
from loopwright.verify import Verdict


class AttemptTree:
    """Every attempt of an episode, failed ones too, as its events tell it.

    The loop appends an event and applies it here; a resumed episode applies the events that were recorded. Both ways
    give the same tree, so the graph's own state needs to hold nothing but counters.
    """

    def __init__(self) -> None:
        self._attempts: dict[int, Attempt] = {}
        self._nodes: dict[int, set[str]] = {}
        self._decisions: dict[int, Decided] = {}
        self._critiques: dict[int, Critique] = {}
        self._best: int | None = None

    def apply(self, event: Event) -> None:
        """Takes in one event of the episode; events that do not concern attempts are passed over."""
        iteration, data = event.iteration, event.data
        if iteration is None:
            return
        match data:
            case Proposed():
                self._attempts[iteration] = Attempt(
                    iteration=iteration,
                    parent=data.parent,
                    candidate=data.candidate,
                    problem=data.problem,
                    verdict=Verdict(summary=data.problem),
                )
            case Observed():
                self._update(iteration, observation=data.observation)
            case Judged():
                self._update(iteration, verdict=data.verdict)
                self._prefer(self._attempts[iteration])
            case Critiqued():
                self._update(iteration, critique=data.feedback)
                self._critiques[iteration] = data.critique
            case Decided():
                self._decisions[iteration] = data
            case _:
                return
        self._nodes.setdefault(iteration, set()).add(data.type)

    def _update(self, iteration: int, **fields: object) -> None:
        self._attempts[iteration] = self._attempts[iteration].model_copy(update=fields)

    def recorded(self, iteration: int, event_type: str) -> bool:
        """Whether that part of the iteration is in the record already."""
        return event_type in self._nodes.get(iteration, ())

    def decision(self, iteration: int) -> Decided | None:
        """What was decided after that iteration."""
        return self._decisions.get(iteration)

    @property
    def stop_rule(self) -> str:
        """The rule that stopped the loop; empty while it goes on."""
        return next((made.rule for made in self._decisions.values() if made.decision == "stop"), "")

    def critique(self, iteration: int) -> Critique | None:
        """What the critic said about that iteration."""
        return self._critiques.get(iteration)

    def __getitem__(self, iteration: int) -> Attempt:
        return self._attempts[iteration]

    def __iter__(self) -> Iterator[Attempt]:
        return iter(self._attempts[iteration] for iteration in sorted(self._attempts))

    def __len__(self) -> int:
        return len(self._attempts)

    @property
    def best(self) -> Attempt | None:
        """The verified attempt with the highest score, the earliest of equals; None before there is one."""
        return None if self._best is None else self._attempts[self._best]

    def _prefer(self, judged: Attempt) -> None:
        best = self.best
        if judged.candidate is None:
            return
        if best is None or (judged.verdict.score, -judged.iteration) > (best.verdict.score, -best.iteration):
            self._best = judged.iteration
