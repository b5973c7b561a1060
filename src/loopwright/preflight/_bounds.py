"""How often the agents of a task ask models, as far as they tell before a run."""

from __future__ import annotations

from collections.abc import Sequence

from loopwright.agents import Agent, AgentRole, BoundsCalls, CallBounds, ModelAgent, RuleCritic
from loopwright.plan import ResolvedComponents
from loopwright.task import Instance


def bounds_of(agent: Agent, instance: Instance) -> CallBounds | None:
    """The most that an agent asks of models for an instance; None of an agent of one's own that does not tell."""
    match agent:
        case RuleCritic():
            return CallBounds()
        case ModelAgent():
            return CallBounds(requests=1)
        case BoundsCalls():
            return agent.bounds(instance)
        case _:
            return None


def prepared_by_model(cast: ResolvedComponents, instances: Sequence[Instance]) -> dict[str, str]:
    """Id of each instance for which the proposer asks its chat model before the loop, to what it asks for."""
    proposer = cast.agents.get(AgentRole.PROPOSER)
    bounds = [bounds_of(proposer, one) for one in instances] if proposer else []
    return {one.id: bound.prepares for one, bound in zip(instances, bounds, strict=False) if bound and bound.prepares}


def chat_models(cast: ResolvedComponents, instances: Sequence[Instance]) -> set[str]:
    """The chat models that are asked, as far as can be known."""
    before = cast.named.chat.get(AgentRole.PROPOSER) if prepared_by_model(cast, instances) else None
    return {*cast.models.values(), *([before] if before else [])}
