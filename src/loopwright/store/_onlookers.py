"""Checkpoints for those who look on. Nothing of a run rests on them, so the run goes on where they fail."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)

from loopwright.secrets import scrub

_Found = TypeVar("_Found")
_log = logging.getLogger(__name__)


class OnlookersSaver(BaseCheckpointSaver[Any]):
    """Keeps checkpoints in another saver until that fails, which is told once; from then on it keeps none."""

    def __init__(self, saver: BaseCheckpointSaver[Any]) -> None:
        super().__init__(serde=saver.serde)
        self._saver = saver
        self._failed = False

    def get_next_version(self, current: Any, channel: None) -> Any:
        """As the other saver counts versions."""
        return self._saver.get_next_version(current, channel)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The latest checkpoint; None if there is none, or none that can be read."""
        return await self._tried(lambda: self._saver.aget_tuple(config), None)

    async def alist(self, config: RunnableConfig | None, **selected: Any) -> AsyncIterator[CheckpointTuple]:
        """Checkpoints, for those who look on."""
        async for found in self._saver.alist(config, **selected):
            yield found

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Keeps a checkpoint."""
        place = {
            "thread_id": config["configurable"]["thread_id"],
            "checkpoint_ns": config["configurable"].get("checkpoint_ns", ""),
            "checkpoint_id": checkpoint["id"],
        }
        return await self._tried(
            lambda: self._saver.aput(config, checkpoint, metadata, new_versions), RunnableConfig(configurable=place)
        )

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Keeps what a step wrote."""
        await self._tried(lambda: self._saver.aput_writes(config, writes, task_id, task_path), None)

    async def _tried(self, call: Callable[[], Awaitable[_Found]], otherwise: _Found) -> _Found:
        if self._failed:
            return otherwise
        try:
            return await call()
        except Exception as error:  # of the database, its driver, or of what was sent in its place
            if not self._failed:
                self._failed = True
                why = scrub(str(error)).strip()
                _log.warning("no more checkpoints are kept, and the run goes on: %s: %s", type(error).__name__, why)
            return otherwise
