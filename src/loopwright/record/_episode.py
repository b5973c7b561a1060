"""One episode as its events tell it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from loopwright.errors import Cause
from loopwright.record._calls import CallLog
from loopwright.record._spent import ResultOf, Spent, inline_result
from loopwright.store import (
    IDEMPOTENCE,
    CallFinished,
    Critiqued,
    Decided,
    EpisodeFinished,
    EpisodePrepared,
    EpisodeStarted,
    Event,
    Failed,
    Graded,
    IdeaChosen,
    IdempotenceChecked,
    Judged,
    Observed,
    PersonAnswered,
    PersonAsked,
    Proposed,
    SandboxOpened,
)
from loopwright.types import Attempt, Critique, Observation, Verdict, good_enough

IterationPart = Literal["idea_chosen", "proposed", "observed", "judged", "critiqued", "decided", "graded"]
"""A field of `IterationRecord`, named like the type of its event."""
_PARTS = get_args(IterationPart)


@dataclass(slots=True)
class IterationRecord:
    """One iteration of an episode; what has not happened is None."""

    number: int
    time: str
    """Of its first event."""
    idea_chosen: IdeaChosen | None = None
    proposed: Proposed | None = None
    observed: Observed | None = None
    judged: Judged | None = None
    critiqued: Critiqued | None = None
    decided: Decided | None = None
    graded: Graded | None = None
    measured: str = ""
    """Time of its verdict; empty before."""
    spent: Spent = field(default_factory=Spent)
    grading: Spent = field(default_factory=Spent)
    """What of `spent` was for its grade after the loop."""
    _attempt: Attempt | None = None
    """Of its parts as they are; None where it was not asked for since they changed."""

    def set(self, part: IterationPart, data: Any) -> None:
        """Sets what an event told."""
        setattr(self, part, data)
        self._attempt = None

    @property
    def begun(self) -> bool:
        """Whether the loop came to it; if not, its candidate was drawn ahead and never needed."""
        return any(getattr(self, part) is not None for part in _PARTS)

    @property
    def parent(self) -> int | None:
        """The iteration it was made from."""
        return self.proposed.parent if self.proposed else None

    @property
    def attempt(self) -> Attempt:
        """The iteration as agents may see it, without its grade."""
        if self._attempt is None:
            self._attempt = self._made_attempt()
        return self._attempt

    def _made_attempt(self) -> Attempt:
        proposed = self.proposed or Proposed()
        return Attempt(
            iteration=self.number,
            parent=proposed.parent,
            candidate=proposed.candidate,
            problem=proposed.problem,
            made_by=proposed.made_by,
            idea=self.idea_chosen.idea if self.idea_chosen else None,
            ideas=self.idea_chosen.ideas if self.idea_chosen else (),
            message=proposed.message,
            observation=self.observed.observation if self.observed else Observation(),
            verdict=self.judged.verdict if self.judged else Verdict(summary=proposed.problem),
            critique=self.critiqued.feedback if self.critiqued else "",
            critic_wants=self.critiqued.decision if self.critiqued else None,
        )

    @property
    def score(self) -> float | None:
        """Of its candidate, by the verdict that the loop acted on; None without a candidate or a verdict."""
        if self.proposed is None or self.proposed.candidate is None or self.judged is None:
            return None
        return self.judged.verdict.score

    @property
    def value(self) -> float | None:
        """Of its candidate, by the same verdict; None where nothing was measured."""
        return None if self.score is None or self.judged is None else self.judged.verdict.value


@dataclass(frozen=True, slots=True)
class Incident:
    """A failure inside an episode, also one that was got over."""

    iteration: int | None
    node: str | None
    failed: Failed


@dataclass(slots=True)
class EpisodeRecord:
    """An episode: what started and ended it, its iterations, and beside them sandboxes, failures and calls.

    As a sequence it is the tree of its attempts, ordered by iteration: `episode[3]` is the attempt of iteration 3. A
    loop applies each event that it records; a resumed episode applies those that were recorded. Both ways lead to the
    same record. An episode that infrastructure failed goes on in the same record when it is tried again.
    """

    result_of: ResultOf = inline_result
    """Where the results of its model calls are, to count what they used."""
    id: str = ""
    begun: str = ""
    """Time of its first event."""
    seq: int = 0
    """Position in the run of the event that started it."""
    started: EpisodeStarted | None = None
    prepared: EpisodePrepared | None = None
    """What the proposer worked out before the loop; None where it does not."""
    finished: EpisodeFinished | None = None
    """The latest outcome."""
    verifier_failures: int = 0
    """How often the episode ended without a score as a verifier failed."""
    iterations: dict[int, IterationRecord] = field(default_factory=dict)
    """By number; also iterations that did not get as far as an attempt."""
    idempotence: IdempotenceChecked | None = None
    """What one more refinement made of the answer, where the task asks for that."""
    questions: dict[str, PersonAsked] = field(default_factory=dict)
    """What a person was asked, by the question's id."""
    answers: dict[str, PersonAnswered] = field(default_factory=dict)
    """What was answered, likewise."""
    sandboxes: list[SandboxOpened] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    spent: Spent = field(default_factory=Spent)
    by_node: dict[str, Spent] = field(default_factory=dict)
    """What answered calls used, by the node that made them, such as `propose`."""
    proposed: int = 0
    """Iterations with an attempt."""
    _best: int | None = None
    _stops: set[int] = field(default_factory=set)
    """Iterations that stopped the loop; of a search there may be several, in any order."""
    calls: CallLog | None = None
    """Prompts and replies of its model calls; None where nobody reads them."""

    def apply(self, event: Event) -> None:
        """Takes in the next event of the episode."""
        self.id, self.begun = self.id or event.episode or "", self.begun or event.time
        match event.data:
            case EpisodeStarted() as data:
                self.started, self.seq = data, event.seq
                self._apply_call(event, {})
                self._best = self._found_best()
            case EpisodeFinished() as data:
                self.finished = data
                self.verifier_failures += bool(data.failure and data.failure.cause == Cause.VERIFIER)
            case EpisodePrepared() as data:
                self.prepared = data
            case IdempotenceChecked() as data:
                self.idempotence = data
            case SandboxOpened() as data:
                self.sandboxes.append(data)
            case PersonAsked() as data:
                self.questions[data.question.id] = data
            case PersonAnswered() as data:
                self.answers[data.id] = data
            case Failed() as data:
                self.incidents.append(Incident(event.iteration, event.node, data))
                self.spent.left_out |= frozenset(data.left_out)
                iteration = self.iterations.get(event.iteration) if event.iteration is not None else None
                for spent in (self.spent, *([iteration.spent] if iteration else ())):
                    spent.add_lost(data)
                self._apply_call(event, {})
            case _:
                self._apply_step(event)

    def _apply_step(self, event: Event) -> None:
        data = event.data
        number = data.candidate_iteration if isinstance(data, Graded) else event.iteration
        spent = [self.spent]
        if number is not None:
            iteration = self.iterations.setdefault(number, IterationRecord(number, event.time))
            if data.type in _PARTS:
                self._apply_part(iteration, data)
            if isinstance(data, Judged):
                iteration.measured = event.time
            if not (event.node or "").startswith(IDEMPOTENCE):
                spent += [iteration.spent, iteration.grading] if event.node == "grade" else [iteration.spent]
        result: Mapping[str, Any] = {}
        if isinstance(data, CallFinished) and data.kind in ("model", "image") and data.failure is None:
            result = self.result_of(data) or {}
            spent.append(self.by_node.setdefault(event.node or "", Spent()))
            for one in spent:
                one.add(data, result)
        self._apply_call(event, result)

    def _apply_part(self, iteration: IterationRecord, data: Any) -> None:
        """Sets a part of an iteration, and what is told of all iterations without looking at each."""
        new = getattr(iteration, data.type) is None
        iteration.set(data.type, data)
        if isinstance(data, Proposed):
            self.proposed += new
        elif isinstance(data, Decided):
            (self._stops.add if data.decision == "stop" else self._stops.discard)(iteration.number)
        if isinstance(data, Proposed | Judged):
            changed = not new or iteration.number == self._best
            self._best = self._found_best() if changed else self._better(iteration.number)

    def _better(self, number: int) -> int | None:
        """The better of an iteration and the best so far."""
        return self._found_best([number] if self._best is None else [self._best, number])

    def _found_best(self, numbers: Iterable[int] | None = None) -> int | None:
        among = self.iterations if numbers is None else numbers
        scored = [one for number in among if (one := self.iterations[number]).score is not None and one.judged]
        best = max(scored, key=lambda one: (*self._rank_of(one), -one.number), default=None)
        return None if best is None else best.number

    def _rank_of(self, iteration: IterationRecord) -> tuple[float, float]:
        assert iteration.judged is not None
        return self.rank(iteration.judged.verdict)

    def _apply_call(self, event: Event, result: Mapping[str, Any]) -> None:
        if self.calls is not None:
            self.calls.apply(event, result)

    def without_iterations(self) -> EpisodeRecord:
        """The same episode for whoever sees its iterations one by one: `take` adds them."""
        return replace(self, iterations={}, proposed=0, _best=None, _stops=set())

    def take(self, iteration: IterationRecord) -> None:
        """Adds a judged iteration of another record of the episode."""
        self.iterations[iteration.number] = iteration
        self.proposed += iteration.proposed is not None
        self._best = self._better(iteration.number)

    def recorded(self, iteration: int, part: IterationPart) -> bool:
        """Whether that part of the iteration is in the record already."""
        return iteration in self.iterations and getattr(self.iterations[iteration], part) is not None

    def decision(self, iteration: int) -> Decided | None:
        """What was decided after that iteration."""
        return self.iterations[iteration].decided if iteration in self.iterations else None

    def critique(self, iteration: int) -> Critique | None:
        """What the critic said about that iteration."""
        said = self.iterations[iteration].critiqued if iteration in self.iterations else None
        return said.critique if said else None

    @property
    def unread_critiques(self) -> int:
        """Critiques that rules wrote because the critic's reply could not be used."""
        return sum(one.node == "critique" and one.failed.cause == Cause.AGENT for one in self.incidents)

    @property
    def stop_rule(self) -> str:
        """The rule that stopped the loop, at its first iteration with one; empty while it goes on."""
        decided = self.iterations[min(self._stops)].decided if self._stops else None
        return decided.rule if decided else ""

    @property
    def drawn_for_nothing(self) -> int:
        """Candidates that were drawn beside one that stopped the loop."""
        return sum(not one.begun and one.spent.calls > 0 for one in self.iterations.values()) if self.stop_rule else 0

    @property
    def best(self) -> Attempt | None:
        """The verified attempt with the highest score, then the best value, the earliest of equals; None before one."""
        return None if self._best is None else self.iterations[self._best].attempt

    def rank(self, verdict: Verdict) -> tuple[float, float]:
        """What verdicts are compared by: the score first, then the value in its direction where the task has one."""
        value = self.started.value if self.started else None
        return verdict.score, verdict.worth(value) if value else 0.0

    def right(self, iteration: int, *, graded: bool) -> bool | None:
        """Whether its candidate passed or is good enough; a reply without one is not; None where nobody looked."""
        turn = self.iterations[iteration]
        if turn.proposed is not None and turn.proposed.candidate is None:
            return False
        said = turn.graded if graded else turn.judged
        if said is None or self.started is None:
            return None if said is None else said.passed
        return said.passed or good_enough(said.verdict, self.started.threshold, self.started.value)

    def improves(self, verdict: Verdict) -> bool:
        """Whether a verdict is better than the best so far."""
        best = self.best
        return best is None or self.rank(verdict) > self.rank(best.verdict)

    def __getitem__(self, iteration: int) -> Attempt:
        if not self.recorded(iteration, "proposed"):
            raise KeyError(iteration)
        return self.iterations[iteration].attempt

    def __iter__(self) -> Iterator[Attempt]:
        return (self[number] for number in sorted(self.iterations) if self.recorded(number, "proposed"))

    def __len__(self) -> int:
        return self.proposed
