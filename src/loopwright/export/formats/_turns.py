"""`turns`: conversations of agents that act, with credit for each turn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict

from loopwright.environments import action_of
from loopwright.export._chat_messages import ChatMessage, acts, conversation, first_prompt, shows_pictures
from loopwright.export._source import RunSource
from loopwright.export._training import LeftOut, Origin, TrainingFormat, TrainingRow
from loopwright.export.formats._matching import TracedCall, advantages, hard_credit, similarity, soft_credit
from loopwright.record import EpisodeRecord


class CreditedTurn(BaseModel):
    """A turn with what it is worth."""

    model_config = ConfigDict(frozen=True)

    action: str
    hard: float
    """Similarity with its partner in the optimal one-to-one matching with the reference; 0 without a partner."""
    soft: float
    """The same by optimal transport; at most 1 / turns."""
    advantage: float
    """Of the turn in its group, from `hard`: mean of the episode's and the turn's z-scores."""


class TurnRow(TrainingRow):
    """An episode of an agent that acts."""

    messages: tuple[ChatMessage, ...]
    turns: tuple[CreditedTurn, ...]
    reference: str
    """The episode whose actions are the reference: of those of the instance that passed, the one with fewest turns."""
    score: float

    @property
    def content(self) -> object:
        """All of it: equal replies of a group count as often as they were given."""
        return self.model_dump(mode="json")


@dataclass(slots=True)
class _Instance:
    """What the episodes of an instance did."""

    actions: dict[str, list[str]] = field(default_factory=dict)
    """Episode to its actions."""
    passed: list[str] = field(default_factory=list)
    groups: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Variant to its episodes."""

    @property
    def reference(self) -> str | None:
        """The episode with the fewest actions of those that passed; the first of equals."""
        return min(self.passed, key=lambda name: len(self.actions[name]), default=None)


def _rows(run: RunSource) -> Iterator[TurnRow | LeftOut]:
    credited = {name: turns for instance in _instances(run) for name, turns in _credited(instance).items()}
    for episode in run.scored:
        if not _actions(episode):
            yield LeftOut("the agent does not act in turns")
        elif episode.id not in credited:
            yield LeftOut("no episode of the instance passed, so there is no reference")
        else:
            yield _row(run.manifest.id, episode, *credited[episode.id])


def _row(run: str, episode: EpisodeRecord, reference: str, turns: tuple[CreditedTurn, ...]) -> TurnRow | LeftOut:
    if not (prompt := first_prompt(episode)):
        return LeftOut("no chat model wrote the actions")
    if shows_pictures(prompt):
        return LeftOut("the prompt shows pictures")
    score = episode.finished.score if episode.finished else None
    return TurnRow(
        origin=Origin.of(run, episode),
        messages=conversation(episode),
        turns=turns,
        reference=reference,
        score=score or 0.0,
    )


def _actions(episode: EpisodeRecord) -> list[str]:
    """The actions of an agent that acts, in order; none for other strategies."""
    candidates = [attempt.candidate for attempt in episode] if acts(episode) else []
    return [action_of(candidate.text) for candidate in candidates if candidate and candidate.text]


def _instances(run: RunSource) -> list[_Instance]:
    found: dict[tuple[str, str], _Instance] = defaultdict(_Instance)
    for episode in run.scored:
        if (started := episode.started) is not None and (actions := _actions(episode)):
            instance = found[started.task, started.instance]
            instance.actions[episode.id] = actions
            instance.groups[started.variant].append(episode.id)
            if episode.finished and episode.finished.passed:
                instance.passed.append(episode.id)
    return list(found.values())


def _credited(instance: _Instance) -> dict[str, tuple[str, tuple[CreditedTurn, ...]]]:
    """Episode to its reference and its turns; empty without a reference."""
    if (reference := instance.reference) is None:
        return {}
    true = [TracedCall.of_action(action) for action in instance.actions[reference]]
    found = {}
    for group in instance.groups.values():
        matrices = [
            [[similarity(TracedCall.of_action(action), one) for one in true] for action in instance.actions[name]]
            for name in group
        ]
        hard = [hard_credit(matrix) for matrix in matrices]
        for name, matrix, credits, gains in zip(group, matrices, hard, advantages(hard), strict=True):
            told = zip(instance.actions[name], credits, soft_credit(matrix), gains, strict=True)
            turns = [CreditedTurn(action=one, hard=h, soft=s, advantage=gain) for one, h, s, gain in told]
            found[name] = (reference, tuple(turns))
    return found


TURNS = TrainingFormat(
    "A row is the conversation of an agent that acts in turns, with credit for each turn: how like its action is to the"
    " one that an optimal matching gives it in the shortest episode of the same instance that passed.",
    TurnRow,
    _rows,
)
