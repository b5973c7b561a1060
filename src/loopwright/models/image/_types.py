"""What goes to an image model and what comes back."""

from __future__ import annotations

import operator
from decimal import Decimal
from typing import Annotated, Protocol, Self, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field, model_validator

from loopwright.models._hash import digest
from loopwright.models._options import ModelOptions
from loopwright.types import Usage

MOST_PIXELS = 2**25
"""Pixels of a picture that is asked for or taken from a model: one of 8K (7680x4320) fits."""

Pixels = Annotated[int, Field(gt=0, le=16_384)]


class ImageRequest(BaseModel):
    """A full request for pictures: everything that decides them, so that its hash identifies the call."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    model: str
    """`provider/model`."""
    prompt: str = Field(min_length=1, max_length=32_000)
    """What the picture shows; with `images`, what is to be changed."""
    images: tuple[str, ...] = Field(default=(), max_length=16)
    """Artifact references of the pictures to edit, the one that is changed first; none asks for a new picture."""
    mask: str | None = None
    """Artifact reference of a grey PNG of the first picture's size: white is repainted, black is kept. None leaves the
    place of the change to the editor."""
    width: Pixels | None = None
    height: Pixels | None = None
    """None takes the model's own size, or that of the picture to edit."""
    count: int = Field(default=1, ge=1, le=10)
    """Pictures to make."""
    seed: int | None = Field(default=None, ge=0, lt=2**63)
    steps: int | None = Field(default=None, ge=1, le=1000)
    """Denoising steps, of models that take some."""
    guidance: float | None = Field(default=None, ge=0, le=100)
    """How closely the prompt is followed, of models that have such a scale."""
    negative_prompt: str = Field(default="", max_length=32_000, exclude_if=operator.not_)
    """What the picture does not show, of models that take it."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.mask and not self.images:
            raise ValueError("a mask needs a picture to edit")
        if (self.width is None) != (self.height is None):
            raise ValueError("a size is a width and a height")
        if self.width and self.height and self.width * self.height > MOST_PIXELS:
            raise ValueError(f"a picture has at most {MOST_PIXELS:,} pixels, and this one {self.width}x{self.height}")
        return self


def image_request_hash(request: ImageRequest) -> str:
    """sha256 of the canonical JSON of a request, as 64 hexadecimal digits."""
    return digest(request.model_dump(mode="json", exclude_defaults=True))


class ImageReply(BaseModel):
    """What an image model made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: tuple[str, ...] = ()
    """Artifact references of the pictures; empty where the provider refused to show them."""
    surplus: int = Field(default=0, ge=0, le=1_000_000, exclude_if=operator.not_)
    """Pictures that the provider made beyond those that were asked for: nobody looks at them, and they count."""
    blocked: str = Field(default="", exclude_if=operator.not_)
    """Why the provider refused: its filter, in its words; empty where it did not."""
    model: str
    """The model that answered, as the provider names it."""
    seed_honoured: bool = False
    """Whether the same request gives the same pictures again, as far as the provider says."""
    usage: Usage = Usage()
    """Tokens, of providers that count some."""
    usage_reported: bool = Field(default=True, exclude_if=bool)
    """False if the provider may count tokens and did not say how many; a record then holds all that were reserved."""
    left_out: tuple[str, ...] = Field(default=(), exclude_if=operator.not_)
    """Parameters of the request that the provider does not take, so that the pictures were made without them."""
    cost_usd: Decimal | None = None
    """Cost by the user's price file; None where the model has no price there."""
    seconds: float = Field(default=0.0, ge=0)
    """Wall time of the call that succeeded, without retries and waiting for a slot."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.images and not self.blocked:
            raise ValueError("a reply without pictures says why it was blocked")
        return self


@runtime_checkable
class ImageModel(Protocol):
    """Anything that makes pictures: it stores them by `ModelOptions.keep` and reads them by `ModelOptions.artifact`."""

    @property
    def name(self) -> str:
        """`provider/model`."""
        ...

    @property
    def repeatable(self) -> bool:
        """Whether a call whose result was lost in a crash may be made again without asking."""
        ...

    async def generate(self, request: ImageRequest) -> ImageReply:
        """Makes pictures of a prompt.

        Raises:
            ModelError: The provider failed; the class tells whether to retry.
        """
        ...

    async def edit(self, request: ImageRequest) -> ImageReply:
        """Changes a picture as the prompt says.

        Raises:
            ModelError: The provider failed; the class tells whether to retry.
        """
        ...

    async def close(self) -> None:
        """Frees connections and memory; harmless when called twice."""
        ...


@runtime_checkable
class Connects(Protocol):
    """Optional, of an image model that is handed in as an object: it learns where the pictures of a run are."""

    def connect(self, options: ModelOptions) -> None:
        """Takes the settings of a run, with `artifact` and `keep`, before its first call."""
        ...
