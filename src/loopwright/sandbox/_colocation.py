"""Objects beside the sandboxes of another machine, so that what they say to these crosses no network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from loopwright.sandbox._types import SandboxProvider
from loopwright.types import ControlState


@dataclass(frozen=True, slots=True)
class OpenedThere:
    """A sandbox that an object beside it opened."""

    id: str
    provider: str
    image: str
    controls: Sequence[ControlState]
    pooled: bool
    """Whether it was warm when it was asked for."""
    host: str
    """The machine that it is on."""
    labels: Mapping[str, str]
    """Those that the object gave it."""
    seconds: float
    """How long it took."""


class Colocated(Protocol):
    """An object on the machine of its sandboxes."""

    async def call(self, method: str, *arguments: Any, **named: Any) -> Any:
        """Calls a method of it with what can be pickled; one call at a time.

        Raises:
            WorkerLost: Its machine is gone.
            LoopwrightError: What the method raises; any other error of the method comes as a `LoopwrightError`.
        """
        ...

    async def close(self) -> None:
        """Closes it with its sandboxes; harmless when called twice."""
        ...


@runtime_checkable
class ColocatingProvider(Protocol):
    """A provider whose sandboxes may be on other machines."""

    def colocate(
        self,
        make: Callable[[SandboxProvider], Any],
        *,
        labels: Mapping[str, str],
        opened: Callable[[OpenedThere], None],
    ) -> Colocated | None:
        """Places an object beside its sandboxes.

        Args:
            make: Called there with a provider. It can be pickled, and its module is installed there. What it makes
                has methods that are coroutines and do not block the event loop, among them `close`. It keeps nothing
                but sandboxes, as it is made again where its machine was lost.
            labels: What every sandbox that it opens gets in addition.
            opened: Told of each of them, when a call of the object comes back.

        Returns:
            The object; None where the sandboxes are on this machine, so that it is as well made here.
        """
        ...


def colocated(provider: SandboxProvider, make: Callable[[SandboxProvider], Any]) -> Colocated | None:
    """Places an object beside the sandboxes of a provider; None where they are here, or where that cannot be."""
    if not isinstance(provider, ColocatingProvider):
        return None
    return provider.colocate(make, labels={}, opened=lambda sandbox: None)
