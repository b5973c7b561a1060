"""`atif`: trajectories in the Agent Trajectory Interchange Format, version 1.8, a file per episode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

from loopwright._version import __version__
from loopwright.export._chat_messages import first_prompt
from loopwright.export._format import ExportOptions, ExportResult, file_name, json_bytes, timestamp
from loopwright.export._source import RunSource
from loopwright.record import CallRecord, EpisodeRecord, IterationRecord
from loopwright.text import counted
from loopwright.types import FunctionCall, Message, Usage, Verdict

SCHEMA = "ATIF-v1.8"

_Json = dict[str, Any]


class AtifFormat:
    """Trajectories that Harbor's viewer and the tools that read its format open."""

    about = (
        "A file per episode, also per one that infrastructure failed: its steps, with scores and decisions in `extra`."
    )

    def write(self, run: RunSource, output: Path, options: ExportOptions) -> ExportResult:
        """Writes a JSON file per episode.

        Raises:
            StoreError: The record is damaged.
            UserError: The options are those of rows.
        """
        options.refuse_rows("atif")
        files = []
        for number, episode in enumerate(run.episodes):
            path = output / f"{file_name(number, episode.id)}.json"
            path.write_bytes(json_bytes(trajectory(run.manifest.id, episode), indent=1))
            files.append(path)
        return ExportResult(tuple(files), len(files))


ATIF = AtifFormat()


def trajectory(run: str, episode: EpisodeRecord) -> _Json:
    """One episode as ATIF 1.8 has it.

    The proposer's replies, the checks and the decisions are steps of the trajectory. Verifiers and critics that asked
    a model are sub-agents with trajectories of their own, which the steps refer to. Checks without a model are agent
    steps with `llm_call_count` 0.

    Raises:
        ValueError: The episode never started.
    """
    if (started := episode.started) is None:
        raise ValueError(f"the episode {episode.id} never started")
    steps = _Steps()
    if not any(started.goal in message.content for message in first_prompt(episode)):
        steps.add("user", started.goal, time=episode.begun)
    helpers: list[_Json] = []
    for iteration in episode.iterations.values():
        _tell(episode, iteration, steps, helpers)
    ended = episode.finished
    extra = {
        "run": run,
        **started.model_dump(
            mode="json", include={"task", "instance", "variant", "strategy", "models", "repeat", "seed"}
        ),
        "status": ended.status if ended else "unfinished",
        "score": ended.score if ended else None,
        "value": ended.value if ended else None,
        "passed": ended.passed if ended else None,
        "answer_iteration": ended.answer_iteration if ended else None,
        # The message of a failed verifier may quote what hidden tests ask for.
        "failure": ended.failure.model_dump(mode="json", include={"cause", "error"})
        if ended and ended.failure
        else None,
    }
    found: _Json = {
        "schema_version": SCHEMA,
        "session_id": run,
        "trajectory_id": episode.id,
        "agent": {"name": "loopwright", "version": __version__, **_named(started.models.get("proposer"))},
        "steps": steps.made,
        "extra": {"loopwright": extra},
    }
    if ended:
        found["final_metrics"] = {
            **_totals(ended.usage, "total_"),
            "total_steps": len(steps.made),
            **({"total_cost_usd": float(ended.cost_usd)} if ended.cost_usd is not None else {}),
        }
    if helpers:
        found["subagent_trajectories"] = helpers
    return found


@dataclass(slots=True)
class _Steps:
    made: list[_Json] = field(default_factory=list)
    asked: tuple[Message, ...] = ()
    """What the model was asked before; what the next request repeats of it is not written again."""

    def add(self, source: str, message: str, *, time: str, **more: Any) -> _Json:
        known = {name: value for name, value in more.items() if value not in (None, [], {})}
        step = {
            "step_id": len(self.made) + 1,
            "timestamp": timestamp(time),
            "source": source,
            "message": message,
            **known,
        }
        self.made.append(step)
        return step


