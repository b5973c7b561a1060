"""Builds the LangGraph graph of a strategy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from loopwright.loop._context import EpisodeContext, LoopState
from loopwright.loop._decision import Policy, StopRule
from loopwright.loop._stop_rules import STOP_RULES

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph


def compile_loop(
    policy: Policy,
    *,
    critic: bool,
    checkpointer: BaseCheckpointSaver[Any] | None,
    stop_rules: Sequence[StopRule] = STOP_RULES,
) -> CompiledStateGraph[LoopState, EpisodeContext, LoopState, LoopState]:
    """Compiles propose, act, verify, (critique,) decide into a loop.

    Args:
        policy: Decides where no stop rule does.
        critic: Whether a critic is asked after each verdict.
        checkpointer: Where the small state is kept; None keeps none.
        stop_rules: Asked before the policy and before the critic, in this order; then those that a task names.
    """
    # LangGraph takes a second and a half to import: only what runs a loop pays for it.
    from langgraph.graph import END, START, StateGraph

    from loopwright.loop._nodes import act, critique_unless, decide_by, propose, verify

    graph = StateGraph(LoopState, context_schema=EpisodeContext)
    graph.add_node("propose", propose)
    graph.add_node("act", act)
    graph.add_node("verify", verify)
    graph.add_node("decide", decide_by(policy, stop_rules))
    graph.add_edge(START, "propose")
    graph.add_edge("propose", "act")
    graph.add_edge("act", "verify")
    if critic:
        graph.add_node("critique", critique_unless(stop_rules))
        graph.add_edge("verify", "critique")
        graph.add_edge("critique", "decide")
    else:
        graph.add_edge("verify", "decide")
    graph.add_conditional_edges("decide", lambda state: END if state["stopped"] else "propose", ["propose", END])
    return graph.compile(checkpointer=checkpointer)
