"""Chat models behind one protocol."""

from loopwright.models._hash import request_hash
from loopwright.models._open import open_model, split_name
from loopwright.models._options import ModelOptions
from loopwright.models._replay import Recorder, Replay, replay_key
from loopwright.models._scripted import Scripted
from loopwright.models._structured import Structured, complete_as, extract_json
from loopwright.models._types import Message, Model, Reply, Request, Role, Sampling, Usage

__all__ = [
    "Message",
    "Model",
    "ModelOptions",
    "Recorder",
    "Replay",
    "Reply",
    "Request",
    "Role",
    "Sampling",
    "Scripted",
    "Structured",
    "Usage",
    "complete_as",
    "extract_json",
    "open_model",
    "replay_key",
    "request_hash",
    "split_name",
]
