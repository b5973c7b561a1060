"""Claude's API on the loopback address: messages whole and in pieces, and errors, as they are documented.

Sources: platform.claude.com/docs/en/api/messages (message, usage, stop reasons) and .../api/errors (errors, statuses);
platform.claude.com/docs/en/build-with-claude/streaming (events), .../thinking and .../effort (thoughts, refusals).
"""

from __future__ import annotations

import json
from typing import Any

from tests.models.provider import Answer, body, events

USAGE = {
    "input_tokens": 10,
    "cache_read_input_tokens": 6,
    "cache_creation_input_tokens": 3,
    "output_tokens": 4,
    "output_tokens_details": {"thinking_tokens": 2},
    "service_tier": "standard",
}
"""The three classes of input are apart from each other, and thoughts are among the output."""


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def thinking(words: str, signature: str = "c2lnbmVk") -> dict[str, Any]:
    return {"type": "thinking", "thinking": words, "signature": signature}


def tool_use(id_: str, name: str, **arguments: object) -> dict[str, Any]:
    return {"type": "tool_use", "id": id_, "name": name, "input": arguments}


def message(*blocks: dict[str, Any], stop: Any = "end_turn", **fields: Any) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "the-model-20260901",
        "content": list(blocks),
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": USAGE,
        **fields,
    }


def whole(told: dict[str, Any]) -> Answer:
    return body(200, json.dumps(told).encode())


def pieces_of(told: dict[str, Any]) -> list[dict[str, Any]]:
    """The events in which a message comes: each text in pieces of two characters, a ping between."""
    start = {**told, "content": [], "stop_reason": None, "usage": {**told["usage"], "output_tokens": 1}}
    found: list[dict[str, Any]] = [{"type": "message_start", "message": start}, {"type": "ping"}]
    for index, block in enumerate(told["content"]):
        kind = block["type"]
        empty = {"text": "", "thinking": "", "input": {}}
        found.append(
            {
                "type": "content_block_start",
                "index": index,
                "content_block": {name: empty.get(name, value) for name, value in block.items() if name != "signature"},
            }
        )
        words = json.dumps(block["input"]) if kind == "tool_use" else block[kind]
        name = "partial_json" if kind == "tool_use" else kind
        delta = "input_json_delta" if kind == "tool_use" else f"{kind}_delta"
        deltas = [{"type": delta, name: words[at : at + 2]} for at in range(0, len(words), 2)]
        if "signature" in block:
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
        found += [{"type": "content_block_delta", "index": index, "delta": each} for each in deltas]
        found.append({"type": "content_block_stop", "index": index})
    last = {name: told[name] for name in ("stop_reason", "stop_sequence", "stop_details") if name in told}
    output = {name: told["usage"][name] for name in ("output_tokens",) if name in told["usage"]}
    return [*found, {"type": "message_delta", "delta": last, "usage": output}, {"type": "message_stop"}]


def in_pieces(told: dict[str, Any]) -> Answer:
    return streamed(*pieces_of(told))


def streamed(*pieces: dict[str, Any], then: str = "keep") -> Answer:
    lines = [f"event: {piece['type']}\ndata: {json.dumps(piece, ensure_ascii=False)}\n\n" for piece in pieces]
    return events(*lines, then=then, done=False)


def error(status: int, kind: str, words: str, **headers: str) -> Answer:
    told = {"type": "error", "error": {"type": kind, "message": words}, "request_id": "req_1"}
    return body(status, json.dumps(told).encode(), **headers)


def refused(words: str) -> Answer:
    return error(400, "invalid_request_error", words)


NO_TEMPERATURE = refused("`temperature` is deprecated for this model.")
NOT_BOTH = refused("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")
NO_EFFORT = refused("This model does not support the effort parameter.")
NO_BUDGET = refused(
    '"thinking.type.enabled" is not supported for this model. '
    'Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'
)
NO_SCHEMA = refused("output_config.format: Extra inputs are not permitted")
TOO_LONG = refused(
    "max_tokens: 99999 > 8192, which is the maximum allowed number of output tokens for the-model-20260901"
)
RATE_LIMIT = error(429, "rate_limit_error", "This request would exceed your rate limit.", retry_after="7")
OVERLOADED = error(529, "overloaded_error", "Overloaded")
OVERLOADED_IN_STREAM = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
