"""Commands to a run that another process works on, over a Unix socket in the run's folder."""

from loopwright.control._address import SOCKET
from loopwright.control._client import ask
from loopwright.control._messages import (
    LARGEST_REQUEST,
    AskStatus,
    Command,
    Continue,
    ControlReply,
    ControlRequest,
    EpisodeStatus,
    GiveAnswer,
    Pause,
    Retry,
    RunStatus,
    SetCap,
    SetConcurrency,
    Skip,
    Stop,
)
from loopwright.control._server import ControlServer

__all__ = [
    "LARGEST_REQUEST",
    "SOCKET",
    "AskStatus",
    "Command",
    "Continue",
    "ControlReply",
    "ControlRequest",
    "ControlServer",
    "EpisodeStatus",
    "GiveAnswer",
    "Pause",
    "Retry",
    "RunStatus",
    "SetCap",
    "SetConcurrency",
    "Skip",
    "Stop",
    "ask",
]
