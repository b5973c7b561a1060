"""The domain types: what flows through a loop, is recorded, and is shown to agents and readers."""

from loopwright.types._arm import ArmUse
from loopwright.types._attempt import Attempt
from loopwright.types._candidate import Candidate
from loopwright.types._control import REQUIRED_CONTROLS, Control, ControlState
from loopwright.types._critique import Critique, DecisionKind
from loopwright.types._drift_alarm import TRAITS, Category, Channel, DriftAlarm, Trait
from loopwright.types._endpoint import Endpoint, EndpointName
from loopwright.types._failure import Failure
from loopwright.types._idea import Idea
from loopwright.types._message import FunctionCall, Message, Role, Tool
from loopwright.types._numbers import PlainNumbers
from loopwright.types._observation import Observation
from loopwright.types._question import LONGEST_ANSWER, Choice, PersonAnswer, Question, QuestionKind
from loopwright.types._sampling import Parameter, Sampling, Seed
from loopwright.types._threshold import CheckThreshold, Threshold, ValueThreshold, describe_threshold, good_enough
from loopwright.types._usage import Usage
from loopwright.types._value import LARGEST_VALUE, Value, ValueOptions
from loopwright.types._verdict import Check, Verdict

__all__ = [
    "LARGEST_VALUE",
    "LONGEST_ANSWER",
    "REQUIRED_CONTROLS",
    "TRAITS",
    "ArmUse",
    "Attempt",
    "Candidate",
    "Category",
    "Channel",
    "Check",
    "CheckThreshold",
    "Choice",
    "Control",
    "ControlState",
    "Critique",
    "DecisionKind",
    "DriftAlarm",
    "Endpoint",
    "EndpointName",
    "Failure",
    "FunctionCall",
    "Idea",
    "Message",
    "Observation",
    "Parameter",
    "PersonAnswer",
    "PlainNumbers",
    "Question",
    "QuestionKind",
    "Role",
    "Sampling",
    "Seed",
    "Threshold",
    "Tool",
    "Trait",
    "Usage",
    "Value",
    "ValueOptions",
    "ValueThreshold",
    "Verdict",
    "describe_threshold",
    "good_enough",
]
