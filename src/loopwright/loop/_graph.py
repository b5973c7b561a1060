"""Builds the LangGraph graph of a strategy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from loopwright.loop._context import EpisodeContext, LoopState
from loopwright.loop._decision import Policy, StopRule, Wanted
from loopwright.loop._stop_rules import STOP_RULES

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph
    from langgraph.runtime import Runtime

    from loopwright.loop._nodes import Node


def compile_loop(
    policy: Policy,
    *,
    critic: bool,
    critic_wanted: Wanted | None = None,
    checkpointer: BaseCheckpointSaver[Any] | None,
    stop_rules: Sequence[StopRule] = STOP_RULES,
    independent: bool = False,
) -> CompiledStateGraph[LoopState, EpisodeContext, LoopState, LoopState]:
    """Compiles propose, act, verify, (critique,) decide into a loop.

    Args:
        policy: Decides where no stop rule does.
        critic: Whether a critic is asked after each verdict.
        critic_wanted: After which verdicts it is asked; None for all.
        checkpointer: Where the small state is kept; None keeps none.
        stop_rules: Asked before the policy and before the critic, in this order; then those that a task names.
        independent: Whether candidates are drawn without a look at each other, so several at the same time.
    """
    from loopwright.loop._nodes import act, critique_unless, decide_by, propose, verify

    critique = {"critique": critique_unless(stop_rules, critic_wanted)} if critic else {}
    decide = decide_by(policy, stop_rules)
    return compile_nodes(
        {"propose": propose, "act": act, "verify": verify, **critique, "decide": decide},
        checkpointer=checkpointer,
        independent=independent,
    )


async def _gated(node: Node, state: LoopState, runtime: Runtime[EpisodeContext]) -> LoopState:
    """A step of the loop, which does not begin while the run is paused."""
    await runtime.context.gate.before_step()
    return await node(state, runtime)


def compile_nodes(
    nodes: Mapping[str, Node], *, checkpointer: BaseCheckpointSaver[Any] | None, independent: bool = False
) -> CompiledStateGraph[LoopState, EpisodeContext, LoopState, LoopState]:
    """Compiles nodes into a loop in their order; the last one decides whether the first comes again.

    Args:
        nodes: The nodes of an iteration by name.
        checkpointer: Where the small state is kept; None keeps none.
        independent: Whether candidates are drawn ahead, several at the same time, before the first node.
    """
    # LangGraph takes a second and a half to import: only what runs a loop pays for it.
    from langgraph.graph import END, START, StateGraph

    from loopwright.loop._draws import draw, draws_or

    graph = StateGraph(LoopState, context_schema=EpisodeContext)
    first, *_, last = nodes
    for name, node in nodes.items():
        # LangGraph reads the bytecode of a plain function for graphs inside of it, which costs more than all the rest.
        graph.add_node(name, partial(_gated, node))
    for source, target in pairwise(nodes):
        graph.add_edge(source, target)
    if independent:
        graph.add_node("draw", draw)
        graph.add_edge("draw", first)
        for source in (START, last):
            graph.add_conditional_edges(source, draws_or(first), ["draw", first, END])
    else:
        graph.add_edge(START, first)

        async def onward(state: LoopState) -> str:
            return END if state["stopped"] else first

        # LangGraph gives a function that is not awaited to a thread.
        graph.add_conditional_edges(last, onward, [first, END])
    return graph.compile(checkpointer=checkpointer)
