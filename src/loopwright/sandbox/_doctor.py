"""What isolation this machine can give."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from loopwright.errors import SandboxError
from loopwright.sandbox._open import open_provider
from loopwright.sandbox._types import SandboxSpec
from loopwright.types import Control, ControlState


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What one provider can do here."""

    provider: str
    available: bool
    said: str
    """What the sandbox was made of, or why there is none."""
    remedy: str = ""
    """What would make the provider available; empty where it is."""
    controls: Sequence[ControlState] = ()
    """One for each control; none where the provider is not available."""
    seconds: float = 0.0
    """Time to open a sandbox that was not warm."""

    @property
    def missing(self) -> Sequence[ControlState]:
        """Controls that are not in force, with what would put them so."""
        return [state for state in self.controls if not state.in_force]


async def doctor(image: str | None = None) -> Sequence[Diagnosis]:
    """Opens a sandbox with each provider and reads back what is in force.

    Args:
        image: Docker image to try; None for the default one.
    """
    return [await _try("docker", image), await _try("bubblewrap", None)]


async def _try(name: str, image: str | None) -> Diagnosis:
    spec = SandboxSpec(image=image, require=frozenset[Control]())
    try:
        provider = await open_provider(name)
    except SandboxError as error:
        return Diagnosis(name, available=False, said=str(error.args[0]), remedy=error.remedy)
    try:
        started = time.monotonic()
        sandbox = await provider.open(spec)
        seconds = time.monotonic() - started
        return Diagnosis(name, available=True, said=sandbox.image, controls=sandbox.controls, seconds=seconds)
    except SandboxError as error:
        return Diagnosis(name, available=False, said=str(error.args[0]), remedy=error.remedy)
    finally:
        await provider.close()
