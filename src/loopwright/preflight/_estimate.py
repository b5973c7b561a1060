"""The most that a run can make of model calls, pictures and cost: from caps, and from what strategies can do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeVar

from loopwright.agents import AgentRole
from loopwright.loop import (
    BUILTIN_STRATEGIES,
    MAX_ITERATIONS,
    AgentStrategy,
    RefinementStrategy,
    SearchStrategy,
    Strategy,
    traits_of,
)
from loopwright.models import Prices, Usage
from loopwright.plan import PlannedEpisode, ResolvedComponents
from loopwright.preflight._bounds import bounds_of, chat_models
from loopwright.preflight._validate import CheckedRun
from loopwright.session import most_calls, sessions_of
from loopwright.task import CapOptions, Instance

_CALLS_EACH = 2
"""A reply that cannot be read, or that a limit cut, is asked for once more."""

_CLASSES = tuple(Usage.model_fields)

Amount = TypeVar("Amount", int, Decimal)


@dataclass(frozen=True, slots=True)
class Estimate:
    """The most that some episodes can come to; None where nothing bounds it."""

    episodes: int
    model_calls: int | None
    images: int | None = 0
    """Pictures."""
    images_usd: Decimal | None = None
    """What the pictures cost by their price each: a part of `usd`. Tokens of image models are not in it."""
    usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class RunEstimate:
    """The most that a run can come to."""

    variants: dict[tuple[str, str], Estimate]
    """By task and variant; caps that are shared among them are left out here."""
    total: Estimate


@dataclass(frozen=True, slots=True)
class _Dearest:
    """The prices of the dearest models; None where one is not known."""

    tokens: Decimal | None
    """USD per million tokens of the dearest class."""
    picture: Decimal | None
    """USD per picture."""


def estimate_run(checked: CheckedRun) -> RunEstimate:
    """Bounds a run. Strategies and agents of one's own are bounded by caps alone, unless they tell."""
    groups: dict[tuple[str, str], list[PlannedEpisode]] = {}
    for episode in checked.episodes:
        groups.setdefault((episode.task.name, episode.variant), []).append(episode)
    variants = {key: _of_variant(episodes, checked) for key, episodes in groups.items()}
    casts = {key: (cast, checked.instances[key[0]]) for key, cast in checked.casts.items()}
    tasks = []
    for task in checked.config.tasks:
        mine = [bound for (name, _), bound in variants.items() if name == task.name]
        its = [cast for (name, _), cast in casts.items() if name == task.name]
        tasks.append(_capped(_sum(mine), task.budget.run, _dearest(its, checked.prices)))
    return RunEstimate(variants, _capped(_sum(tasks), checked.config.budget, _dearest(casts.values(), checked.prices)))


def _of_variant(episodes: Sequence[PlannedEpisode], checked: CheckedRun) -> Estimate:
    first = episodes[0]
    cast = checked.cast(first)
    dearest = _dearest([(cast, checked.instances[first.task.name])], checked.prices)
    loops = _sum([_capped(_loop(episode, cast), episode.task.budget, dearest) for episode in episodes])
    judge = cast.agents.get(AgentRole.VERIFIER)
    judging = bounds_of(judge, first.instance) if judge else None
    per_probe = _CALLS_EACH + (_CALLS_EACH * judging.requests if judging else 0)
    beside = sum(most_calls(session, per_probe) for session in sessions_of(episodes).values())
    return replace(
        loops,
        model_calls=None if loops.model_calls is None else loops.model_calls + beside,
        # What mitigations cost is bounded by caps on all episodes alone.
        usd=None if beside else loops.usd,
    )


