"""Strategies for tasks that are worked on action by action: shells, databases, interpreters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph

    from loopwright.loop._context import EpisodeContext
    from loopwright.loop._nodes import LoopState


@dataclass(frozen=True, slots=True)
class AgentStrategy:
    """A strategy that acts until the task is solved, given up or out of turns."""

    name: str
    style: str
    """How prompts ask for the next action: `act` for the bare action, `react` for a thought before it."""
    oracle: bool
    """Whether the hidden verdict on every turn decides which one counts: an upper bound, no score of an agent."""
    plan: bool = False
    """Whether a plan is made first, one action for each of its steps."""
    refine: bool = False
    """Whether turns may follow after the plan."""
    asks_critic: bool = False

    def compile(
        self, checkpointer: BaseCheckpointSaver[Any] | None
    ) -> CompiledStateGraph[LoopState, EpisodeContext, LoopState, LoopState]:
        """Returns the compiled graph."""
        from langgraph.graph import END, START, StateGraph

        from loopwright.loop._action_nodes import (
            act_with,
            decide_plan,
            judge_with,
            next_action,
            propose_as,
            until_solved,
        )
        from loopwright.loop._context import EpisodeContext
        from loopwright.loop._nodes import LoopState, decide_by

        policy = until_solved if self.oracle else next_action
        decide = decide_plan(refine=self.refine) if self.plan else decide_by(policy)
        graph = StateGraph(LoopState, context_schema=EpisodeContext)
        graph.add_node("propose", propose_as(self.style, plan=self.plan))
        graph.add_node("act", act_with(oracle=self.oracle))
        graph.add_node("verify", judge_with(oracle=self.oracle))
        graph.add_node("decide", decide)
        graph.add_edge(START, "propose")
        graph.add_edge("propose", "act")
        graph.add_edge("act", "verify")
        graph.add_edge("verify", "decide")
        graph.add_conditional_edges("decide", lambda state: END if state["stopped"] else "propose", ["propose", END])
        return graph.compile(checkpointer=checkpointer)


TRY_AGAIN = AgentStrategy("try_again", "again", oracle=True)
"""As published: the hidden reward follows every action and is shown; the best turn counts."""
TRY_AGAIN_BLIND = AgentStrategy("try_again_blind", "act", oracle=False)
"""The same without the reward: the agent says when it is done, and the state at the end counts."""
REACT = AgentStrategy("react", "react", oracle=False)
"""Thought, action, observation; the agent says when it is done (Yao et al. 2022, arXiv 2210.03629)."""
PLAN_AND_SOLVE = AgentStrategy("plan_and_solve", "step", oracle=True, plan=True)
"""A plan, then an action for each step (Wang et al. 2023, arXiv 2305.04091); as published the best turn counts, by
rewards that the agent does not see."""
PLAN_AND_SOLVE_REFINE = AgentStrategy("plan_and_solve_refine", "step", oracle=True, plan=True, refine=True)
"""The same with turns after the plan, which see the reward."""

ACTING_STRATEGIES = {
    strategy.name: strategy for strategy in (TRY_AGAIN, TRY_AGAIN_BLIND, REACT, PLAN_AND_SOLVE, PLAN_AND_SOLVE_REFINE)
}
"""Strategies for tasks whose candidates are actions, by name."""
