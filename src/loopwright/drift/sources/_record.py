"""Interactions from the record of a run: one per iteration, told when its episode is over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from loopwright.drift._observation import Interaction, ToolCall
from loopwright.store import (
    CallFinished,
    CallIntended,
    Critiqued,
    Decided,
    EpisodeFinished,
    EpisodeStarted,
    Event,
    Failed,
    Graded,
    Judged,
    Observed,
    Proposed,
)
from loopwright.types import Candidate

_TEXT = 4000


@dataclass(slots=True)
class _Turn:
    """What is gathered of an iteration."""

    time: str = ""
    output: str = ""
    steps: list[str] = field(default_factory=list)
    tools: list[ToolCall] = field(default_factory=list)
    votes: list[bool] = field(default_factory=list)
    visible: float | None = None
    graded: bool | None = None
    replies: int = 0
    tokens: int | None = None
    accepted: bool = False
    error: str = ""
    override: bool | None = None


@dataclass(slots=True)
class _Episode:
    started: EpisodeStarted
    turns: dict[int, _Turn] = field(default_factory=dict)


def observations(events: Iterable[Event], run: str = "") -> Iterator[Interaction]:
    """Turns a run's events into interactions.

    Each iteration is one. What feeds what: the candidate the output; the kinds of events and decisions in their order
    the pathway; the visible score, where something hidden is graded too, the confidence, and the grade whether it was
    right; model and sandbox calls and the action's first word the tools; verifier, critic and grader the votes;
    replies until a candidate that is the best so far the messages of a hand-off; what a human critic or judge said
    the overrides.

    Args:
        events: From `loopwright.store.read_run`; the run may be live, then episodes under way are left out.
        run: The run's id, where several runs make one session: their episodes may have the same names.
    """
    episodes: dict[str, _Episode] = {}
    for event in events:
        if event.episode is None:
            continue
        if isinstance(event.data, EpisodeStarted):
            episodes[event.episode] = _Episode(event.data)
            continue
        episode = episodes.get(event.episode)
        if episode is None:
            continue
        if isinstance(event.data, EpisodeFinished):
            name = f"{run}/{event.episode}" if run else event.episode
            yield from _told(name, episodes.pop(event.episode))
            continue
        at = event.data.candidate_iteration if isinstance(event.data, Graded) else event.iteration
        if at is not None:
            _gather(episode.turns.setdefault(at, _Turn()), event, episode.started)


def _gather(turn: _Turn, event: Event, started: EpisodeStarted) -> None:
    data = event.data
    turn.time = turn.time or event.time
    match data:
        case CallIntended():
            turn.tools.append(_call(data, event.node or ""))
        case CallFinished():
            turn.replies += data.kind == "model"
            if data.kind == "model" and event.node == "propose":
                turn.tokens = (turn.tokens or 0) + _output_tokens(data.result)
        case Proposed():
            candidate = data.candidate or Candidate()
            files = candidate.files
            turn.output = (candidate.text or "\n".join(f"{n}\n{files[n]}" for n in sorted(files)))[:_TEXT]
            turn.error = turn.error or data.problem
            turn.steps.append("propose" if data.candidate is not None else "propose: nothing")
            if words := candidate.text.split(maxsplit=1):
                turn.tools.append(ToolCall(f"action: {words[0][:40].lower()}"))
        case Observed():
            turn.steps.append("act")
        case Judged():
            turn.visible, turn.accepted = data.score, data.best
            turn.votes.append(data.passed)
            turn.steps.append("verify: passed" if data.passed else "verify: failed")
        case Critiqued():
            turn.steps.append(f"critique: {data.decision}")
            turn.votes.append(data.decision == "stop")
            if started.models.get("critic", "").startswith("human/"):
                turn.override = True
        case Decided():
            turn.steps.append(f"decide: {data.decision}")
        case Graded():
            turn.graded = data.passed
            turn.votes.append(data.passed)
        case Failed():
            turn.error = turn.error or data.error
        case _:
            pass


def _call(data: CallIntended, node: str) -> ToolCall:
    request = data.request
    params: dict[str, object] = {name: request[name] for name in ("model", "argv") if request.get(name)}
    sampling = request.get("sampling")
    if isinstance(sampling, Mapping):
        params |= {name: value for name, value in sampling.items() if value is not None and name != "seed"}
    return ToolCall(f"{data.kind}: {node}" if node else data.kind, params)


def _output_tokens(result: Mapping[str, Any] | None) -> int:
    usage = (result or {}).get("usage")
    tokens = usage.get("output") if isinstance(usage, Mapping) else None
    return tokens if isinstance(tokens, int) else 0


def _told(name: str, episode: _Episode) -> Iterator[Interaction]:
    started = episode.started
    human = any(model.startswith("human/") for model in started.models.values())
    for number, turn in sorted(episode.turns.items()):
        yield Interaction(
            id=f"{name}/{number}",
            time=turn.time,
            task=started.task,
            agent=started.models.get("proposer", started.variant),
            output=turn.output,
            steps=tuple(turn.steps),
            confidence=None if turn.graded is None else turn.visible,
            correct=turn.graded,
            tools=tuple(turn.tools),
            votes=tuple(turn.votes),
            messages=turn.replies if turn.accepted else None,
            length=turn.tokens,
            error=turn.error,
            override=bool(turn.override) if human else None,
        )
