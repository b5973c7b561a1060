"""The twelve dimensions of the Agent Stability Index (Rath 2026, arXiv 2601.04170) as channels of the monitor."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Category(StrEnum):
    """The four groups of dimensions."""

    RESPONSE = "response"
    TOOLS = "tools"
    COORDINATION = "coordination"
    BOUNDARIES = "boundaries"


CATEGORY_WEIGHTS: Final = {
    Category.RESPONSE: 0.30,
    Category.TOOLS: 0.25,
    Category.COORDINATION: 0.25,
    Category.BOUNDARIES: 0.20,
}
"""Weights of the index (section 1.3 of the paper)."""


class Channel(StrEnum):
    """A dimension; its value is its symbol in the paper."""

    C_SEM = "C_sem"
    C_PATH = "C_path"
    C_CONF = "C_conf"
    T_SEL = "T_sel"
    T_SEQ = "T_seq"
    T_PARAM = "T_param"
    I_AGREE = "I_agree"
    I_HANDOFF = "I_handoff"
    I_ROLE = "I_role"
    B_LENGTH = "B_length"
    B_ERROR = "B_error"
    B_HUMAN = "B_human"


@dataclass(frozen=True, slots=True)
class Trait:
    """What is fixed about a channel."""

    category: Category
    title: str
    meaning: str
    """What its score per interaction is; larger is worse."""


TRAITS: Final = {
    Channel.C_SEM: Trait(Category.RESPONSE, "output similarity", "1 - cosine to the centre of the task's outputs"),
    Channel.C_PATH: Trait(Category.RESPONSE, "decision pathway", "mean surprisal of a step given the step before"),
    Channel.C_CONF: Trait(
        Category.RESPONSE, "confidence calibration", "evidence that answers are right less often than this confidence"
    ),
    Channel.T_SEL: Trait(Category.TOOLS, "tool selection", "mean surprisal of a call's tool"),
    Channel.T_SEQ: Trait(Category.TOOLS, "tool sequencing", "mean surprisal of a tool given the one before"),
    Channel.T_PARAM: Trait(Category.TOOLS, "tool parameters", "mean surprisal of a parameter's value"),
    Channel.I_AGREE: Trait(Category.COORDINATION, "consensus", "1 where no two thirds of the votes agree"),
    Channel.I_HANDOFF: Trait(Category.COORDINATION, "hand-off", "messages per accepted delegation"),
    Channel.I_ROLE: Trait(Category.COORDINATION, "role adherence", "surprisal of the agent given the task"),
    Channel.B_LENGTH: Trait(Category.BOUNDARIES, "output length", "log of the output's length"),
    Channel.B_ERROR: Trait(Category.BOUNDARIES, "error pattern", "surprisal of the kind of error, or of none"),
    Channel.B_HUMAN: Trait(Category.BOUNDARIES, "human intervention", "1 where a human overrode"),
}
"""Each channel's trait, in the paper's order."""

CHANNELS: Final = tuple(Channel)


@dataclass(frozen=True, slots=True)
class Signal:
    """A stream of scores that is watched: one for each channel, and a second for two of them."""

    name: str
    channel: Channel
    budget: float
    """Weight in the false-alarm budget: more where one interaction tells less."""
    up: float
    """Share of that budget for the direction in which the index falls; the rest watches the other one."""
    graded: bool = False
    """Whether one value tells a moderate change from garbage, so that a few moderate ones suffice for an alarm."""


HEADING: Final = "C_sem heading"
NOVELTY: Final = "B_error novelty"

SIGNALS: Final = (
    Signal("C_sem", Channel.C_SEM, 0.3, 0.9, graded=True),
    Signal("C_path", Channel.C_PATH, 0.2, 0.9),
    Signal("C_conf", Channel.C_CONF, 2.3, 0.8),
    Signal("T_sel", Channel.T_SEL, 0.2, 0.8),
    Signal("T_seq", Channel.T_SEQ, 0.3, 0.9),
    Signal("T_param", Channel.T_PARAM, 0.9, 0.9),
    Signal("I_agree", Channel.I_AGREE, 2.0, 0.9),
    Signal("I_handoff", Channel.I_HANDOFF, 1.4, 0.9),
    Signal("I_role", Channel.I_ROLE, 3.6, 1.0),
    Signal("B_length", Channel.B_LENGTH, 0.7, 0.7),
    Signal("B_error", Channel.B_ERROR, 0.4, 1.0),
    Signal("B_human", Channel.B_HUMAN, 1.3, 0.9),
    Signal(HEADING, Channel.C_SEM, 0.4, 1.0),
    Signal(NOVELTY, Channel.B_ERROR, 0.4, 1.0),
)
"""The channels in order, then whether outputs keep moving in one direction, and whether errors are of new kinds."""
SIGNAL_NAMES: Final = tuple(signal.name for signal in SIGNALS)
