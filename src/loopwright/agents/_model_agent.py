"""An agent made from a card: a prompt filled with the view, and a reply read in the card's form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Literal

from pydantic import BaseModel, Field

from loopwright.agents._card import Card, Prompt
from loopwright.agents._extract import extract_files
from loopwright.agents._stated import Confidence, Words
from loopwright.agents._tool_calls import act_by_tool, calls_none
from loopwright.agents._types import AgentReply, AgentRole, KeepsArtifacts, KnowsTools, ModelClient, View
from loopwright.candidate import Candidate
from loopwright.errors import BudgetExceeded, ModelRejected, NoCandidate, ReplyCut, ToolsRefused
from loopwright.models import Reply, Request, complete_as, with_longer_limit
from loopwright.replies import ends_in_block, read_apart
from loopwright.types import Critique
from loopwright.verify import Check, Verdict


class _JudgedCheck(BaseModel):
    name: str = Field(min_length=1, max_length=80)
    score: float = Field(ge=0, le=1)
    evidence: Words = ""


class _Judgement(BaseModel):
    checks: list[_JudgedCheck] = Field(min_length=1, max_length=12)
    confidence: Confidence = 0.5


class _Ideas(BaseModel):
    ideas: list[str] = Field(min_length=1, max_length=50)


class _Ranking(BaseModel):
    ranking: list[int] = Field(min_length=1, max_length=50)


class _CritiqueReply(BaseModel):
    feedback: str
    decision: Literal["continue", "backtrack", "restart", "stop"] = "continue"
    backtrack_to: int | None = None


@dataclass(frozen=True, slots=True)
class ModelAgent:
    """Plays a role by asking a model."""

    card: Card
    prompt: Prompt
    model: str
    """`provider/model`."""
    tool_prompt: Prompt | None = None
    """The words for a model that can be offered tools; none asks in text always."""

    @property
    def role(self) -> AgentRole:
        """The card's role."""
        return self.card.role

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        """Asks the model and reads its reply.

        Raises:
            AgentError: The reply cannot be read in the card's form.
            ModelError: The provider failed for good.
            BudgetExceeded: There was no budget left for the call.
        """
        if self._offers_tools(view, models):
            with suppress(ToolsRefused):
                return await self._act_by_tool(view, models)
        request = await self._request(self.prompt, view, models)
        match self.card.reply:
            case "critique":
                return AgentReply(critique=await _critique(request, models))
            case "verdict":
                return AgentReply(verdict=await _verdict(request, models))
            case "ideas":
                return AgentReply(ideas=await _ideas(request, models))
            case "ranking":
                numbers = (await complete_as(models, request, _Ranking)).value.ranking
                return AgentReply(ranking=tuple(number - 1 for number in numbers))
            case "files":
                return AgentReply(candidate=await _candidate(request, models, partial(_files, view.public)))
            case "text" | None:
                return AgentReply(candidate=await _candidate(request, models, _text))

    def _offers_tools(self, view: View, models: ModelClient) -> bool:
        offered = self.tool_prompt is not None and view.action.tools and not calls_none(view)
        return bool(offered and isinstance(models, KnowsTools) and models.can_call_tools(self.model))

    async def _act_by_tool(self, view: View, models: ModelClient) -> AgentReply:
        prompt = self.tool_prompt or self.prompt
        return await act_by_tool(await self._request(prompt, view, models), view, prompt.render_turn(view), models)

    async def _request(self, prompt: Prompt, view: View, models: ModelClient) -> Request:
        *before, asked = prompt.render(view)
        asked = asked.model_copy(update={"images": await self._images(view, models)})
        return Request(model=self.model, messages=(*before, asked), sampling=self.card.sampling)

    async def _images(self, view: View, models: ModelClient) -> tuple[str, ...]:
        """References of the pictures that the card shows; of a candidate's artifacts those that are pictures."""
        shown = self.card.images
        if shown is None or not isinstance(models, KeepsArtifacts):
            return ()
        images = [await models.picture(ref, shown.max_side) for ref in view.images if shown.instance]
        candidate = view.current.candidate if view.current and shown.candidate else None
        for reference in candidate.artifacts.values() if candidate else ():
            with suppress(ValueError):
                images.append(await models.picture(reference, shown.max_side))
        return tuple(images)


async def _candidate(request: Request, models: ModelClient, read: Callable[[str, bool], Candidate]) -> Candidate:
    """Asks for a candidate, and once more where the token limit cut the reply before it held one."""
    reply = await models.complete(request)
    if candidate := await _before_limit(reply, read):
        return candidate
    if longer := with_longer_limit(request, reply):
        # A server may have no room for so long a reply either.
        with suppress(BudgetExceeded, ModelRejected):
            reply = await models.complete(longer)
            if candidate := await _before_limit(reply, read):
                return candidate
    thought = ", most of them for its reasoning" if reply.reasoning and not reply.text else ""
    raise ReplyCut(
        f"the reply was cut at the token limit, after {reply.tokens} tokens{thought}, before it held a whole answer: "
        "answer sooner",
        remedy="Raise `sampling.max_tokens` in the agent's card."
        if longer
        else "The limit is the server's own: give it a longer context, or raise `max_tokens` at the server.",
    )


async def _before_limit(reply: Reply, read: Callable[[str, bool], Candidate]) -> Candidate | None:
    """The candidate in a reply; None where the token limit cut the reply before it held a whole one.

    Raises:
        NoCandidate: The reply came to its end, and holds none.
    """
    if reply.finish != "length":
        return await read_apart(lambda text: read(text, False), reply.text)
    if not await read_apart(ends_in_block, reply.text):
        with suppress(NoCandidate):
            return await read_apart(lambda text: read(text, True), reply.text)
    return None


def _text(reply: str, _cut: bool) -> Candidate:
    if not reply.strip():
        raise NoCandidate("the model answered nothing")
    return Candidate(text=reply.strip())


def _files(public: Mapping[str, object], reply: str, cut: bool) -> Candidate:
    given = public.get("files")
    known = frozenset(map(str, given)) if isinstance(given, Mapping) else frozenset()
    return extract_files(reply, entry=str(public.get("entry", "solution.py")), known=known, cut=cut)


async def _critique(request: Request, models: ModelClient) -> Critique:
    answer = (await complete_as(models, request, _CritiqueReply)).value
    return Critique.model_validate(answer.model_dump())


async def _verdict(request: Request, models: ModelClient) -> Verdict:
    answer = (await complete_as(models, request, _Judgement)).value
    # A judge may repeat a name.
    return Verdict.joined(
        Verdict(
            checks=(Check(name=check.name, score=check.score, evidence=check.evidence, confidence=answer.confidence),)
        )
        for check in answer.checks
    )


async def _ideas(request: Request, models: ModelClient) -> tuple[str, ...]:
    """The ideas of a reply, those in the same words once.

    Raises:
        NoCandidate: The reply does not hold any.
    """
    told = (await complete_as(models, request, _Ideas)).value.ideas
    ideas = tuple(dict.fromkeys(text for idea in told if (text := " ".join(idea.split()))))
    if not ideas:
        raise NoCandidate("the reply holds no idea")
    return ideas
