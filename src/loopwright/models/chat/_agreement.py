"""What a server does not take: fields that it refused once are left out, renamed or lowered in every later request."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from loopwright.errors import ModelRejected

_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens")
_NEEDED = frozenset({"model", "messages", "input", "store", *_LIMITS})
"""Fields that no request can do without. A limit of the reply is one: what a call may cost depends on it."""
_SCHEMA_SIGNS = ("response format", "json schema", "structured output", "grammar", "guided")
_SCHEMA_FIELDS = frozenset({"response_format", "text", "output_format", "responseJsonSchema"})
"""The field that holds the schema of the reply, by API."""
_CARRIED = "reasoning_content"
"""A field of messages: most servers that send it want it back beside a tool call, some refuse it."""
_TOOL_SIGNS = re.compile(r"\btools?\b|\bfunction[ _]?call", re.IGNORECASE)
"""Servers name tools in many words: "does not support tools", "no endpoints found that support tool use"."""
_REFUSES = re.compile(r"support|requires|enable|available|allowed|permitted|unrecogni[sz]ed|unknown|unexpected|extra")
_NOT_OF_TOOLS = re.compile(r"\broles?\b|context|length|\btokens\b|schema")
"""What refusals are about that only mention tools: the order of messages, a request that is too long, a tool's form."""
_RESULTS = ('"tool_call_id"', '"function_call_output"', '"tool_result"', '"functionResponse"')
"""Signs of results of tools in a request, by API: a server that takes those takes tools."""
_SECOND = {"effort": "budget", "thinkingLevel": "thinkingBudget"}
"""A field to the one that older models take in its place."""
_SIGNS = {
    "effort": ("thinking",),
    "thinkingLevel": ("thinking",),
    "includeThoughts": ("thinking", "thought"),
    "reasoning.summary": ("reasoning",),
    "output_format": ("schema", "output_config.format"),
    "responseJsonSchema": ("schema", "response_mime_type"),
}
"""A field to what a refusal calls it, beside its own name."""
_TOO_LARGE = re.compile(r"too large|at most|maximum|exceed|less than or equal", re.I)
_AT_MOST = re.compile(
    r"(?:at most|maximum(?: value)?(?: of| is)?|less than or equal to|<=)\s*(\d{2,9})\b"
    r"|> (\d{2,9}), which is the maximum",
    re.IGNORECASE,
)
_SCHEMA_HINT = """

Reply with one JSON value that fits this JSON schema, and nothing else:
{schema}"""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What one server takes for one model, as its refusals told."""

    left_out: frozenset[str] = frozenset()
    """Fields that the server refuses."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """A field's name to the name that the server wants."""
    longest: int | None = None
    """Tokens of a reply that the server gives at most."""

    def without(self, needed: frozenset[str]) -> Agreement:
        """The same, but fields that the user does not want to do without are sent."""
        return replace(self, left_out=self.left_out - needed)

    def shaped(self, body: Mapping[str, Any], schema: Mapping[str, Any] | None) -> dict[str, Any]:
        """A request as the server takes it; a schema that it does not take goes into the last message.

        Args:
            body: The request with all its fields.
            schema: The JSON schema that the reply must fit.
        """
        shaped = {
            self.renamed.get(name, name): self._value(name, value)
            for name, value in body.items()
            if name not in self.left_out
        }
        if _CARRIED in self.left_out:
            shaped["messages"] = [
                {name: value for name, value in message.items() if name != _CARRIED} for message in shaped["messages"]
            ]
        if schema is not None and not shaped.keys() & _SCHEMA_FIELDS:
            hint = _SCHEMA_HINT.format(schema=json.dumps(schema, ensure_ascii=False))
            messages = "messages" if "messages" in shaped else "input"
            shaped[messages] = _with_hint(shaped[messages], hint)
        return shaped

    def learned(self, body: Mapping[str, Any], refusal: ModelRejected, needed: frozenset[str]) -> Agreement | None:
        """What holds after a refusal; None where the request cannot be made otherwise.

        Args:
            body: The request that was refused, before it was shaped.
            refusal: The server's words, and the field that it named.
            needed: Fields that the user does not want to do without.
        """
        words = str(refusal)
        sent = [name for name in body if name not in self.left_out - needed]
        limit = next((name for name in _LIMITS if name in sent), "")
        if limit and (lowered := self._with_limit(limit, int(body[limit]), words)):
            return lowered
        refused = _named(sent, refusal, body)
        # No effort has the same form on newer and older models of Claude.
        if refused in _SECOND and refused not in self.renamed and (refused, body[refused]) != ("effort", "none"):
            return replace(self, renamed={**self.renamed, refused: _SECOND[refused]})
        if refused in needed | _NEEDED or not refused:
            return None
        parts = {name for name in sent if name.startswith(f"{refused}.")}
        return replace(self, left_out=self.left_out | {refused} | parts)

    def explains(self, refusal: ModelRejected) -> bool:
        """Whether a refusal is about something that this agreement changed."""
        names = {*self.left_out, *self.renamed, *self.renamed.values(), *(_LIMITS if self.longest else ())}
        return _field(refusal, names) in names or any(_is_named(name, str(refusal).lower()) for name in names)

    def _with_limit(self, name: str, asked: int, words: str) -> Agreement | None:
        if _TOO_LARGE.search(words):
            about = name in words or "max_tokens" in words or "completion tokens" in words
            found = _AT_MOST.search(words) if about else None
            most = int(found[1] or found[2]) if found else asked
            return replace(self, longest=most) if most < min(asked, self.longest or asked) else None
        if name == "max_tokens" and "max_completion_tokens" in words and not self.renamed:
            return replace(self, renamed={name: "max_completion_tokens"})
        return None

    def _value(self, name: str, value: Any) -> Any:
        return min(value, self.longest) if self.longest and name in _LIMITS else value


