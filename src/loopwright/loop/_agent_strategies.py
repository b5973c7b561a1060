"""Strategies for tasks that are worked on action by action: shells, databases, interpreters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loopwright.loop._decision import Policy, StopRule
from loopwright.loop._policies import next_action, until_solved
from loopwright.loop._stop_rules import GAVE_UP, PLAN_DONE, STOP_RULES, SUBMITTED

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph

    from loopwright.loop._context import EpisodeContext, LoopState
    from loopwright.loop._nodes import Node


@dataclass(frozen=True, slots=True)
class AgentStrategy:
    """A strategy that acts until the task is solved, given up or out of turns."""

    name: str
    style: str
    """How prompts ask for the next action: `act` for the bare action, `react` for a thought before it."""
    oracle: bool
    """Whether the hidden verdict on every turn decides which one counts: an upper bound, no score of an agent."""
    stop_rules: tuple[StopRule, ...]
    plan: bool = False
    """Whether a plan is made first, one action for each of its steps."""
    acts: bool = True
    asks_person: bool = True
    asks_critic: bool = False

    @property
    def policy(self) -> Policy:
        """Decides where no stop rule does."""
        return until_solved if self.oracle else next_action

    def compile(
        self, checkpointer: BaseCheckpointSaver[Any] | None
    ) -> CompiledStateGraph[LoopState, EpisodeContext, LoopState, LoopState]:
        """Returns the compiled graph."""
        from loopwright.loop._action_nodes import act_with, decide_action, judge, propose_as
        from loopwright.loop._graph import compile_nodes

        nodes: dict[str, Node] = {
            "propose": propose_as(self.style, plan=self.plan),
            "act": act_with(oracle=self.oracle),
            **({"verify": judge} if self.oracle else {}),
            "decide": decide_action(self.policy, self.stop_rules, plan=self.plan),
        }
        return compile_nodes(nodes, checkpointer=checkpointer)


_WITH_REWARD = (*STOP_RULES, GAVE_UP)
_WITHOUT_REWARD = (*STOP_RULES, SUBMITTED)

TRY_AGAIN = AgentStrategy("try_again", "again", oracle=True, stop_rules=_WITH_REWARD)
"""As published: the hidden reward follows every action and is shown; the best turn counts."""
TRY_AGAIN_BLIND = AgentStrategy("try_again_blind", "act", oracle=False, stop_rules=_WITHOUT_REWARD)
"""The same without the reward: the agent says when it is done, and the state at the end counts."""
REACT = AgentStrategy("react", "react", oracle=False, stop_rules=_WITHOUT_REWARD)
"""Thought, action, observation; the agent says when it is done (Yao et al. 2022, arXiv 2210.03629)."""
PLAN_AND_SOLVE = AgentStrategy(
    "plan_and_solve", "step", oracle=True, stop_rules=(*STOP_RULES, PLAN_DONE, GAVE_UP), plan=True
)
"""A plan, then an action for each step (Wang et al. 2023, arXiv 2305.04091); as published the best turn counts, by
rewards that the agent does not see."""
PLAN_AND_SOLVE_REFINE = AgentStrategy("plan_and_solve_refine", "step", oracle=True, stop_rules=_WITH_REWARD, plan=True)
"""The same with turns after the plan, which see the reward."""

ACTING_STRATEGIES = {
    strategy.name: strategy for strategy in (TRY_AGAIN, TRY_AGAIN_BLIND, REACT, PLAN_AND_SOLVE, PLAN_AND_SOLVE_REFINE)
}
"""Strategies for tasks whose candidates are actions, by name."""
