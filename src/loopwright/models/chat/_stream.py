"""A chat completion that comes in pieces: server-sent events, put together as if it had come whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from loopwright.models._bounds import Values
from loopwright.models.chat._tools import CallPieces

_TEXTS = ("reasoning_content", "reasoning", "refusal")
"""Fields of a message that come in pieces, beside its content."""


@dataclass(slots=True)
class StreamedCompletion:
    """The pieces of a completion that have arrived so far.

    Attributes:
        done: Whether the server said that nothing more comes.
    """

    done: bool = False
    _answer: dict[str, Any] = field(default_factory=dict)
    _content: list[Any] = field(default_factory=list)
    _texts: dict[str, list[str]] = field(default_factory=dict)
    _lists: dict[str, list[Any]] = field(default_factory=dict)
    _calls: CallPieces = field(default_factory=CallPieces)
    _logprobs: list[Any] = field(default_factory=list)
    _finish: str | None = None
    _error: object = None
    _values: Values = field(default_factory=Values)

    def add(self, data: str) -> bool:
        """Takes the data of one event, and says whether nothing more comes.

        Raises:
            ValueError: It is not JSON, or all of it is more than a reply.
        """
        if data.strip() == "[DONE]":
            self.done = True
            return True
        chunk = self._values.read(data)
        if not isinstance(chunk, Mapping):
            raise ValueError("an event is no object")
        self._answer |= {name: value for name, value in chunk.items() if name in ("model", "usage", "error") and value}
        if chunk.get("object") == "error":  # vLLM, before the errors of its streams were objects of their own
            self._answer["error"] = dict(chunk)
        if isinstance(own := chunk.get("x_groq"), Mapping) and own.get("usage"):
            self._answer["usage"] = own["usage"]
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], Mapping) else {}
        self._error = choice.get("error") or self._error
        finish = choice.get("finish_reason")
        self._finish = finish if isinstance(finish, str) and finish else self._finish
        told = choice.get("logprobs")
        if isinstance(told, Mapping) and isinstance(tokens := told.get("content"), list):
            self._logprobs += tokens
        # Some servers send the whole message in one event.
        delta = choice.get("delta") or choice.get("message")
        took = isinstance(delta, Mapping) and self._take(delta)
        if took or told:
            self._values.keep(data)
        return False

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(piece for piece in self._content if isinstance(piece, str))

    @property
    def ended(self) -> bool:
        """Whether the answer came to its end: the server said why it ended, or that nothing more comes."""
        return self.done or self._finish is not None or "error" in self._answer

    def whole(self) -> dict[str, Any]:
        """The completion as one object, in the form in which a server sends it that does not stream."""
        message: dict[str, Any] = {name: "".join(pieces) for name, pieces in self._texts.items()}
        message |= self._lists
        message["tool_calls"] = self._calls.whole()
        message["content"] = self._whole_content()
        choice = {"message": message, "finish_reason": self._finish, "error": self._error}
        choice["logprobs"] = {"content": self._logprobs}
        return {**self._answer, "choices": [choice]}

    def _take(self, delta: Mapping[str, Any]) -> bool:
        """Takes what a piece holds, and says whether it is more than text."""
        content = delta.get("content")
        self._content += content if isinstance(content, list) else [content] if isinstance(content, str) else []
        for name in _TEXTS:
            if isinstance(piece := delta.get(name), str):
                self._texts.setdefault(name, []).append(piece)
        if isinstance(details := delta.get("reasoning_details"), list):
            self._lists.setdefault("reasoning_details", []).extend(details)
        if isinstance(calls := delta.get("tool_calls"), list):
            self._calls.add(calls)
        return isinstance(content, list) or bool(details or calls)

    def _whole_content(self) -> str | list[Any]:
        if all(isinstance(piece, str) for piece in self._content):
            return self.text
        return [{"type": "text", "text": piece} if isinstance(piece, str) else piece for piece in self._content]