def _named(sent: list[str], refusal: ModelRejected, body: Mapping[str, Any]) -> str:
    """The field of the request that a refusal is about; empty where it names none."""
    words = str(refusal).lower()
    if _CARRIED in words and any(_CARRIED in message for message in body.get("messages", ())):
        return _CARRIED
    if (top := _field(refusal, sent)) in sent and (top != "tools" or refusal.parameter == top):
        return top
    if "tools" in sent and _TOOL_SIGNS.search(words):
        about = top != "tools" and _REFUSES.search(words) and not _NOT_OF_TOOLS.search(words)
        if not about or any(sign in json.dumps(body, default=str) for sign in _RESULTS):
            return ""
        return "tool_choice" if "tool_choice" in sent and "tool_choice" in words else "tools"
    if any(sign in words.replace("_", " ") for sign in _SCHEMA_SIGNS):
        schema = next((name for name in sent if name in _SCHEMA_FIELDS), "")
        if schema:
            return schema
    named = [name for name in sent if _is_named(name, words)]
    optional = [name for name in named if name not in _NEEDED]
    # What nobody asked for goes last, if it is not named itself.
    unasked = {"includeThoughts"} if "summar" in words else {"includeThoughts", "reasoning.summary"}
    return min(optional, key=lambda name: name in unasked, default="")


def _field(refusal: ModelRejected, names: Collection[str]) -> str:
    """The field that a refusal names, as it is among the names: itself, the one that it is a part of, or a part."""
    top = re.split(r"[.\[]", refusal.parameter)[0]
    if refusal.parameter in names or not top:
        return refusal.parameter
    return next(
        (name for name in names if name == top), next((name for name in names if name.startswith(f"{top}.")), top)
    )


def _is_named(name: str, words: str) -> bool:
    """Whether words in small letters name a field: by its name, by the same in snake case, or by another sign."""
    snake = re.sub("([A-Z])", r"_\1", name).lower()
    spelled = f"{re.escape(name.lower())}|{re.escape(snake)}"
    found = re.search(rf"(?<![\w-])(?:{spelled})(?![\w-])", words)
    return found is not None or any(sign in words for sign in _SIGNS.get(name, ()))


def _with_hint(messages: list[dict[str, Any]], hint: str) -> list[dict[str, Any]]:
    """The messages with a hint at the end of the last one that is plain text."""
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        if isinstance(message["content"], str) and message["role"] != "assistant":
            return [*messages[:index], {**message, "content": message["content"] + hint}, *messages[index + 1 :]]
    return [*messages, {"role": "user", "content": hint.strip()}]
