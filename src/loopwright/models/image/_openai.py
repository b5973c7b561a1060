"""`openai/...` and endpoints: image models of any server that speaks OpenAI's API of images."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loopwright.errors import ModelError, ModelRejected, UserError
from loopwright.models._bounds import Values
from loopwright.models._faults import fault_inside, holds_reply, may_be_reply, unreadable
from loopwright.models._open import split_name
from loopwright.models._options import ModelOptions
from loopwright.models._pictures import needs_pillow
from loopwright.models._server import ModelServer
from loopwright.models._servers import openai_server
from loopwright.models.chat._agreed import AgreedCalls
from loopwright.models.chat._agreement import Agreement
from loopwright.models.chat._capabilities import ServedModel, agreements
from loopwright.models.chat._responses import read_usage
from loopwright.models.image._pixels import (
    checked_mask,
    checked_picture,
    kept_outside,
    picture_size,
    plain_picture,
    transparent_mask,
)
from loopwright.models.image._types import ImageReply, ImageRequest
from loopwright.types import Usage

_FIELDS = {
    "n": "count",
    "seed": "seed",
    "num_inference_steps": "steps",
    "guidance_scale": "guidance",
    "negative_prompt": "negative_prompt",
}
"""A field that a server may refuse to the parameter of a request that it holds. OpenAI takes the first alone."""

_NEEDED = frozenset({"model", "prompt", "size", "image", "mask"})
"""Fields without which another picture would be made than was asked for."""

_FILTERS = (
    "moderation_blocked",
    "content_policy_violation",
    "content_filter",
    "contentfilter",
    "safety system",
    "content management policy",
)
"""Codes and words of a provider that refuses to draw something."""

_ACCOUNT = {"OpenAI-Organization": "OPENAI_ORG_ID", "OpenAI-Project": "OPENAI_PROJECT_ID"}
"""Headers of OpenAI to the variables that its own library takes them from."""

_PATHS = {True: "/images/edits", False: "/images/generations"}
"""What follows the base URL, by whether there is a picture to edit."""


@dataclass(frozen=True, slots=True)
class _Source:
    """What an edit begins with."""

    pictures: tuple[bytes, ...] = ()
    """Plain pictures, the one that is changed first."""
    mask: bytes | None = None
    """A grey one of the first picture's size."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came of a call."""

    fields: Mapping[str, Any]
    """What the server sent."""
    refused: ModelError | None
    """The refusal of a filter of the server."""
    left_out: frozenset[str]
    """Fields that the server does not take."""
    seconds: float


