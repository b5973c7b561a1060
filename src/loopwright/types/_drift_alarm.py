"""Alarms of the drift monitor, and the channels that raise them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict


class Category(StrEnum):
    """The four groups of dimensions."""

    RESPONSE = "response"
    TOOLS = "tools"
    COORDINATION = "coordination"
    BOUNDARIES = "boundaries"


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


class DriftAlarm(BaseModel):
    """A channel of the drift monitor does not behave as in the baseline."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["drift_alarm"] = "drift_alarm"
    channel: Channel
    category: Category
    at: int
    """Number of the interaction that raised it, from 0 at the beginning of the session."""
    onset: int
    """Number of the interaction where the change began, about."""
    worse: bool
    """Whether the stability index falls with it; else the change is the other way."""
    shift: float
    """How far the mean moved, in standard deviations of the baseline; 99 at most, as some baselines have no spread."""
    severity: Literal["minor", "moderate", "severe"]
    """By the shift: minor under 0.5, moderate under 1, severe from there on."""
    time: str = ""
    before: tuple[str, ...] = ()
    """Interactions just before the onset where they are still known; in a run as episode and iteration."""
    after: tuple[str, ...] = ()
    """The latest interactions."""
    agent: str | None = None
    """Whose, where work is routed over several."""

    def __str__(self) -> str:
        direction = "worse" if self.worse else "the other way"
        return (
            f"{self.channel} ({TRAITS[self.channel].title}) at {self.at}: {direction} by {abs(self.shift):.2f} sd, "
            f"since about {self.onset}, {self.severity}"
        )
