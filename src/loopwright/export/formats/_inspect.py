"""`inspect`: logs that Inspect View opens, a file per task and variant; iterations are spans, repeats are epochs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopwright.errors import MissingExtra
from loopwright.export._format import ExportOptions, ExportResult, file_name, timestamp
from loopwright.export._source import RunSource
from loopwright.record import CallRecord, EpisodeRecord, IterationRecord
from loopwright.text import printable_line
from loopwright.types import FunctionCall, Message, Usage

if TYPE_CHECKING:
    from inspect_ai.event import Event
    from inspect_ai.log import EvalLog, EvalSample
    from inspect_ai.model import ChatMessage, ChatMessageAssistant, ModelOutput, ModelUsage
    from inspect_ai.tool import ToolCall

SCORER = "loopwright"


class InspectFormat:
    """Logs of Inspect, written by Inspect itself: extra `inspect`."""

    about = (
        "A `.eval` log per task and variant; an episode is a sample, and one that infrastructure failed has no score."
    )

    def write(self, run: RunSource, output: Path, options: ExportOptions) -> ExportResult:
        """Writes the logs.

        Raises:
            MissingExtra: The extra is not installed.
            StoreError: The record is damaged.
            UserError: The options are those of rows.
        """
        options.refuse_rows("inspect")
        try:
            from inspect_ai.log import write_eval_log
        except ImportError:
            raise MissingExtra(
                "logs of Inspect need inspect-ai", remedy="Run: pip install 'loopwright[inspect]'"
            ) from None
        logs: dict[tuple[str, str], list[EvalSample]] = defaultdict(list)
        for episode in run.episodes:
            if episode.started is not None and episode.finished is not None:
                logs[episode.started.task, episode.started.variant].append(_sample(episode))
        files = []
        for number, ((task, variant), samples) in enumerate(sorted(logs.items())):
            path = output / f"{file_name(number, f'{task}-{variant}')}.eval"
            # Where an event loop runs, Inspect would patch asyncio for the whole process: it gets a thread without one.
            with ThreadPoolExecutor(max_workers=1) as thread:
                thread.submit(write_eval_log, _log(run, task, variant, samples), str(path)).result()
            files.append(path)
        return ExportResult(tuple(files), sum(len(samples) for samples in logs.values()))


INSPECT = InspectFormat()


def _log(run: RunSource, task: str, variant: str, samples: list[EvalSample]) -> EvalLog:
    from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalMetric, EvalResults, EvalScore, EvalSpec, EvalStats

    values = [_number(sample) for sample in samples if sample.scores]
    metrics = {}
    if values:
        mean = sum(values) / len(values)
        metrics = {"mean": EvalMetric(name="mean", value=mean)}
    score = EvalScore(name=SCORER, scorer=SCORER, scored_samples=len(values), metrics=metrics)
    ids = list(dict.fromkeys(str(sample.id) for sample in samples))
    spec = EvalSpec(
        run_id=run.manifest.id,
        created=timestamp(run.manifest.created),
        task=task,
        dataset=EvalDataset(name=task, samples=len(ids), sample_ids=ids),
        model=str(samples[0].metadata["models"].get("proposer") or "none"),
        config=EvalConfig(epochs=max(sample.epoch for sample in samples)),
        packages={"loopwright": run.manifest.loopwright},
        solver=variant,
        metadata={"variant": variant},
    )
    return EvalLog(
        status="success" if all(sample.error is None for sample in samples) else "error",
        eval=spec,
        results=EvalResults(total_samples=len(samples), completed_samples=len(values), scores=[score]),
        stats=EvalStats(started_at=timestamp(run.manifest.created), completed_at=str(samples[-1].completed_at or "")),
        samples=samples,
    )


def _number(sample: EvalSample) -> float:
    found = (sample.scores or {})[SCORER].value
    return float(found) if isinstance(found, int | float) else 0.0


def _sample(episode: EpisodeRecord) -> EvalSample:
    from inspect_ai.log import EvalError, EvalSample
    from inspect_ai.scorer import Score

    started, ended = episode.started, episode.finished
    if started is None or ended is None:
        raise ValueError(f"the episode {episode.id} has not ended")
    best = ended.answer_iteration
    answer = _answer(episode, best)
    metadata = {
        **started.model_dump(mode="json", include={"instance", "variant", "strategy", "models", "seed"}),
        "rule": ended.rule,
        "iterations": ended.iterations,
        "value": ended.value,
        "cost_usd": ended.cost_usd,
    }
    explanation = f"stopped by {ended.rule}" if ended.rule else None
    score = {
        "value": ended.score or 0.0,
        "answer": answer,
        "explanation": explanation,
        "metadata": {"passed": ended.passed},
    }
    failure = ended.failure
    last = _last_call(episode, best)
    return EvalSample(
        id=printable_line(started.instance),
        epoch=started.repeat + 1,
        input=started.goal,
        target="",
        messages=_messages(last) if last else [],
        **({"output": _output(last)} if last else {}),
        scores={SCORER: Score(**score)} if ended.status == "scored" else None,
        metadata=metadata,
        events=list(_events(episode)),
        model_usage={model: _usage(usage) for model, usage in _by_model(episode).items()},
        started_at=timestamp(episode.begun),
        total_time=ended.seconds,
        working_time=ended.working_seconds,
        uuid=episode.id,
        # Its message may quote what hidden tests ask for.
        error=EvalError(message=f"{failure.error} ({failure.cause})", traceback="", traceback_ansi="")
        if failure
        else None,
    )


def _answer(episode: EpisodeRecord, best: int | None) -> str:
    candidate = episode[best].candidate if best is not None else None
    if candidate is None:
        return ""
    return candidate.text or "\n\n".join(f"# {path}\n{text}" for path, text in candidate.files.items())


def _last_call(episode: EpisodeRecord, best: int | None) -> CallRecord | None:
    """The proposer's call that made the answer; without an answer its last one."""
    calls = [call for call in episode.calls or () if call.role == "proposer" and call.reply is not None]
    return next((call for call in reversed(calls) if best is None or call.iteration == best), None)


