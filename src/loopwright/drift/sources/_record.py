"""Interactions from the record of a run: one per iteration, told when its episode is over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from loopwright.drift._observation import Interaction, ToolCall
from loopwright.record import EpisodeRecord, IterationRecord
from loopwright.store import (
    IDEMPOTENCE,
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
class _Traces:
    """What an iteration left beside its parts, in the order of its events."""

    time: str
    steps: list[str] = field(default_factory=list)
    tools: list[ToolCall] = field(default_factory=list)
    votes: list[bool] = field(default_factory=list)
    replies: int = 0
    tokens: int | None = None
    error: str = ""


@dataclass(slots=True)
class _Episode:
    record: EpisodeRecord = field(default_factory=EpisodeRecord)
    traces: dict[int, _Traces] = field(default_factory=dict)


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
        name = event.episode
        if name is None:
            continue
        if isinstance(event.data, EpisodeStarted):
            episodes[name] = _Episode()
            episodes[name].record.apply(event)
            continue
        if name not in episodes:
            continue
        episode = episodes[name]
        episode.record.apply(event)
        if isinstance(event.data, EpisodeFinished):
            yield from _told(f"{run}/{name}" if run else name, episodes.pop(name))
            continue
        if (event.node or "").startswith(IDEMPOTENCE):
            continue  # after the loop, and no part of what the agent is watched for
        at = event.data.candidate_iteration if isinstance(event.data, Graded) else event.iteration
        if at is not None:
            _gather(episode.traces.setdefault(at, _Traces(event.time)), event)


def _gather(traces: _Traces, event: Event) -> None:
    match event.data:
        case CallIntended() as data:
            traces.tools.append(_call(data, event.node or ""))
        case CallFinished() as data:
            traces.replies += data.kind == "model"
            if data.kind == "model" and event.node == "propose":
                traces.tokens = (traces.tokens or 0) + _output_tokens(data.result)
        case Proposed() as data:
            traces.error = traces.error or data.problem
            traces.steps.append("propose" if data.candidate is not None else "propose: nothing")
            if words := data.candidate.text.split(maxsplit=1) if data.candidate else []:
                traces.tools.append(ToolCall(f"action: {words[0][:40].lower()}"))
        case Observed():
            traces.steps.append("act")
        case Judged() as data:
            traces.votes.append(data.passed)
            traces.steps.append("verify: passed" if data.passed else "verify: failed")
        case Critiqued() as data:
            traces.votes.append(data.decision == "stop")
            traces.steps.append(f"critique: {data.decision}")
        case Decided() as data:
            traces.steps.append(f"decide: {data.decision}")
        case Graded() as data:
            traces.votes.append(data.passed)
        case Failed() as data if event.node != "critique":
            traces.error = traces.error or data.error


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
    started = episode.record.started
    if started is None:
        return
    humans = {role for role, model in started.models.items() if model.startswith("human/")}
    for number, traces in sorted(episode.traces.items()):
        one = episode.record.iterations.get(number) or IterationRecord(number, traces.time)
        if not one.begun and episode.record.stop_rule and not traces.error:
            continue  # drawn beside a candidate that stopped the loop: nobody looked at it
        judged = one.judged
        yield Interaction(
            id=f"{name}/{number}",
            time=traces.time,
            task=started.task,
            agent=started.models.get("proposer", started.variant),
            output=_output(one.attempt.candidate or Candidate()),
            steps=tuple(traces.steps),
            confidence=judged.score if judged and one.graded else None,
            correct=one.graded.passed if one.graded else None,
            tools=tuple(traces.tools),
            votes=tuple(traces.votes),
            messages=traces.replies if judged and judged.best else None,
            length=traces.tokens,
            error=traces.error,
            override="critic" in humans and one.critiqued is not None if humans else None,
        )


def _output(candidate: Candidate) -> str:
    files = candidate.files
    return (candidate.text or "\n".join(f"{name}\n{files[name]}" for name in sorted(files)))[:_TEXT]