class OpenAIImages:
    """An image model behind a server that speaks OpenAI's API of images.

    Attributes:
        name: `provider/model`.
        repeatable: Whether a lost call may be made, and paid, again.
        endpoint: The server, for the circuit breaker.
        slots: Requests that the server takes at once, as the user set it; None to find out.
        most_tokens: Tokens that a picture can cost, made or shown; a cap reserves them.
    """

    most_tokens = 50_000

    def __init__(self, name: str, server: ModelServer, options: ModelOptions) -> None:
        """Makes a model; nothing is sent yet.

        Raises:
            MissingExtra: Pillow is not installed.
        """
        needs_pillow(f"{name} needs to read pictures")
        self.name = name
        self.repeatable = options.repeatable
        self.endpoint = server.endpoint
        self.slots = server.settings.concurrency
        self._told = f"{name} at {server.endpoint}"
        self._model = split_name(name)[1]
        self._server = server
        self._options = options
        self._calls = AgreedCalls(ServedModel(server.endpoint, "images", self._model))

    @classmethod
    def open(cls, name: str, options: ModelOptions) -> OpenAIImages:
        """Makes a model from options and environment.

        Args:
            name: `provider/model`; `openai/model` is at OPENAI_BASE_URL.
            options: Settings; `artifact` and `keep` reach the pictures of a run.

        Raises:
            MissingExtra: Pillow is not installed.
            MissingSecret: There is no key, or it cannot be one.
            UserError: There is no such endpoint, it speaks another API, or the base URL is none.
        """
        return cls(name, openai_server(name, options, path=_PATHS[False]), options)

    @property
    def fingerprint(self) -> str:
        """Of the endpoint's settings."""
        return self._server.settings.fingerprint

    async def generate(self, request: ImageRequest) -> ImageReply:
        """Makes pictures of a prompt.

        Raises:
            ModelError: The server failed or refused, or what it sent is not what was asked for.
        """
        return await self._draw(request, _Source())

    async def edit(self, request: ImageRequest) -> ImageReply:
        """Changes the first picture of a request; what lies outside of its mask stays as it was.

        Raises:
            ModelError: The server failed or refused, or what it sent is not what was asked for.
            UserError: A picture or the mask cannot be used.
        """
        return await self._draw(request, await self._source(request))

    async def close(self) -> None:
        """Closes the connections."""
        await self._server.close()

    async def _source(self, request: ImageRequest) -> _Source:
        data = [await self._artifact(reference) for reference in request.images]
        mask = await self._artifact(request.mask) if request.mask else None
        try:
            source = await asyncio.to_thread(_prepared, data, mask)
        except ValueError as error:
            raise UserError(f"{self.name}: a picture to edit cannot be used: {error}") from None
        if source.mask and _size(request, source) != picture_size(source.mask):
            raise UserError(
                f"{self.name}: an edit with a mask cannot change the picture's size",
                remedy="Leave width and height out.",
            )
        return source

    async def _artifact(self, reference: str) -> bytes:
        if self._options.artifact is None:
            raise UserError(
                f"{self.name} was opened without a way to read pictures",
                remedy="Pass ModelOptions(artifact=...), a function from an image reference to its bytes.",
            )
        return await self._options.artifact(reference)

    async def _draw(self, request: ImageRequest, source: _Source) -> ImageReply:
        body = {
            "model": self._model,
            "prompt": request.prompt,
            "response_format": "b64_json",
            **_asked(request, source),
            **self._server.settings.body,
        }

        async def call(agreement: Agreement, told: str) -> _Answer:
            return await self._call(agreement, body, edits=bool(source.pictures))

        # What is wrong with the pictures is judged after the call: it says nothing about the fields of the request.
        answer = await self._calls.make(body, _NEEDED | self._server.settings.body.keys(), call, agreements)
        if answer.refused is not None:
            return _blocked(answer.refused, self._model, answer.seconds)
        usage = read_usage(answer.fields.get("usage"), answered=True)
        try:
            pictures = await asyncio.to_thread(self._pictures, answer.fields, request, source)
        except ModelError as error:
            raise _billed(error, usage) from None
        references = tuple([await self._keep(picture) for picture in pictures])
        left_out = {_FIELDS[name] for name in body if name in _FIELDS and name in answer.left_out}
        left_out |= {"count"} if len(pictures) < request.count else set()
        return ImageReply(
            images=references,
            surplus=max(0, len(answer.fields["data"]) - request.count),
            model=self._model,
            seed_honoured=self._server.settings.image_seeds and request.seed is not None and "seed" not in left_out,
            usage=usage or Usage(),
            usage_reported=usage is not None,
            left_out=tuple(sorted(left_out)),
            seconds=answer.seconds,
        )

    async def _call(self, agreement: Agreement, body: Mapping[str, Any], *, edits: bool) -> _Answer:
        started = time.monotonic()
        fields: Mapping[str, Any] = {}
        refused: ModelError | None = None
        try:
            fields = await self._answer(agreement.shaped(body, None), edits=edits)
        except ModelError as error:
            if not _filtered(error):
                raise
            refused = error
        return _Answer(fields, refused, agreement.left_out, time.monotonic() - started)

    async def _keep(self, picture: bytes) -> str:
        if self._options.keep is None:
            raise UserError(
                f"{self.name} was opened without a way to keep pictures",
                remedy="Pass ModelOptions(keep=...), a function from bytes to their reference.",
            )
        return await self._options.keep(picture)

    async def _answer(self, body: Mapping[str, Any], *, edits: bool) -> Mapping[str, Any]:
        """Sends a request and returns the decoded answer.

        Raises:
            ModelError: The server failed or refused. It has begun if something came that may be billed.
        """
        fields = {name: value for name, value in body.items() if not _is_files(value)}
        files = [
            (f"{name}[]" if len(value) > 1 else name, (f"{name}.png", data, "image/png"))
            for name, value in body.items()
            if _is_files(value)
            for data in value
        ]
        call = self._server.posted(_PATHS[edits], self._headers(), fields, files)
        content = await self._server.stream(call, lambda data: False)
        try:
            answer = await asyncio.to_thread(Values().read, content or b"")
            if not isinstance(answer, Mapping):
                raise ValueError("it is no object")
        except (ValueError, RecursionError) as error:
            failure: ModelError = unreadable(self._told, "pictures", error, content or b"")
            failure.begun = content is None or may_be_reply(content)
            raise failure from None
        if fault := fault_inside(answer):
            failure = self._server.error(fault)
            raise _billed(failure, read_usage(answer.get("usage"), answered=False)) if holds_reply(answer) else failure
        return answer

    def _headers(self) -> dict[str, str]:
        headers = {"authorization": f"Bearer {self._server.key}"} if self._server.key else {}
        if split_name(self.name)[0] == "openai":
            headers |= {name: os.environ[variable] for name, variable in _ACCOUNT.items() if os.environ.get(variable)}
        return headers

    def _pictures(self, answer: Mapping[str, Any], request: ImageRequest, source: _Source) -> list[bytes]:
        """As many pictures of an answer as were asked for; outside of a mask they are as the source again."""
        try:
            sent = [self._decoded(item) for item in (answer.get("data") or ())[: request.count]]
            if not sent:
                raise ValueError("it holds no picture")
        except (ValueError, TypeError) as error:
            raise unreadable(self._told, "pictures", error, json.dumps(answer)[:200].encode()) from None
        size = _size(request, source)
        pictures = [checked_picture(data, size, model=self._told) for data in sent]
        if source.mask is None:
            return pictures
        return [kept_outside(source.pictures[0], picture, source.mask) for picture in pictures]

    def _decoded(self, item: Any) -> bytes:
        fields = item if isinstance(item, Mapping) else {}
        encoded = fields.get("b64_json")
        if not encoded and fields.get("url"):
            raise ModelRejected(
                f"{self._told}: it sends the address of a picture in place of the picture",
                remedy="Loopwright fetches nothing from addresses that a server names. Let the server send base64.",
            )
        if not isinstance(encoded, str) or not encoded:
            raise ValueError("a picture is missing")
        return base64.b64decode(encoded, validate=True)


