"""Agents: proposers, critics and model-graded verifiers."""

from loopwright.agents._card import Card, Prompt, load_card, load_prompt
from loopwright.agents._extract import extract_files
from loopwright.agents._model_agent import ModelAgent, load_agent
from loopwright.agents._rules import RuleCritic
from loopwright.agents._types import (
    Agent,
    AgentReply,
    AgentRole,
    Attempt,
    Completes,
    Critique,
    View,
)

__all__ = [
    "Agent",
    "AgentReply",
    "AgentRole",
    "Attempt",
    "Card",
    "Completes",
    "Critique",
    "ModelAgent",
    "Prompt",
    "RuleCritic",
    "View",
    "extract_files",
    "load_agent",
    "load_card",
    "load_prompt",
]
