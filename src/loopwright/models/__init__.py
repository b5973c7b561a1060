"""Chat models behind one protocol."""

from loopwright.models._check import CHECK_TOKENS, CheckCost, ModelCheck, saved_check
from loopwright.models._endpoints import (
    BUILTIN_ENDPOINTS,
    builtin_endpoint,
    endpoints_file,
    load_endpoints,
    moved_endpoint,
    openai_endpoint,
    user_endpoints,
)
from loopwright.models._in_process import InProcess
from loopwright.models._limits import Breaker
from loopwright.models._open import open_model, split_name
from loopwright.models._options import ModelOptions
from loopwright.models._pictures import (
    fit_picture,
    needs_pillow,
    opened_picture,
    picture_header,
    picture_type,
    thumbnail,
)
from loopwright.models._prices import Price, Prices
from loopwright.models._pull import LocalModel, list_models, pull
from loopwright.models._resilient import Clock, OnFailure, Resilient, ResilientImages, RetryPolicy
from loopwright.models.chat._capabilities import Capabilities, Finding, all_capabilities
from loopwright.models.chat._replay import Recorder, Replay, replay_key
from loopwright.models.chat._scripted import Scripted
from loopwright.models.chat._structured import Structured, complete_as, with_longer_limit
from loopwright.models.chat._types import (
    AtEndpoint,
    CallsTools,
    GivesLogprobs,
    Model,
    Reply,
    Request,
    TokenLogprobs,
    calls_tools,
    gives_logprobs,
    request_hash,
)
from loopwright.models.chat._weights import models_folder
from loopwright.replies import extract_json
from loopwright.types import Endpoint, FunctionCall, Message, Role, Sampling, Tool, Usage

__all__ = [
    "BUILTIN_ENDPOINTS",
    "CHECK_TOKENS",
    "AtEndpoint",
    "Breaker",
    "CallsTools",
    "Capabilities",
    "CheckCost",
    "Clock",
    "Endpoint",
    "Finding",
    "FunctionCall",
    "GivesLogprobs",
    "InProcess",
    "LocalModel",
    "Message",
    "Model",
    "ModelCheck",
    "ModelOptions",
    "OnFailure",
    "Price",
    "Prices",
    "Recorder",
    "Replay",
    "Reply",
    "Request",
    "Resilient",
    "ResilientImages",
    "RetryPolicy",
    "Role",
    "Sampling",
    "Scripted",
    "Structured",
    "TokenLogprobs",
    "Tool",
    "Usage",
    "all_capabilities",
    "builtin_endpoint",
    "calls_tools",
    "complete_as",
    "endpoints_file",
    "extract_json",
    "fit_picture",
    "gives_logprobs",
    "list_models",
    "load_endpoints",
    "models_folder",
    "moved_endpoint",
    "needs_pillow",
    "open_model",
    "openai_endpoint",
    "opened_picture",
    "picture_header",
    "picture_type",
    "pull",
    "replay_key",
    "request_hash",
    "saved_check",
    "split_name",
    "thumbnail",
    "user_endpoints",
    "with_longer_limit",
]
