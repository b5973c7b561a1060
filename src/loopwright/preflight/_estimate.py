"""The most that a run can make of model calls and cost: from caps, and from what strategies can do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from loopwright.agents import Agent, AgentRole, ModelAgent, RuleCritic
from loopwright.loop import BUILTIN_STRATEGIES, AgentStrategy, traits_of
from loopwright.models import Prices, Usage
from loopwright.plan import PlannedEpisode, ResolvedComponents
from loopwright.preflight._validate import CheckedRun
from loopwright.session import most_calls, sessions_of
from loopwright.task import CapOptions

_CALLS_EACH = 2
"""A reply that cannot be read, or that a limit cut, is asked for once more."""

_CLASSES = tuple(Usage.model_fields)

Amount = TypeVar("Amount", int, Decimal)


@dataclass(frozen=True, slots=True)
class Estimate:
    """The most that some episodes can come to; None where nothing bounds it."""

    episodes: int
    model_calls: int | None
    usd: Decimal | None


@dataclass(frozen=True, slots=True)
class RunEstimate:
    """The most that a run can come to."""

    variants: dict[tuple[str, str], Estimate]
    """By task and variant; caps that are shared among them are left out here."""
    total: Estimate


def estimate_run(checked: CheckedRun) -> RunEstimate:
    """Bounds a run. A custom strategy or agent is bounded by caps alone."""
    groups: dict[tuple[str, str], list[PlannedEpisode]] = {}
    for episode in checked.episodes:
        groups.setdefault((episode.task.name, episode.variant), []).append(episode)
    variants = {key: _of_variant(episodes, checked) for key, episodes in groups.items()}
    tasks = []
    for task in checked.config.tasks:
        mine = [bound for (name, _), bound in variants.items() if name == task.name]
        casts = [cast for (name, _), cast in checked.casts.items() if name == task.name]
        tasks.append(_capped(_sum(mine), task.budget.run, _dearest(casts, checked.prices)))
    dearest = _dearest(checked.casts.values(), checked.prices)
    return RunEstimate(variants, _capped(_sum(tasks), checked.config.budget, dearest))


def _of_variant(episodes: Sequence[PlannedEpisode], checked: CheckedRun) -> Estimate:
    first = episodes[0]
    cast = checked.cast(first)
    one = _capped(Estimate(1, _calls(first, cast), None), first.task.budget, _dearest([cast], checked.prices))
    n = len(episodes)
    judge = cast.agents.get(AgentRole.VERIFIER)
    per_probe = _CALLS_EACH + (_calls_of(judge) or 0 if judge else 0)
    beside = sum(most_calls(session, per_probe) for session in sessions_of(episodes).values())
    return Estimate(
        n,
        None if one.model_calls is None else one.model_calls * n + beside,
        # What mitigations cost is bounded by caps on all episodes alone.
        None if one.usd is None or beside else one.usd * n,
    )


def _calls(episode: PlannedEpisode, cast: ResolvedComponents) -> int | None:
    """Model calls that the loop itself can make."""
    per_iteration = [_calls_of(agent) for role, agent in cast.agents.items() if role is not AgentRole.SUMMARIZER]
    if BUILTIN_STRATEGIES.get(episode.strategy) is not cast.strategy or None in per_iteration:
        return None
    iterations = 1 if traits_of(cast.strategy).one_candidate else episode.task.loop.max_iterations
    # An answer that passed may be refined once more.
    iterations += episode.task.loop.idempotence and not traits_of(cast.strategy).acts
    plan = _CALLS_EACH if isinstance(cast.strategy, AgentStrategy) and cast.strategy.plan else 0
    return plan + iterations * sum(calls or 0 for calls in per_iteration)


def _calls_of(agent: Agent) -> int | None:
    match agent:
        case RuleCritic():
            return 0
        case ModelAgent():
            return _CALLS_EACH
        case _:
            return None


def _capped(bound: Estimate, caps: CapOptions, dearest: Decimal | None) -> Estimate:
    usd = [bound.usd, None if caps.usd is None else Decimal(str(caps.usd))]
    if dearest is not None:
        usd.append(None if caps.tokens is None else caps.tokens * dearest / 1_000_000)
        # What costs nothing a token costs nothing in any number.
        usd.append(Decimal(0) if dearest == 0 else None)
    return Estimate(bound.episodes, _least([bound.model_calls, caps.model_calls]), _least(usd))


def _dearest(casts: Iterable[ResolvedComponents], prices: Prices | None) -> Decimal | None:
    """USD per million tokens of the dearest class of the dearest model; None where a price is not known."""
    casts = list(casts)
    if any(_calls_of(agent) is None for cast in casts for agent in cast.agents.values()):
        return None  # An agent of one's own reaches any model.
    dearest = Decimal(0)
    for model in {model for cast in casts for model in cast.models.values()}:
        amounts = [prices.cost(model, Usage.model_validate({name: 1_000_000})) for name in _CLASSES] if prices else []
        known = [amount for amount in amounts if amount is not None]
        if not known:
            return None
        dearest = max(dearest, *known)
    return dearest


def _sum(bounds: Sequence[Estimate]) -> Estimate:
    return Estimate(
        sum(bound.episodes for bound in bounds),
        _total([bound.model_calls for bound in bounds], 0),
        _total([bound.usd for bound in bounds], Decimal(0)),
    )


def _total(amounts: Sequence[Amount | None], zero: Amount) -> Amount | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, zero) if len(known) == len(amounts) else None


def _least(amounts: Sequence[Amount | None]) -> Amount | None:
    return min((amount for amount in amounts if amount is not None), default=None)
