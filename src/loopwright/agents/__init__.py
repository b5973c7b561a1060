"""Agents: proposers, critics and model-graded verifiers."""

from loopwright.agents._types import (
    Agent,
    AgentReply,
    AgentRole,
    Attempt,
    Completes,
    Critique,
    View,
)

__all__ = ["Agent", "AgentReply", "AgentRole", "Attempt", "Completes", "Critique", "View"]
