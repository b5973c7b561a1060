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
    budget: float
    """Weight in the false-alarm budget: more where one interaction tells less."""
    up: float
    """Share of that budget for the direction in which the index falls; the rest watches the other one."""
    graded: bool = False
    """Whether one value tells a moderate change from garbage, so that a few moderate ones suffice for an alarm."""


TRAITS: Final = {
    Channel.C_SEM: Trait(
        Category.RESPONSE, "output similarity", "1 - cosine to the centre of the task's outputs", 0.8, 0.9, graded=True
    ),
    Channel.C_PATH: Trait(
        Category.RESPONSE, "decision pathway", "mean surprisal of a step given the step before", 0.3, 0.9
    ),
    Channel.C_CONF: Trait(Category.RESPONSE, "confidence calibration", "confidence - correct", 1.2, 0.8),
    Channel.T_SEL: Trait(Category.TOOLS, "tool selection", "mean surprisal of a call's tool", 0.3, 0.8),
    Channel.T_SEQ: Trait(Category.TOOLS, "tool sequencing", "mean surprisal of a tool given the one before", 0.5, 0.9),
    Channel.T_PARAM: Trait(Category.TOOLS, "tool parameters", "mean surprisal of a parameter's value", 0.9, 0.9),
    Channel.I_AGREE: Trait(Category.COORDINATION, "consensus", "1 where no two thirds of the votes agree", 2.0, 0.9),
    Channel.I_HANDOFF: Trait(Category.COORDINATION, "hand-off", "messages per accepted delegation", 1.5, 0.9),
    Channel.I_ROLE: Trait(Category.COORDINATION, "role adherence", "surprisal of the agent given the task", 0.8, 0.9),
    Channel.B_LENGTH: Trait(Category.BOUNDARIES, "output length", "log of the output's length", 1.1, 0.7),
    Channel.B_ERROR: Trait(
        Category.BOUNDARIES, "error pattern", "surprisal of the kind of error, or of none", 1.4, 0.9
    ),
    Channel.B_HUMAN: Trait(Category.BOUNDARIES, "human intervention", "1 where a human overrode", 2.0, 0.9),
}
"""Each channel's trait, in the paper's order."""

CHANNELS: Final = tuple(Channel)
