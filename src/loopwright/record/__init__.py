"""A run as its record tells it: episodes with their iterations, and sessions. Every reader of a run starts here."""

from loopwright.record._calls import CallLog, CallRecord
from loopwright.record._episode import EpisodeRecord, Incident, IterationPart, IterationRecord
from loopwright.record._run import Episodes, RunReader, SessionRecord, is_session, session_name
from loopwright.record._spent import ResultOf, Spent, inline_result

__all__ = [
    "CallLog",
    "CallRecord",
    "EpisodeRecord",
    "Episodes",
    "Incident",
    "IterationPart",
    "IterationRecord",
    "ResultOf",
    "RunReader",
    "SessionRecord",
    "Spent",
    "inline_result",
    "is_session",
    "session_name",
]
