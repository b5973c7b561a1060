"""The record of a run: events, artifacts, checkpoints."""

from loopwright.store._cache import ResponseCache
from loopwright.store._calls import CallKey
from loopwright.store._events import (
    SCHEMA_VERSION,
    CallFinished,
    CallIntended,
    Critiqued,
    Decided,
    EpisodeFinished,
    EpisodeStarted,
    Event,
    Failed,
    Graded,
    Judged,
    Observed,
    Payload,
    Proposed,
    RunFinished,
    RunResumed,
    RunStarted,
    SandboxOpened,
)
from loopwright.store._read import Manifest, RunRecord, read_run
from loopwright.store._run import RunStore

__all__ = [
    "SCHEMA_VERSION",
    "CallFinished",
    "CallIntended",
    "CallKey",
    "Critiqued",
    "Decided",
    "EpisodeFinished",
    "EpisodeStarted",
    "Event",
    "Failed",
    "Graded",
    "Judged",
    "Manifest",
    "Observed",
    "Payload",
    "Proposed",
    "ResponseCache",
    "RunFinished",
    "RunRecord",
    "RunResumed",
    "RunStarted",
    "RunStore",
    "SandboxOpened",
    "read_run",
]