def _by_model(episode: EpisodeRecord) -> dict[str, Usage]:
    found: dict[str, Usage] = defaultdict(Usage)
    for call in episode.calls or ():
        if call.reply is not None:
            found[call.request.model] += call.reply.usage
    return found


def _events(episode: EpisodeRecord) -> Iterator[Event]:
    from inspect_ai.event import InfoEvent, ScoreEvent, SpanBeginEvent, SpanEndEvent
    from inspect_ai.scorer import Score

    for call in episode.calls or ():
        if call.iteration is None and call.node != "grade":
            yield _model_event(call, None)
    for one in episode.iterations.values():
        span, when = f"{episode.id}:{one.number}", datetime.fromisoformat(timestamp(one.time))
        yield SpanBeginEvent(id=span, name=f"iteration {one.number}", type="iteration", timestamp=when, span_id=span)
        for call in episode.calls.of(one.number) if episode.calls else ():
            if call.node != "grade":
                yield _model_event(call, span)
        if (told := _told(one)) is not None:
            yield InfoEvent(source="loopwright", data=told, timestamp=when, span_id=span)
        if one.judged is not None and not one.judged.verdict.blank:
            checks = {check.name: check.score for check in one.judged.verdict.checks}
            score = Score(value=one.judged.score, explanation=one.judged.verdict.summary, metadata={"checks": checks})
            yield ScoreEvent(score=score, intermediate=True, scorer="visible checks", timestamp=when, span_id=span)
        if one.graded is not None:
            score = Score(value=one.graded.score, metadata={"passed": one.graded.passed})
            yield ScoreEvent(score=score, intermediate=True, scorer="hidden checks", timestamp=when, span_id=span)
        yield SpanEndEvent(id=span, timestamp=when, span_id=span)


def _told(one: IterationRecord) -> dict[str, Any] | None:
    found = {
        "problem": one.proposed.problem if one.proposed else "",
        "observation": one.observed.observation.text if one.observed else "",
        "critique": one.critiqued.feedback if one.critiqued else "",
        "decision": f"{one.decided.decision}: {one.decided.why}" if one.decided else "",
    }
    return {name: text for name, text in found.items() if text} or None


def _model_event(call: CallRecord, span: str | None) -> Event:
    from inspect_ai.event import ModelEvent
    from inspect_ai.model import GenerateConfig

    sampling = call.request.sampling
    config = GenerateConfig(temperature=sampling.temperature, top_p=sampling.top_p, max_tokens=sampling.max_tokens)
    return ModelEvent(
        model=call.request.model,
        role=call.role,
        input=[_message(message) for message in call.request.messages],
        tools=[],
        tool_choice="auto",
        config=config,
        output=_output(call),
        retries=len(call.failures) or None,
        error=call.failures[-1].error if call.failures and call.reply is None else None,
        timestamp=datetime.fromisoformat(timestamp(call.time)),
        working_time=call.finished.seconds if call.finished else None,
        span_id=span,
    )


def _output(call: CallRecord) -> ModelOutput:
    from inspect_ai.model import ChatCompletionChoice, ModelOutput

    if (reply := call.reply) is None:
        return ModelOutput(model=call.request.model)
    ends = {"stop": "stop", "length": "max_tokens", "refusal": "content_filter"}
    message = _assistant(reply.message, reply.reasoning)
    choice = ChatCompletionChoice(message=message, stop_reason=ends.get(reply.finish, "unknown"))
    return ModelOutput(model=reply.model, choices=[choice], usage=_usage(reply.usage), time=reply.seconds)


def _messages(call: CallRecord) -> list[ChatMessage]:
    asked = [_message(message) for message in call.request.messages]
    return [*asked, _assistant(call.reply.message, call.reply.reasoning)] if call.reply else asked


def _message(message: Message) -> ChatMessage:
    from inspect_ai.model import ChatMessageSystem, ChatMessageTool, ChatMessageUser

    match message.role:
        case "system":
            return ChatMessageSystem(content=message.content)
        case "user":
            return ChatMessageUser(content=message.content)
        case "tool":
            return ChatMessageTool(content=message.content, tool_call_id=message.call_id)
        case "assistant":
            return _assistant(message, "")


def _assistant(message: Message, reasoning: str) -> ChatMessageAssistant:
    from inspect_ai.model import ChatMessageAssistant, ContentReasoning, ContentText

    calls = [_tool_call(call) for call in message.tool_calls] or None
    if not reasoning:
        return ChatMessageAssistant(content=message.content, tool_calls=calls)
    parts = [ContentReasoning(reasoning=reasoning), ContentText(text=message.content)]
    return ChatMessageAssistant(content=parts, tool_calls=calls)


def _tool_call(call: FunctionCall) -> ToolCall:
    from inspect_ai.tool import ToolCall

    try:
        return ToolCall(id=call.id, function=call.name, arguments=dict(call.parsed))
    except ValueError as error:
        return ToolCall(id=call.id, function=call.name, arguments={}, parse_error=str(error))


def _usage(usage: Usage) -> ModelUsage:
    from inspect_ai.model import ModelUsage

    return ModelUsage(
        input_tokens=usage.input,
        output_tokens=usage.output,
        total_tokens=usage.total,
        input_tokens_cache_write=usage.cache_write,
        input_tokens_cache_read=usage.cache_read,
    )
