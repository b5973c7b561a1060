"""The record of a run: events, artifacts, checkpoints."""

from loopwright.store._cache import ResponseCache
from loopwright.store._call_events import CallFinished, CallIntended
from loopwright.store._calls import CallKey
from loopwright.store._events import (
    IDEMPOTENCE,
    SCHEMA_VERSION,
    Critiqued,
    Decided,
    EpisodeFinished,
    EpisodePrepared,
    EpisodeStarted,
    Event,
    Failed,
    Graded,
    IdeaChosen,
    IdempotenceChecked,
    Judged,
    Observed,
    Payload,
    Proposed,
    RunFinished,
    RunResumed,
    RunStarted,
    SandboxOpened,
)
from loopwright.store._mark import is_working_copy
from loopwright.store._origin import made_here, sealed
from loopwright.store._payload import check_spent
from loopwright.store._person_events import PersonAnswered, PersonAsked
from loopwright.store._read import Glance, Glances, Manifest, RunRecord, read_run
from loopwright.store._replica import Replica, Share
from loopwright.store._run import RunStore
from loopwright.store._session_events import BaselineFrozen, Mitigated, Routed
from loopwright.store._steering import RunSteered
from loopwright.store._writer import Writer
from loopwright.types import DriftAlarm

__all__ = [
    "IDEMPOTENCE",
    "SCHEMA_VERSION",
    "BaselineFrozen",
    "CallFinished",
    "CallIntended",
    "CallKey",
    "Critiqued",
    "Decided",
    "DriftAlarm",
    "EpisodeFinished",
    "EpisodePrepared",
    "EpisodeStarted",
    "Event",
    "Failed",
    "Glance",
    "Glances",
    "Graded",
    "IdeaChosen",
    "IdempotenceChecked",
    "Judged",
    "Manifest",
    "Mitigated",
    "Observed",
    "Payload",
    "PersonAnswered",
    "PersonAsked",
    "Proposed",
    "Replica",
    "ResponseCache",
    "Routed",
    "RunFinished",
    "RunRecord",
    "RunResumed",
    "RunStarted",
    "RunSteered",
    "RunStore",
    "SandboxOpened",
    "Share",
    "Writer",
    "check_spent",
    "is_working_copy",
    "made_here",
    "read_run",
    "sealed",
]
