"""One episode in numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from loopwright.record import EpisodeRecord, Spent
from loopwright.report._climb import Climb, climb_of
from loopwright.stats import Transition
from loopwright.store import EpisodeFinished, EpisodeStarted
from loopwright.text import cut_middle
from loopwright.types import Check, Failure, Threshold, Usage, ValueOptions

_CHECKS, _EVIDENCE, _REASON = 20, 2000, 300

Status = Literal["scored", "failed", "unfinished"]


@dataclass(frozen=True, slots=True)
class EpisodeRow:
    """One episode in numbers."""

    episode: str
    task: str
    instance: str
    variant: str
    repeat: int
    status: Status
    """`failed` and `unfinished` episodes are no scores and enter no rate."""
    score: float | None
    passed: bool | None
    iterations: int
    rule: str
    """The stop rule that ended the loop; empty where none did."""
    model_calls: int
    usage: Usage
    cost_usd: Decimal | None
    seconds: float
    failure: Failure | None
    judged: tuple[Transition, ...]
    """Refinements by the verdicts the loop acted on."""
    graded: tuple[Transition, ...]
    """Refinements by the grades after the loop, where every candidate got one."""
    grading_calls: int = 0
    """Model calls for its grade after the loop."""
    unreported: int = 0
    """Model calls of which the provider did not say what they used."""
    lost: int = 0
    """Replies that nobody could use; each counts what its provider reports, else all that was reserved for it."""
    cut: int = 0
    """Replies that ended at a token limit."""
    left_out: frozenset[str] = frozenset()
    """Parameters that a provider refused, so that replies were drawn without them."""
    measured: frozenset[str] = frozenset()
    """Days on which `models check` had found that out, where it did."""
    failing: tuple[Check, ...] = ()
    """Checks that the answer did not pass, the first 20, with evidence of 2,000 characters at most."""
    failing_more: int = 0
    """How many more it did not pass."""
    value: float | None = None
    """Of the answer, where the task maximises or minimises one."""
    spoiled: bool | None = None
    """Whether one more refinement spoiled the answer; None where that was not asked for, or not found out."""
    valued: ValueOptions | None = None
    """What that value is, and which are better."""
    threshold: Threshold | None = None
    """What is good enough, where that is not to pass every check."""
    images: int = 0
    """Pictures that image models made."""
    unpriced: frozenset[str] = frozenset()
    """What a price file would have to say for the cost of calls that have none."""
    masked: int = 0
    """Replies that repeated the value of a secret, in whose place `***` stands."""
    executed_masked: int = 0
    """Of them, those that were executed and graded with `***`."""
    masked_names: frozenset[str] = frozenset()
    """What the user calls those secrets."""
    critiques: int = 0
    unread_critiques: int = 0
    """Those of them that rules wrote because the critic's reply could not be used."""

    invalid: tuple[str, ...] = ()
    """Why each candidate has no value, where the task wants one and none has it."""
    climb: Climb | None = None
    """How its best value grew, where the task maximises or minimises one."""

    @property
    def unit(self) -> str:
        """What the episode was an attempt at: one instance of one task."""
        return self.task if self.task == self.instance else f"{self.task}/{self.instance}"


def episode_row(episode: EpisodeRecord, started: EpisodeStarted) -> EpisodeRow:
    """Reduces one episode to numbers; what an unfinished one spent is counted from its calls."""
    done, spent = episode.finished, episode.spent
    failing, again = _failing(episode), episode.idempotence
    return EpisodeRow(
        episode=episode.id,
        task=started.task,
        instance=started.instance,
        variant=started.variant,
        repeat=started.repeat,
        status=done.status if done else "unfinished",
        score=done.score if done else None,
        passed=done.passed if done else None,
        iterations=done.iterations if done else len(episode.iterations),
        rule=done.rule if done else "",
        model_calls=done.model_calls if done else spent.calls,
        usage=done.usage if done else spent.usage,
        cost_usd=_cost(episode),
        seconds=done.seconds if done else 0.0,
        failure=done.failure if done else None,
        judged=_turns(episode, graded=False),
        graded=_turns(episode, graded=True),
        grading_calls=episode.by_node.get("grade", Spent()).calls,
        unreported=spent.unreported,
        lost=spent.lost,
        cut=spent.cut,
        left_out=spent.left_out,
        measured=spent.measured,
        failing=failing[:_CHECKS],
        failing_more=max(0, len(failing) - _CHECKS),
        value=done.value if done else None,
        valued=started.value,
        threshold=started.threshold,
        images=done.images if done else spent.images,
        unpriced=spent.unpriced,
        masked=spent.masked,
        executed_masked=spent.executed_masked,
        masked_names=spent.masked_names,
        critiques=sum(one.critiqued is not None for one in episode.iterations.values()),
        unread_critiques=episode.unread_critiques,
        spoiled=None if again is None or again.passed is None else not again.passed,
        invalid=tuple(_reasons(episode)) if started.value else (),
        climb=climb_of(episode),
    )


def ended_row(name: str, started: EpisodeStarted, done: EpisodeFinished) -> EpisodeRow:
    """What is told of an episode by its beginning and its end alone."""
    return EpisodeRow(
        episode=name,
        task=started.task,
        instance=started.instance,
        variant=started.variant,
        repeat=started.repeat,
        status=done.status,
        score=done.score,
        passed=done.passed,
        iterations=done.iterations,
        rule=done.rule,
        model_calls=done.model_calls,
        usage=done.usage,
        cost_usd=None if done.cost_usd is None else Decimal(done.cost_usd),
        seconds=done.seconds,
        failure=done.failure,
        judged=(),
        graded=(),
        value=done.value,
        valued=started.value,
        threshold=started.threshold,
        images=done.images,
    )


def _reasons(episode: EpisodeRecord) -> Iterable[str]:
    """Why each candidate has no value, in a line; none if any candidate has one."""
    turns = [one for one in episode.iterations.values() if one.proposed is not None]
    if any(one.value is not None for one in turns):
        return
    for one in turns:
        failed = one.judged.verdict.failed if one.judged else ()
        why = (one.proposed.problem if one.proposed else "") or next((check.evidence for check in failed), "")
        if lines := why.strip().splitlines():
            yield cut_middle(lines[0], _REASON)


def _failing(episode: EpisodeRecord) -> tuple[Check, ...]:
    """The checks that the answer did not pass: by its grade, or by the loop where it has none."""
    number = episode.finished.answer_iteration if episode.finished else None
    if number is None:
        return ()
    answer = episode.iterations[number]
    said = answer.graded or answer.judged
    failed = said.verdict.failed if said else ()
    return tuple(one.model_copy(update={"evidence": cut_middle(one.evidence, _EVIDENCE)}) for one in failed)


def _cost(episode: EpisodeRecord) -> Decimal | None:
    """What an episode cost; None where a model has no price, or is not called yet."""
    if done := episode.finished:
        return None if done.cost_usd is None else Decimal(done.cost_usd)
    return episode.spent.cost_usd if episode.spent.calls or episode.spent.images else None


def _turns(episode: EpisodeRecord, *, graded: bool) -> tuple[Transition, ...]:
    """Refinements along the tree: each candidate against the one it was made from."""
    turns = []
    for number, turn in sorted(episode.iterations.items()):
        if turn.parent not in episode.iterations:
            continue
        before, after = (episode.right(one, graded=graded) for one in (turn.parent, number))
        if before is not None and after is not None:
            cost = turn.spent.cost_usd
            turns.append(Transition(number, before, after, float(cost) if cost is not None else None))
    return tuple(turns)
