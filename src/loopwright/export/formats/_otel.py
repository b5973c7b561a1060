"""`otel`: OpenTelemetry spans by the conventions for generative AI, as OTLP in JSON lines: a trace per episode."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

from loopwright._version import __version__
from loopwright.export._chat_messages import acts, proposing_call
from loopwright.export._format import ExportOptions, ExportResult, json_bytes, timestamp
from loopwright.export._source import RunSource
from loopwright.record import CallRecord, EpisodeRecord, IterationRecord
from loopwright.text import encodable
from loopwright.types import Message

_INTERNAL, _CLIENT = 1, 3
_ERROR = 2
_Json = dict[str, Any]


class OtelFormat:
    """Spans as collectors of OpenTelemetry read them, from a file or over HTTP."""

    about = "A line per episode, also per one that infrastructure failed; prompts and replies with `content` alone."

    def write(self, run: RunSource, output: Path, options: ExportOptions) -> ExportResult:
        """Writes `traces.jsonl`; each line is a request of OTLP/HTTP.

        Raises:
            StoreError: The record is damaged.
            UserError: The options are those of rows.
        """
        options.refuse_rows("otel")
        path, entries = output / "traces.jsonl", 0
        with path.open("wb") as file:
            for episode in run.episodes:
                spans = EpisodeTrace(run.manifest.id, episode, options.content).spans()
                file.write(trace_request(list(spans)) + b"\n")
                entries += 1
        return ExportResult((path,), entries)


OTEL = OtelFormat()


def trace_request(spans: Sequence[_Json]) -> bytes:
    """A request of OTLP/HTTP in JSON that holds some spans."""
    scope = {"scope": {"name": "loopwright", "version": __version__}, "spans": spans}
    resource = {"attributes": _attributes({"service.name": "loopwright", "service.version": __version__})}
    return json_bytes({"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}]})


@dataclass(frozen=True, slots=True)
class EpisodeTrace:
    """The spans of an episode."""

    run: str
    episode: EpisodeRecord
    content: bool

    def spans(self) -> Iterator[_Json]:
        """The episode, its model calls, and the actions that its environment executed."""
        yield self._episode()
        for number, call in enumerate(self.episode.calls or ()):
            yield self.chat(call, number)
        yield from self.tools(self.episode.iterations.values())

    def tools(self, iterations: Iterable[IterationRecord]) -> Iterator[_Json]:
        """The actions of some iterations that the environment executed; none where the agent does not act."""
        if acts(self.episode):
            for one in iterations:
                if one.observed is not None:
                    yield self._tool(one)

    def _span(self, name: str, label: str, kind: int, begun: int, seconds: float, about: Mapping[str, Any]) -> _Json:
        trace = sha256(f"{self.run}\n{self.episode.id}".encode("utf-8", "backslashreplace"))
        own = trace.copy()
        own.update(label.encode())
        root = trace.copy()
        root.update(b"episode")
        return {
            "traceId": trace.hexdigest()[:32],
            "spanId": own.hexdigest()[:16],
            **({} if label == "episode" else {"parentSpanId": root.hexdigest()[:16]}),
            "name": encodable(name),
            "kind": kind,
            "startTimeUnixNano": str(begun),
            "endTimeUnixNano": str(begun + round(seconds * 1e9)),
            "attributes": _attributes(about),
            **({"status": {"code": _ERROR}} if about.get("error.type") else {}),
        }

    def _episode(self) -> _Json:
        started, ended = self.episode.started, self.episode.finished
        about = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": started.strategy if started else "",
            "gen_ai.conversation.id": self.episode.id,
            "gen_ai.usage.input_tokens": ended.usage.input + ended.usage.cache_read + ended.usage.cache_write
            if ended
            else None,
            "gen_ai.usage.output_tokens": ended.usage.output if ended else None,
            "error.type": ended.failure.error if ended and ended.failure else None,
            **{f"loopwright.{name}": value for name, value in self._named().items()},
        }
        span = self._span(
            f"invoke_agent {about['gen_ai.agent.name']}",
            "episode",
            _INTERNAL,
            _nanoseconds(self.episode.begun),
            ended.seconds if ended else 0.0,
            about,
        )
        return {**span, "events": list(self._evaluations())}

    def _named(self) -> Mapping[str, Any]:
        started, ended = self.episode.started, self.episode.finished
        named = started.model_dump(include={"task", "instance", "variant", "repeat"}) if started else {}
        return {
            "run": self.run,
            **named,
            "status": ended.status if ended else "unfinished",
            "score": ended.score if ended else None,
            "cost_usd": float(Decimal(ended.cost_usd)) if ended and ended.cost_usd is not None else None,
        }

    def _evaluations(self) -> Iterator[_Json]:
        """Scores of the visible checks, and of the hidden ones; of both no evidence."""
        for one in self.episode.iterations.values():
            for name, found in (("visible checks", one.judged), ("hidden checks", one.graded)):
                if found is not None and not found.verdict.blank:
                    about = {
                        "gen_ai.evaluation.name": name,
                        "gen_ai.evaluation.score.value": float(found.score),
                        "gen_ai.evaluation.score.label": "pass" if found.passed else "fail",
                        "loopwright.iteration": one.number,
                    }
                    when = str(_nanoseconds(one.time))
                    yield {"timeUnixNano": when, "name": "gen_ai.evaluation.result", "attributes": _attributes(about)}

    def chat(self, call: CallRecord, number: int) -> _Json:
        """A model call, with its place among those of the episode."""
        provider, _, model = call.request.model.partition("/")
        reply, sampling = call.reply, call.request.sampling
        about: _Json = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": model or provider,
            "gen_ai.request.temperature": sampling.temperature,
            "gen_ai.request.max_tokens": sampling.max_tokens,
            "gen_ai.conversation.id": self.episode.id,
            "gen_ai.agent.name": call.role,
            "loopwright.iteration": call.iteration,
        }
        if reply is not None:
            usage = reply.usage
            about |= {
                "gen_ai.response.model": reply.model,
                "gen_ai.response.finish_reasons": [reply.finish],
                "gen_ai.usage.input_tokens": usage.input + usage.cache_read + usage.cache_write,
                "gen_ai.usage.output_tokens": usage.output,
                "gen_ai.usage.cache_read.input_tokens": usage.cache_read or None,
                "loopwright.cost_usd": None if reply.cost_usd is None else float(reply.cost_usd),
            }
        elif call.failures:
            about["error.type"] = call.failures[-1].error
        if self.content:
            about["gen_ai.input.messages"] = json_bytes([_message(one) for one in call.request.messages]).decode()
            if reply is not None:
                said = {**_message(reply.message), "finish_reason": reply.finish}
                about["gen_ai.output.messages"] = json_bytes([said]).decode()
        seconds = call.finished.seconds if call.finished else 0.0
        name = f"chat {about['gen_ai.request.model']}"
        return self._span(name, f"call {number}", _CLIENT, _nanoseconds(call.time), seconds, about)

    def _tool(self, one: IterationRecord) -> _Json:
        call = proposing_call(self.episode, one.number)
        made = call.reply.tool_calls[0] if call and call.reply and call.reply.tool_calls else None
        about: _Json = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": made.name if made else "execute",
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": made.id if made else None,
            "gen_ai.conversation.id": self.episode.id,
            "loopwright.iteration": one.number,
        }
        seconds = one.observed.seconds if one.observed else 0.0
        if self.content and one.observed and one.proposed and one.proposed.candidate:
            about["gen_ai.tool.call.arguments"] = made.arguments if made else one.proposed.candidate.text
            about["gen_ai.tool.call.result"] = one.observed.observation.text
        begun = _nanoseconds(one.time)
        if call is not None and call.finished is not None:
            begun = _nanoseconds(call.time) + round(call.finished.seconds * 1e9)
        name = f"execute_tool {about['gen_ai.tool.name']}"
        return self._span(name, f"tool {one.number}", _INTERNAL, begun, seconds, about)


def _message(message: Message) -> _Json:
    """A message in the shape of the conventions; pictures are not in it."""
    if message.role == "tool":
        return {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "id": message.call_id, "response": message.content}],
        }
    calls = [
        {"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments}
        for call in message.tool_calls
    ]
    text = [{"type": "text", "content": message.content}] if message.content or not calls else []
    return {"role": message.role, "parts": [*text, *calls]}


def _attributes(found: Mapping[str, Any]) -> list[_Json]:
    return [{"key": key, "value": _value(value)} for key, value in found.items() if value is not None]


def _value(value: Any) -> _Json:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(one) for one in value]}}
    return {"stringValue": encodable(str(value))}


def _nanoseconds(time: str) -> int:
    """A time of the record since 1970."""
    return max(0, round(datetime.fromisoformat(timestamp(time)).timestamp() * 1e6)) * 1000
