"""The twelve dimensions of the Agent Stability Index (Rath 2026, arXiv 2601.04170) as channels of the monitor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from loopwright.types import Category, Channel

CATEGORY_WEIGHTS: Final = {
    Category.RESPONSE: 0.30,
    Category.TOOLS: 0.25,
    Category.COORDINATION: 0.25,
    Category.BOUNDARIES: 0.20,
}
"""Weights of the index (section 1.3 of the paper)."""


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
