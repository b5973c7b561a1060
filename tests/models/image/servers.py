"""Servers of image models as their documentation describes them, and the stub that plays them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from loopwright.types import Usage
from tests.models.provider import Answer, Provider, body, fault

_OPENAI_FIELDS = {"model", "prompt", "n", "size", "quality", "background", "output_format", "moderation", "user"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageServer:
    """One server of image models."""

    name: str
    model: str
    sources: Mapping[str, str]
    """What is played, to the page that says so."""
    takes: frozenset[str]
    """Fields of a request that do something."""
    strict: bool = False
    """Whether other fields are refused; else they are passed over."""
    transparent: bool = False
    """Whether a mask is repainted where it is transparent; else where it is white."""
    edits: bool = True
    usage: Mapping[str, Any] = field(default_factory=dict)
    counted: Usage = field(default_factory=Usage)
    """What Loopwright makes of the usage."""


OPENAI = ImageServer(
    name="OpenAI",
    model="gpt-image-2.5-flare",
    sources={
        "parameters and usage": "https://platform.openai.com/docs/api-reference/images",
        "an unknown parameter": "https://github.com/vercel/ai/issues/6102",
    },
    takes=frozenset({*_OPENAI_FIELDS, "image", "mask"}),
    strict=True,
    transparent=True,
    usage={
        "input_tokens": 20,
        "input_tokens_details": {"image_tokens": 0, "text_tokens": 20},
        "output_tokens": 1056,
        "total_tokens": 1076,
    },
    counted=Usage(input=20, output=1056),
)
VLLM_OMNI = ImageServer(
    name="vLLM-Omni",
    model="Qwen/Qwen-Image",
    sources={
        "generations": "https://docs.vllm.ai/projects/vllm-omni/en/stable/serving/image_generation_api/",
        "edits and masks": "https://docs.vllm.ai/projects/vllm-omni/en/latest/serving/image_edit_api/",
    },
    takes=frozenset(
        {"model", "prompt", "n", "size", "response_format", "image", "mask_image", "seed"}
        | {"num_inference_steps", "guidance_scale", "true_cfg_scale", "negative_prompt"}
    ),
)
OLLAMA = ImageServer(
    name="Ollama",
    model="x/z-image-turbo",
    sources={"generations": "https://docs.ollama.com/api/openai-compatibility"},
    takes=frozenset({"model", "prompt", "size", "response_format"}),
    edits=False,
)
SERVERS = (OPENAI, VLLM_OMNI, OLLAMA)


class ImageStub:
    """A server of image models on the loopback address.

    It draws pictures of one colour, which prompt, seed and number decide. An edit paints the whole picture anew in one
    colour, as models do that only let themselves be guided by a mask; the part that the mask names gets a second one.
    """

    def __init__(self, server: ImageServer) -> None:
        self.server = server
        self.provider = Provider(self.respond)
        self._drawn = 0

    async def respond(self, writer: asyncio.StreamWriter) -> None:
        """Answers the last request that came."""
        received = self.provider.requests[-1]
        await self._answer(received.path, received.body)(writer)

    def _answer(self, path: str, asked: Mapping[str, Any]) -> Answer:
        if path.endswith("/edits") and not self.server.edits:
            return body(404, b"404 page not found", kind="text/plain")
        sent = {name.removesuffix("[]") for name in asked}
        if self.server.strict and (unknown := sorted(sent - self.server.takes)):
            message = f"Unknown parameter: '{unknown[0]}'."
            return fault(400, message, code="unknown_parameter", param=unknown[0])
        count = int(asked.get("n", 1)) if "n" in self.server.takes else 1
        pictures = [base64.b64encode(self._picture(asked, number)).decode() for number in range(count)]
        answer = {"created": 1, "data": [{"b64_json": picture, "url": None} for picture in pictures]}
        return body(200, json.dumps({**answer, **({"usage": self.server.usage} if self.server.usage else {})}).encode())

    def _picture(self, asked: Mapping[str, Any], number: int) -> bytes:
        width, _, height = asked.get("size", "64x64").partition("x")
        seed = asked.get("seed") if "seed" in self.server.takes else None
        self._drawn += 1
        color = hashlib.sha256(f"{asked['prompt']} {self._drawn if seed is None else seed} {number}".encode()).digest()
        drawn = Image.new("RGB", (int(width), int(height)), tuple(color[:3]))
        for mask in asked.get("mask", ()) if self.server.transparent else asked.get("mask_image", ()):
            drawn.paste("blue", mask=self._repainted(Image.open(io.BytesIO(mask))))
        out = io.BytesIO()
        drawn.save(out, "PNG")
        return out.getvalue()

    def _repainted(self, mask: Image.Image) -> Image.Image:
        if self.server.transparent:
            return mask.getchannel("A").point(lambda alpha: 255 if alpha == 0 else 0)
        return mask.convert("L")


def sent_pictures(*pictures: bytes, **fields: Any) -> Answer:
    """A good answer with these bytes as its pictures."""
    return answered([{"b64_json": base64.b64encode(picture).decode()} for picture in pictures], **fields)


def answered(data: object, **fields: Any) -> Answer:
    """A good answer with this in place of its pictures."""
    return body(200, json.dumps({"created": 1, "data": data, **fields}).encode())