def _prepared(pictures: list[bytes], mask: bytes | None) -> _Source:
    """What an edit begins with, made uniform.

    Raises:
        ValueError: Something is no picture, or the mask is of another size.
    """
    plain = tuple(plain_picture(data) for data in pictures)
    return _Source(plain, checked_mask(mask, picture_size(plain[0])) if mask else None)


def _size(request: ImageRequest, source: _Source) -> tuple[int, int] | None:
    """Width and height that the picture must have; None leaves them to the model."""
    if request.width is not None and request.height is not None:
        return request.width, request.height
    return picture_size(source.pictures[0]) if source.pictures else None


def _asked(request: ImageRequest, source: _Source) -> dict[str, Any]:
    """The fields that a request sets; what is sent as a file is a tuple of bytes."""
    size = _size(request, source)
    fields: dict[str, Any] = {
        "n": request.count if request.count > 1 else None,
        "size": f"{size[0]}x{size[1]}" if size else None,
        "seed": request.seed,
        "num_inference_steps": request.steps,
        "guidance_scale": request.guidance,
        "negative_prompt": request.negative_prompt or None,
        "image": source.pictures or None,
    }
    if source.mask:
        # OpenAI repaints what is transparent in `mask` and refuses `mask_image`; vLLM-Omni repaints what is white in
        # `mask_image` and passes over `mask`.
        fields |= {"mask": (transparent_mask(source.mask),), "mask_image": (source.mask,)}
    return {name: value for name, value in fields.items() if value is not None}


def _blocked(refusal: ModelError, model: str, seconds: float) -> ImageReply:
    return ImageReply(
        blocked=_filtered(refusal),
        model=model,
        usage=Usage(**refusal.reported or {}),
        usage_reported=not refusal.begun or refusal.reported is not None,
        seconds=seconds,
    )


def _billed(error: ModelError, usage: Usage | None) -> ModelError:
    """A failure for which the provider drew something, and may bill it."""
    error.begun, error.reported = True, usage.model_dump() if usage else None
    return error


def _is_files(value: object) -> bool:
    return isinstance(value, tuple)


def _filtered(error: ModelError) -> str:
    """The words of a provider that refuses to draw something; empty for any other failure."""
    said = str(error.args[0])
    return said.partition(": ")[2] if any(sign in said.lower() for sign in _FILTERS) else ""
