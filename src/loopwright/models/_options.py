"""What the user sets about a model beside its name."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from loopwright.files import home_path
from loopwright.types import Endpoint


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """Settings of a model. What is left out comes from the environment, then from the defaults."""

    timeout: float = 300.0
    """Seconds of silence after which one call (not its retries) is given up."""
    base_url: str | None = None
    """For `openai/...`; None for OPENAI_BASE_URL, then OpenAI's own."""
    api_key: str | None = field(default=None, repr=False)
    """For `openai/...`; None for OPENAI_API_KEY."""
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    """Name to endpoint, beside the built-in ones; they go before those of the same name."""
    repeatable: bool = True
    """For `openai/...`: whether a call whose result was lost in a crash may be made again; it is paid twice then."""
    folder: Path | None = None
    """What relative paths in model names are relative to; None for the current folder."""
    slots: int = 4
    """For `local/...` and `diffusers/...`: how many requests are worked on at the same time."""
    context: int = 4096
    """For `local/...`: tokens of prompt and reply together, for each slot."""
    threads: int = field(default_factory=lambda: min(8, len(os.sched_getaffinity(0))))
    """For `local/...` and `diffusers/...`; the cores of this process, but no more than small models gain from."""
    in_order: bool = False
    """For `replay/...`: requests that the recording does not hold get its next unused reply."""
    artifact: Callable[[str], Awaitable[bytes]] | None = field(default=None, repr=False)
    """Returns the bytes behind an image reference; needed for messages that show images."""
    keep: Callable[[bytes], Awaitable[str]] | None = field(default=None, repr=False)
    """Stores bytes and returns their reference; needed by image models."""

    def path(self, name: str) -> Path:
        """A path that a model name holds, made absolute."""
        return ((self.folder or Path.cwd()) / home_path(name)).absolute()

    @property
    def start(self) -> str:
        """What a message on a path that is not there says about where it starts."""
        whose = "the project of the task" if self.folder else "the current folder"
        return f"A relative path in a model's name starts at {whose}, {self.path('')}."
