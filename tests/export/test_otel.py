"""Spans, sent to a collector that reads them with OpenTelemetry's own messages."""

from __future__ import annotations

import base64
import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from loopwright.drift import from_spans
from loopwright.errors import UserError
from loopwright.export import ExportOptions, export
from loopwright.verify import Verdict
from tests.report.builder import RunBuilder, Turn
from tests.report.samples import hostile, pictures, study


@contextmanager
def collector() -> Iterator[tuple[str, list[Any]]]:
    """A collector on the loopback, and the requests that it could read."""
    service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    json_format = pytest.importorskip("google.protobuf.json_format")
    taken: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            for span in told["resourceSpans"][0]["scopeSpans"][0]["spans"]:
                # OTLP writes identifiers in hex, where protobuf's own JSON has base64.
                for name in {"traceId", "spanId", "parentSpanId"} & span.keys():
                    span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()
            taken.append(json_format.ParseDict(told, service.ExportTraceServiceRequest()))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def sent(path: Path) -> list[list[Any]]:
    """The spans of each line as the collector read them."""
    with collector() as (url, taken):
        for line in path.read_bytes().splitlines():
            request = urllib.request.Request(url, data=line, headers={"Content-Type": "application/json"})
            with urllib.request.urlopen(request) as answer:
                assert answer.status == 200
    return [list(one.resource_spans[0].scope_spans[0].spans) for one in taken]


def attributes(span: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in span.attributes}


def acting_run(folder: Path) -> Path:
    run = RunBuilder(folder, variants=("react",), episodes=2)
    turns = [Turn(0.5, text="ls", reply="ls", output="a.txt"), Turn(1, text="submit", reply="submit", hidden=1.0)]
    run.episode(turns, variant="react")
    failed = {"cause": "model", "error": "ModelUnavailable", "message": "the secret test says hidden_total"}
    run.episode(turns[:1], instance="2", variant="react", failed=failed)
    return run.close()


@pytest.mark.parametrize("sample", [study, hostile, pictures, acting_run])
def test_a_collector_reads_every_run(tmp_path: Path, sample: Any) -> None:
    written = export(sample(tmp_path / "run"), "otel", tmp_path / "out", options=ExportOptions(content=True))
    traces = sent(written.files[0])
    assert len(traces) == written.entries
    for spans in traces:
        assert len({span.trace_id for span in spans}) == 1
        assert len({span.span_id for span in spans}) == len(spans)
        assert not spans[0].parent_span_id
        assert {span.parent_span_id for span in spans[1:]} <= {spans[0].span_id}
        assert all(span.end_time_unix_nano >= span.start_time_unix_nano > 0 for span in spans)


def test_spans_follow_the_conventions(tmp_path: Path) -> None:
    (path,) = export(acting_run(tmp_path / "run"), "otel", tmp_path / "out").files
    done, failed = sent(path)
    assert [span.name for span in done] == [
        "invoke_agent react",
        "chat one",
        "chat one",
        "execute_tool execute",
        "execute_tool execute",
    ]
    chat = attributes(done[1])
    assert (chat["gen_ai.operation.name"], chat["gen_ai.provider.name"]) == ("chat", "scripted")
    assert (chat["gen_ai.usage.input_tokens"], chat["gen_ai.usage.output_tokens"]) == (500, 100)
    assert [value.string_value for value in chat["gen_ai.response.finish_reasons"].values] == ["stop"]
    assert attributes(done[3])["gen_ai.operation.name"] == "execute_tool"
    event = done[0].events[-1]
    assert (event.name, attributes(event)["gen_ai.evaluation.score.label"]) == ("gen_ai.evaluation.result", "pass")
    assert (failed[0].status.code, attributes(failed[0])["error.type"]) == (2, "ModelUnavailable")


def test_an_action_without_checks_has_no_evaluation(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run", variants=("react",))
    unchecked = Turn(text="ls", reply="ls", output="a.txt", judged=Verdict(), hidden=1.0)
    run.episode([unchecked], variant="react")
    (path,) = export(run.close(), "otel", tmp_path / "out").files
    told = [attributes(event)["gen_ai.evaluation.name"] for event in sent(path)[0][0].events]
    assert told == ["hidden checks"]


def test_content_is_written_only_where_it_is_asked_for(tmp_path: Path) -> None:
    run = acting_run(tmp_path / "run")
    (plain,) = export(run, "otel", tmp_path / "plain").files
    (full,) = export(run, "otel", tmp_path / "full", options=ExportOptions(content=True)).files
    assert not any(word in plain.read_text() for word in ("a.txt", "Write the module", "hidden_total"))
    assert all(word in full.read_text() for word in ("a.txt", "Write the module"))
    assert "hidden_total" not in full.read_text()
    chat = attributes(sent(full)[0][1])
    assert json.loads(chat["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "ls"}], "finish_reason": "stop"}
    ]


def test_the_monitor_of_drift_reads_them(tmp_path: Path) -> None:
    (path,) = export(acting_run(tmp_path / "run"), "otel", tmp_path / "out", options=ExportOptions(content=True)).files
    lines = map(json.loads, path.read_text().splitlines())
    spans = [span for line in lines for span in line["resourceSpans"][0]["scopeSpans"][0]["spans"]]
    done, failed = from_spans(spans)
    assert (done.messages, done.output, [tool.name for tool in done.tools]) == (2, "submit", ["execute", "execute"])
    assert failed.error == "ModelUnavailable"


def test_rows_have_no_place_in_spans(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no data set of rows"):
        export(study(tmp_path / "run"), "otel", tmp_path / "out", options=ExportOptions(test_share=0.5))
