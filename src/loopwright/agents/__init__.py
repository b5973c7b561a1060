"""Agents: proposers, critics and model-graded verifiers."""

from loopwright.agents._card import Card, ImageOptions, Prompt, load_card, load_prompt
from loopwright.agents._extract import extract_files
from loopwright.agents._memory import Memory, MemoryTurn, cut_to, latest, tokens_of
from loopwright.agents._model_agent import ModelAgent, load_agent
from loopwright.agents._rule_critic import RuleCritic
from loopwright.agents._types import (
    ActionRequest,
    Agent,
    AgentReply,
    AgentRole,
    AsksModel,
    BoundsCalls,
    CallBounds,
    DrawsImages,
    FansOut,
    HasRandom,
    KeepsArtifacts,
    KnowsLogprobs,
    KnowsTools,
    KnowsTurnSeed,
    Learns,
    ModelClient,
    NamedModels,
    NamesModels,
    Prepares,
    View,
)
from loopwright.types import Attempt, Critique

__all__ = [
    "ActionRequest",
    "Agent",
    "AgentReply",
    "AgentRole",
    "AsksModel",
    "Attempt",
    "BoundsCalls",
    "CallBounds",
    "Card",
    "Critique",
    "DrawsImages",
    "FansOut",
    "HasRandom",
    "ImageOptions",
    "KeepsArtifacts",
    "KnowsLogprobs",
    "KnowsTools",
    "KnowsTurnSeed",
    "Learns",
    "Memory",
    "MemoryTurn",
    "ModelAgent",
    "ModelClient",
    "NamedModels",
    "NamesModels",
    "Prepares",
    "Prompt",
    "RuleCritic",
    "View",
    "cut_to",
    "extract_files",
    "latest",
    "load_agent",
    "load_card",
    "load_prompt",
    "tokens_of",
]
