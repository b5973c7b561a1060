"""The Gemini API on the loopback address: responses whole and in pieces, and errors, as they are documented.

Sources: ai.google.dev/api/generate-content (response, usage, finish reasons), google.rpc.RetryInfo (details of errors);
ai.google.dev/gemini-api/docs/thinking and .../thought-signatures (thoughts), .../troubleshooting (errors).
"""

from __future__ import annotations

import json
from typing import Any

from tests.models.provider import Answer, body, events

USAGE = {
    "promptTokenCount": 10,
    "cachedContentTokenCount": 6,
    "candidatesTokenCount": 4,
    "thoughtsTokenCount": 20,
    "totalTokenCount": 34,
}
"""The cached tokens are among those of the prompt; thoughts are not among the candidate's."""


def text(words: str, **fields: Any) -> dict[str, Any]:
    return {"text": words, **fields}


def thought(words: str) -> dict[str, Any]:
    return {"text": words, "thought": True}


def function_call(name: str, *, id_: str = "", **arguments: object) -> dict[str, Any]:
    call = {"name": name, "args": arguments} | ({"id": id_} if id_ else {})
    return {"functionCall": call, "thoughtSignature": "c2lnbmVk"}


def response(*parts: dict[str, Any], finish: Any = "STOP", **fields: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    return {
        "candidates": [candidate | ({"finishReason": finish} if finish else {})],
        "usageMetadata": USAGE,
        "modelVersion": "the-model-001",
        "responseId": "r1",
        **fields,
    }


def blocked(reason: str) -> dict[str, Any]:
    """A prompt that the filters did not let through: there is no candidate."""
    return {"promptFeedback": {"blockReason": reason}, "usageMetadata": {"promptTokenCount": 10, "totalTokenCount": 10}}


def whole(told: dict[str, Any]) -> Answer:
    return body(200, json.dumps(told).encode())


def in_pieces(told: dict[str, Any]) -> Answer:
    """Each part in pieces of two characters; the last one says why it ended, and none says that it was the last."""
    if "candidates" not in told:
        return streamed(told)
    candidate = told["candidates"][0]
    pieces = []
    for part in candidate["content"]["parts"]:
        words = part.get("text")
        cut = [part] if words is None else [{**part, "text": words[at : at + 2]} for at in range(0, len(words), 2)]
        pieces += [response(piece, finish=None, usageMetadata={"promptTokenCount": 10}) for piece in cut]
    return streamed(*pieces, {**told, "candidates": [{**candidate, "content": {"parts": [], "role": "model"}}]})


def streamed(*pieces: dict[str, Any], then: str = "keep") -> Answer:
    lines = [f"data: {json.dumps(piece, ensure_ascii=False)}\r\n\r\n" for piece in pieces]
    return events(*lines, then=then, done=False)


def error(status: int, kind: str, words: str, *details: dict[str, Any]) -> Answer:
    told = {"error": {"code": status, "message": words, "status": kind, "details": list(details)}}
    return body(status, json.dumps(told).encode())


def refused(words: str) -> Answer:
    return error(400, "INVALID_ARGUMENT", words)


NO_LEVEL = refused("Thinking level is not supported for this model.")
NO_THINKING = refused("Thinking is not enabled for models/the-model")
NO_SEED = refused("Invalid JSON payload received. Unknown name \"seed\" at 'generation_config': Cannot find field.")
NO_SCHEMA = refused("Invalid JSON payload received. Unknown name \"responseJsonSchema\" at 'generation_config'")
BAD_KEY = error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.")
RATE_LIMIT = error(
    429,
    "RESOURCE_EXHAUSTED",
    "You exceeded your current quota, please check your plan and billing details.",
    {"@type": "type.googleapis.com/google.rpc.Help", "links": []},
    {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.07s"},
)
OVERLOADED = error(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")
