"""The agent that makes maps: it rates each place by a small call, then refines the map stage by stage."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from loopwright.agents import (
    AgentReply,
    AgentRole,
    FansOut,
    KeepsArtifacts,
    KnowsLogprobs,
    ModelClient,
    NamesModels,
    Prompt,
    View,
    load_prompt,
)
from loopwright.candidate import Candidate
from loopwright.errors import ModelError, NoCandidate, ReplyInvalid, UserError
from loopwright.geo._answers import Scale, Unreadable
from loopwright.geo._autocorrelation import moran
from loopwright.geo._covariates import with_covariates
from loopwright.geo._environment import GeoFields, geo_fields
from loopwright.geo._expected import ALTERNATIVES, expected_value
from loopwright.geo._fan_out import T, fan_out
from loopwright.geo._field import Field, known_of
from loopwright.geo._gazetteer import described
from loopwright.geo._libraries import library
from loopwright.geo._neighbours import Neighbours, bearing, find_neighbours
from loopwright.geo._places import Place, parse_places
from loopwright.geo._samples import joined
from loopwright.geo._stage import BY_CALL, Proposal, look, mean_noise, moved, proposal, settle
from loopwright.geo._table import MAP, Table
from loopwright.models import Request
from loopwright.project import Project
from loopwright.types import Message, Sampling

_USUAL = Sampling()
_SHOWN = 10
"""Neighbours that a question shows, at most."""


class MapRefiner:
    """Rates places and refines the map, by the chat model that the task names for the proposer.

    Its prompts are `rate_place.md` and `refine_place.md`.
    """

    role = AgentRole.PROPOSER
    makes_whole = True
    asks_model = True

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        """Makes the first map, or the next stage of the one to improve.

        Raises:
            NoCandidate: No reply could be read, or what to improve is no map that can be refined.
            ModelError: No call reached the model.
            BudgetExceeded: There is no budget left; what was answered is recorded and not paid again.
            MissingExtra: The extra `geo` is not installed.
        """
        asking = await asyncio.to_thread(_Asking.of, view, models)
        before = view.current.candidate if view.current else None
        if before is None:
            return await _rated(asking)
        if MAP not in before.artifacts or "field" not in before.made:
            why = before.made.get("why", "the candidate to improve is no map of this agent")
            raise NoCandidate(f"there is nothing to refine: {why}")
        table = Table.from_csv(await asking.client.get(before.artifacts[MAP]))
        return await _refined(asking, table, before.made)


async def _rated(asking: _Asking) -> AgentReply:
    np = library("numpy")
    outcomes = await asking.fan_out(range(len(asking.places)), asking.rate)
    rating, spread = joined([() if isinstance(one, Exception) else one for one in outcomes.values()])
    if not np.isfinite(rating).any():
        if unreached := next((one for one in outcomes.values() if isinstance(one, ModelError)), None):
            raise unreached
        raise NoCandidate(f"no reply of {asking.model} could be read: {next(iter(outcomes.values()))}")
    unknown = np.full(len(rating), np.nan)
    ground = await asyncio.to_thread(look, asking.places, rating, spread)
    noise = np.full(len(rating), ground.field.noise if ground.field else np.nan)
    noise += 0 if spread is None else spread
    table = Table(
        rating, rating, unknown, noise, tuple("rated" if known else "failed" for known in np.isfinite(rating))
    )
    made: dict[str, Any] = {
        "stage": 0,
        **_counts(outcomes),
        "moran": _index(ground.moran),
        "warranted": ground.warranted,
        "why": ground.why,
        "explained": ground.explained,
    }
    if ground.evidence:
        made["covariates"] = [asdict(one) for one in ground.evidence]
    if ground.field is not None:
        made["field"] = ground.field.as_dict()
    return await asking.reply(table, made)


async def _refined(asking: _Asking, table: Table, made: Mapping[str, Any]) -> AgentReply:
    field = Field(**made["field"])
    proposed = await asyncio.to_thread(proposal, asking.places, field, table)
    near = await asyncio.to_thread(find_neighbours, asking.places, _SHOWN)
    outcomes = await asking.fan_out(
        proposed.asked, lambda client, number: asking.refine(client, number, table, proposed, near, field)
    )
    after = settle(table, proposed, outcomes, asking.fields.scale)
    kept = {name: made[name] for name in ("warranted", "explained", "field")}
    told = {"stage": made["stage"] + 1, **_counts(outcomes), **kept}
    told["counted"] = any(after.status[number] in BY_CALL for number in outcomes)
    index = await asyncio.to_thread(moran, asking.places, after.value)
    told |= {"moved": moved(after), "noise": mean_noise(after), "moran": _index(index.i)}
    return await asking.reply(after, told)


def _index(found: float) -> float | None:
    return None if math.isnan(found) else found


def _counts(outcomes: Mapping[int, object]) -> dict[str, int]:
    failed = sum(isinstance(one, Exception) for one in outcomes.values())
    unreadable = sum(isinstance(one, ReplyInvalid) for one in outcomes.values())
    return {"asked": len(outcomes), "failed": failed, "unreadable": unreadable}


@dataclass(frozen=True, slots=True)
class _Asking:
    """What the questions of an episode have in common."""

    client: Any
    """A `ModelClient` that fans out and keeps artifacts."""
    model: str
    view: View
    fields: GeoFields
    places: Sequence[Place]
    prompts: Mapping[str, Prompt]
    likely: int
    """Alternatives of each token that the model can tell."""

    @classmethod
    def of(cls, view: View, models: ModelClient) -> _Asking:
        if not (isinstance(models, NamesModels) and isinstance(models, KeepsArtifacts) and isinstance(models, FansOut)):
            raise UserError("the map refiner needs a client that fans out and keeps artifacts")
        model = models.named.chat.get("proposer")
        if not model:
            raise UserError("no model is named that could rate places", remedy="Name one: `model: openai/gpt-5-mini`.")
        fields = geo_fields(view.public)
        project = Project(models.named.project)
        prompts = {name: load_prompt(f"{name}.md", project) for name in ("rate_place", "refine_place")}
        slim = view.model_copy(update={"public": {}, "attempts": (), "current": None})
        places = with_covariates(parse_places(fields.places), fields.places, fields.covariates)
        if fields.gazetteer:
            places = described(places)
        likely = ALTERNATIVES if isinstance(models, KnowsLogprobs) and models.can_give_logprobs(model) else 0
        return cls(models, model, slim, fields, places, prompts, likely)

    async def fan_out(
        self, numbers: Sequence[int], ask: Callable[[ModelClient, int], Awaitable[T]]
    ) -> dict[int, T | Exception]:
        """Asks about each of some places, with a way to the model of its own."""
        return await fan_out(
            numbers, lambda number: ask(self.client.part(number), number), in_flight=self.fields.in_flight
        )

    async def rate(self, client: ModelClient, number: int) -> list[float]:
        """What the model says of one place, once or in samples."""
        shown = {"place": self.places[number]}
        likely = self.likely if self.fields.samples == 1 else 0
        samples = range(self.fields.samples)
        return [await self._answer(client, "rate_place", shown, self._drawn, likely) for _ in samples]

    @property
    def _drawn(self) -> Sampling:
        return Sampling(temperature=1.0) if self.fields.samples > 1 else Sampling()

    async def refine(
        self, client: ModelClient, number: int, table: Table, proposed: Proposal, near: Neighbours, field: Field
    ) -> float:
        """What the model says of one place, when it sees what its neighbours were rated."""
        place = self.places[number]
        rows = [
            {
                "place": self.places[other],
                "km": float(km),
                "bearing": bearing(place, self.places[other]),
                "value": value,
                "known": known_of(self.places[other], field),
            }
            for other, km in zip(near.index[number], near.km[number], strict=True)
            if (value := float(table.value[other])) == value
        ]
        expected = float(proposed.expected.mean[number])
        spread = float(proposed.expected.variance[number]) ** 0.5
        shown = {"rating": float(table.rating[number]), "expected": expected, "spread": spread, "neighbours": rows}
        shown["known"] = known_of(place, field)
        return await self._answer(client, "refine_place", {"place": place, **shown})

    async def _answer(
        self, client: ModelClient, prompt: str, shown: Mapping[str, Any], sampling: Sampling = _USUAL, likely: int = 0
    ) -> float:
        """A number on the scale; a reply that cannot be read is asked for once more.

        Args:
            client: The way to the model.
            prompt: Name of the prompt.
            shown: What it shows beside the scale.
            sampling: How the reply is drawn.
            likely: Alternatives of each token, for an expected value.
        """
        scale = Scale(*self.fields.scale)
        view = self.view.model_copy(update={"public": {"scale": scale, **shown}})
        messages = self.prompts[prompt].render(view)
        request = Request(model=self.model, messages=messages, sampling=sampling, top_logprobs=likely)
        seen = "\n".join(message.content for message in messages)
        reply = await client.complete(request)
        try:
            return expected_value(reply.logprobs, scale.read(reply.text, seen), scale)
        except Unreadable as problem:
            repair = f"Your reply cannot be used: {problem}. Answer with one number from {scale} and nothing else."
        said = Message(role="assistant", content=reply.text)
        again = request.model_copy(update={"messages": (*request.messages, said, Message(role="user", content=repair))})
        try:
            return scale.read((await client.complete(again)).text, seen)
        except Unreadable as problem:
            raise ReplyInvalid(f"{self.model} gave no rating, also after one repair: {problem}") from None

    async def reply(self, table: Table, made: Mapping[str, Any]) -> AgentReply:
        """Keeps a map as the candidate."""
        reference = await self.client.put(table.to_csv(self.places))
        return AgentReply(candidate=Candidate(artifacts={MAP: reference}, made=made))