def _loop(episode: PlannedEpisode, cast: ResolvedComponents) -> Estimate:
    """What one loop itself can make."""
    agents = [agent for role, agent in cast.agents.items() if role is not AgentRole.SUMMARIZER]
    agents += [arm.agent for arm in cast.arms.values()]
    told = [bounds_of(agent, episode.instance) for agent in agents]
    bounds = [one for one in told if one is not None]
    draws = bool(cast.named.generators or cast.named.editors)
    if not _ends(cast.strategy) or len(bounds) < len(told):
        return Estimate(1, None, None if draws else 0)
    iterations = 1 if traits_of(cast.strategy).one_candidate else episode.task.loop.max_iterations
    # An answer that passed may be refined once more.
    iterations += episode.task.loop.idempotence and not traits_of(cast.strategy).acts
    before = sum(bool(one.prepares) for one in bounds)
    before += isinstance(cast.strategy, AgentStrategy) and cast.strategy.plan
    calls = _CALLS_EACH * (before + iterations * sum(one.requests for one in bounds))
    return Estimate(1, calls, iterations * sum(one.images for one in bounds) if draws else 0)


def _ends(strategy: Strategy) -> bool:
    """Whether a strategy is known to end by the number of iterations."""
    own = isinstance(strategy, RefinementStrategy | SearchStrategy) and MAX_ITERATIONS in strategy.stop_rules
    return own or BUILTIN_STRATEGIES.get(strategy.name) is strategy


def _capped(bound: Estimate, caps: CapOptions, dearest: _Dearest) -> Estimate:
    images = _least([bound.images, caps.images])
    by_picture = Decimal(0) if images == 0 else None
    if images is not None and dearest.picture is not None:
        by_picture = images * dearest.picture
    images_usd = _least([bound.images_usd, by_picture])
    usd = [bound.usd, None if caps.usd is None else Decimal(str(caps.usd))]
    if dearest.tokens is not None and images_usd is not None:
        usd.append(None if caps.tokens is None else caps.tokens * dearest.tokens / 1_000_000 + images_usd)
        # What costs nothing a token costs nothing in any number.
        usd.append(images_usd if dearest.tokens == 0 else None)
    return Estimate(bound.episodes, _least([bound.model_calls, caps.model_calls]), images, images_usd, _least(usd))


def _dearest(casts: Iterable[tuple[ResolvedComponents, Sequence[Instance]]], prices: Prices | None) -> _Dearest:
    casts = list(casts)
    for cast, instances in casts:
        makers = [arm.agent for arm in cast.arms.values()]
        if any(bounds_of(agent, instances[0]) is None for agent in [*cast.agents.values(), *makers]):
            return _Dearest(None, None)  # An agent of one's own reaches any model.
    chat = {model for cast, instances in casts for model in chat_models(cast, instances)}
    drawing = {model for cast, _ in casts for model in (*cast.named.generators, *cast.named.editors)}
    tokens = [_per_million(model, prices) for model in {*chat, *drawing}]
    pictures = [prices.cost(model, Usage(), images=1) if prices else None for model in drawing]
    return _Dearest(_most(tokens), _most(pictures))


def _per_million(model: str, prices: Prices | None) -> Decimal | None:
    amounts = [prices.cost(model, Usage.model_validate({name: 1_000_000})) for name in _CLASSES] if prices else []
    return max((amount for amount in amounts if amount is not None), default=None)


def _sum(bounds: Sequence[Estimate]) -> Estimate:
    return Estimate(
        sum(bound.episodes for bound in bounds),
        _total([bound.model_calls for bound in bounds], 0),
        _total([bound.images for bound in bounds], 0),
        _total([bound.images_usd for bound in bounds], Decimal(0)),
        _total([bound.usd for bound in bounds], Decimal(0)),
    )


def _total(amounts: Sequence[Amount | None], zero: Amount) -> Amount | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, zero) if len(known) == len(amounts) else None


def _most(amounts: Sequence[Decimal | None]) -> Decimal | None:
    """The largest amount; None where one is not known."""
    known = [amount for amount in amounts if amount is not None]
    return max(known, default=Decimal(0)) if len(known) == len(amounts) else None


def _least(amounts: Sequence[Amount | None]) -> Amount | None:
    return min((amount for amount in amounts if amount is not None), default=None)