def _tell(episode: EpisodeRecord, one: IterationRecord, steps: _Steps, helpers: list[_Json]) -> None:
    calls = episode.calls.of(one.number) if episode.calls else ()
    asked = [call for call in calls if call.role == "proposer"]
    for call in asked:
        _ask(call, steps)
    if one.proposed is not None and not asked:
        made = json_bytes(one.proposed.candidate.model_dump(mode="json")).decode() if one.proposed.candidate else ""
        steps.add("agent", made or one.proposed.problem, time=one.time, llm_call_count=0)
    if one.observed is not None and one.observed.observation.text and steps.made[-1]["source"] == "agent":
        calls_made = steps.made[-1].get("tool_calls") or [{}]
        result = {"source_call_id": calls_made[0].get("tool_call_id"), "content": one.observed.observation.text}
        steps.made[-1]["observation"] = {
            "results": [{key: value for key, value in result.items() if value is not None}]
        }
    if one.judged is not None and not one.judged.verdict.blank:
        _judge(one.judged.verdict, one, calls, steps, helpers)
    if one.critiqued is not None:
        said = steps.add("agent", one.critiqued.feedback, time=one.time, llm_call_count=0)
        said["extra"] = {"loopwright": {"role": "critic", "iteration": one.number, "critic": one.critiqued.critic}}
        _refer(said, "critic", [call for call in calls if call.node == "critique"], helpers)
    if one.decided is not None:
        decided = one.decided.model_dump(mode="json", include={"decision", "rule", "target"})
        steps.add("system", one.decided.why, time=one.time, extra={"loopwright": {"iteration": one.number, **decided}})
    if one.graded is not None:
        # Of a hidden check the name and the evidence may tell what it asks for, so only the score is told.
        graded = {"iteration": one.number, "score": one.graded.score, "passed": one.graded.passed}
        told = f"Graded by the hidden checks: {one.graded.score:.3f}"
        steps.add("system", told, time=one.time, extra={"loopwright": {"graded": graded}})


def _ask(call: CallRecord, steps: _Steps) -> None:
    asked = call.request.messages
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(steps.asked, asked, strict=False)))
    steps.asked = asked
    for message in asked[same:]:
        if message.role in ("system", "user"):
            steps.add(message.role, message.content, time=call.time)
    if call.reply is None:
        return
    steps.add(
        "agent",
        call.reply.text,
        time=call.time,
        model_name=call.request.model,
        reasoning_content=call.reply.reasoning or None,
        tool_calls=[_tool_call(one) for one in call.reply.tool_calls],
        metrics=_metrics(call),
        llm_call_count=1,
        extra={"loopwright": {"role": call.role, "iteration": call.iteration, "finish": call.reply.finish}},
    )


def _judge(
    verdict: Verdict, one: IterationRecord, calls: Sequence[CallRecord], steps: _Steps, helpers: list[_Json]
) -> None:
    passed = sum(check.passed for check in verdict.checks)
    step = steps.add(
        "agent",
        verdict.summary or f"{passed} of {counted(len(verdict.checks), 'check')} pass",
        time=one.time,
        llm_call_count=0,
        observation={
            "results": [{"content": f"{check.name}: {check.score:g} {check.evidence}"} for check in verdict.checks]
        }
        if verdict.checks
        else None,
        extra={
            "loopwright": {
                "role": "verifier",
                "iteration": one.number,
                "score": verdict.score,
                "passed": verdict.passed,
            }
        },
    )
    _refer(step, "verifier", [call for call in calls if call.node == "verify"], helpers)


def _refer(step: _Json, role: str, calls: Sequence[CallRecord], helpers: list[_Json]) -> None:
    """Embeds the model calls of a role as a sub-agent, and has the step refer to it."""
    if not calls:
        return
    steps = _Steps()
    for call in calls:
        _ask(call, steps)
    name = f"{role}-{step['step_id']}"
    helpers.append(
        {
            "schema_version": SCHEMA,
            "trajectory_id": name,
            "agent": {"name": role, "version": __version__, **_named(calls[0].request.model)},
            "steps": steps.made,
        }
    )
    results = step.setdefault("observation", {"results": []})["results"]
    results.append({"subagent_trajectory_ref": [{"trajectory_id": name}]})


def _tool_call(call: FunctionCall) -> _Json:
    try:
        arguments: Mapping[str, Any] = call.parsed
    except ValueError:
        arguments = {"unreadable": call.arguments}
    return {"tool_call_id": call.id, "function_name": call.name, "arguments": dict(arguments)}


def _metrics(call: CallRecord) -> _Json:
    if call.reply is None:
        return {}
    cost = call.reply.cost_usd
    return {**_totals(call.reply.usage, ""), **({} if cost is None else {"cost_usd": float(cost)})}


def _totals(usage: Usage, prefix: str) -> _Json:
    return {
        f"{prefix}prompt_tokens": usage.input + usage.cache_read + usage.cache_write,
        f"{prefix}completion_tokens": usage.output,
        f"{prefix}cached_tokens": usage.cache_read,
    }


def _named(model: str | None) -> _Json:
    return {"model_name": model} if model else {}
