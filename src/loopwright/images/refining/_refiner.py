"""The agent that draws: new pictures by a generator, and edits by rules from the checks that failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from loopwright.agents import AgentReply, AgentRole, Attempt, CallBounds, DrawsImages, KeepsArtifacts, ModelClient, View
from loopwright.candidate import Candidate
from loopwright.errors import NoCandidate, UserError
from loopwright.images.checklist import Box, Checklist
from loopwright.images.refining._beliefs import after_edit, beliefs, turned
from loopwright.images.refining._gallery import Gallery, Row, chosen_editor, chosen_generator, read_gallery
from loopwright.images.refining._led import meant
from loopwright.images.refining._masks import mask_of, surplus
from loopwright.images.refining._operations import GIVEN, PICTURE, Operation, next_operation, tries_in_stream
from loopwright.images.refining._preparation import checklist_of, given_checklist
from loopwright.images.refining._rates import VOTES, Seen, known_rates, tally
from loopwright.images.refining._stages import next_core
from loopwright.images.refining._votes import ASSUMED, Rates
from loopwright.models.image import ImageRequest, plain_picture
from loopwright.task import Instance

MASK = "mask"
"""Name of the mask of an edit among its candidate's artifacts."""
MOST_WORDS = 4000
"""Characters of a critic's words that an image model is told."""
MASKED = 2
"""Removals in vain after which one is tried without a mask."""


class ImageRefiner:
    """Makes a picture of the goal, or takes the task's own `picture`, and edits it until its checklist holds.

    Fields of the environment that it reads: `size`, `steps`, `guidance`, `negative_prompt`, and `staged`: whether each
    new picture shows a part of what is asked for, and edits add the rest.
    """

    role = AgentRole.PROPOSER
    makes_whole = True
    recalls_attempts = True

    def __init__(self) -> None:
        self._gallery = Gallery()
        self._answers = Counter[Seen]()

    def learn(self, attempts: Sequence[Attempt]) -> None:
        """Counts what image models did in an episode, and how the verifier answered: see `Gallery` and `estimated`."""
        self._gallery.learn(attempts)
        self._answers += tally(attempts)

    async def prepare(self, view: View, models: ModelClient) -> Mapping[str, Any]:
        """Takes the prompt apart, and tells the strategy how many editors there are.

        Raises:
            VerifierError: The prompt has nothing that can be checked.
        """
        checklist = await checklist_of(view, models)
        client = _drawing(models)
        fields: dict[str, Any] = {"checklist": checklist.model_dump(mode="json"), "editors": len(client.named.editors)}
        if view.public.get("staged"):
            fields["staged"] = True
        if view.public.get("learn_rates"):
            fields[VOTES] = [[*seen, count] for seen, count in sorted(self._answers.items())]
        if max(len(client.named.generators), len(client.named.editors)) > 1:
            fields["gallery"] = self._known(view.public.get("gallery"), client.named.project)
        return fields

    def _known(self, file: object, project: Path) -> list[Row]:
        """The counts of the run so far, with those of a file where the task names one."""
        if file is None:
            return self._gallery.rows
        known = read_gallery(project / str(file))
        known.add(self._gallery.rows)
        return known.rows

    def bounds(self, instance: Instance) -> CallBounds:
        """One picture for each act; the chat model makes the checklist where neither task nor rules give one."""
        return CallBounds(images=1, prepares="" if given_checklist(instance) else "a checklist")

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        """Makes a new picture, or edits the one of the attempt to improve.

        Raises:
            NoCandidate: The image model's filter refused.
            UserError: The task's picture is none.
            ModelError: It failed for good.
            BudgetExceeded: There is no budget left for the call.
        """
        client = _drawing(models)
        before = view.current.candidate if view.current else None
        if view.current is None or before is None or not client.named.editors:
            return await self._begin(view, client)
        return await self._edit(view, view.current, before.artifacts[PICTURE], client)

    async def _begin(self, view: View, client: _Draws) -> AgentReply:
        """The picture that the task gives, for which no model is asked; a new one where it gives none."""
        if not view.images:
            return await self._generate(view, client)
        try:
            picture = plain_picture(await client.get(view.images[0]))
        except ValueError as error:
            raise UserError(f"the task's picture cannot be edited: {error}", remedy="Give a whole PNG.") from None
        artifacts = {PICTURE: await client.put(picture)}
        return AgentReply(candidate=Candidate(text=view.goal, artifacts=artifacts, made={"operation": GIVEN}))

    async def _generate(self, view: View, client: _Draws) -> AgentReply:
        name = chosen_generator(view, client)
        prompt, made = _new_prompt(view, staged=bool(client.named.editors))
        request = ImageRequest(model=name, prompt=prompt, **_settings(view))
        return await _drawn(client, request, prompt, {"operation": "generate", **made, "model": name})

    async def _edit(self, view: View, current: Attempt, picture: str, client: _Draws) -> AgentReply:
        checklist, rates = Checklist.model_validate(view.public["checklist"]), known_rates(view.public, view.attempts)
        latest = view.attempts[-1] if view.attempts else current
        if latest.critic_wants != "restart" and (words := latest.critique.strip()[:MOST_WORDS]):
            # A critic was asked: its words go before the rules.
            made = _critics_edit(words, checklist, view.attempts, current, rates)
            aims = Operation("critic", tuple(made.get("aims", ())), words)
            name = chosen_editor(view, client, current.iteration, aims) if aims.aims else client.named.editors[0]
            request = ImageRequest(model=name, prompt=words, images=(picture,), **_settings(view))
            return await _drawn(client, request, words, {**made, "model": name})
        edit = next_edit(checklist, view.attempts, current, rates)
        if edit is None:
            return await self._generate(view, client)
        # Other words first, then another editor.
        name = chosen_editor(view, client, current.iteration, edit.operation)
        mask = await client.put(mask_of(await client.get(picture), edit.region)) if edit.region else None
        request = ImageRequest(model=name, prompt=edit.prompt, images=(picture,), mask=mask, **_settings(view))
        return await _drawn(client, request, edit.prompt, {**edit.made, "model": name})


@dataclass(frozen=True, slots=True)
class PlannedEdit:
    """One operation on a picture, and what is expected of it."""

    operation: Operation
    tries: int
    """How many edits of the stream aimed at the same before."""
    expected: Mapping[str, float]
    """Ids of atoms to the probability that they hold afterwards."""
    region: tuple[Box, ...] = ()
    """Where the picture changes; empty for anywhere."""

    @property
    def prompt(self) -> str:
        """What the editor is told."""
        return self.operation.prompt(self.tries)

    @property
    def made(self) -> dict[str, Any]:
        """What the candidate tells of how it was made."""
        expected = {name: round(holds, 4) for name, holds in self.expected.items()}
        made = {"operation": self.operation.kind, "aims": list(self.operation.aims), "expected": expected}
        return {**made, "region": [list(box) for box in self.region]} if self.region else made


def next_edit(
    checklist: Checklist, attempts: Sequence[Attempt], current: Attempt, rates: Rates = ASSUMED
) -> PlannedEdit | None:
    """The next edit of a picture by the rules; None where no editor could be told what to do.

    Args:
        checklist: What must hold.
        attempts: All pictures so far.
        current: The one to edit.
        rates: Of the verifier.
    """
    tried = tries_in_stream(attempts, current.iteration)
    believed = beliefs(attempts, rates).get(current.iteration) or beliefs([current], rates).get(current.iteration, {})
    operation = next_operation(checklist, current.verdict, believed, tried)
    if operation is None:
        return None
    expected = _expected(checklist, believed, operation.aims)
    tries = tried.get(operation.aims[0], 0)
    region = surplus(operation.aims[0], checklist, current.verdict) if operation.kind == "remove" else ()
    if not region or tries >= MASKED:
        return PlannedEdit(operation, tries, expected)
    # Whatever is left outside of the mask stays: the editor need not choose.
    all_of_it = replace(operation, instruction=operation.instruction.replace("Remove one ", "Remove the "))
    return PlannedEdit(all_of_it, tries, expected, region)


def _expected(checklist: Checklist, believed: Mapping[str, float], aims: Collection[str]) -> dict[str, float]:
    """The probability of each atom after an edit that aims at some of them."""
    aimed = {atom.id: turned(atom.kind) for atom in checklist.atoms if atom.id in aims}
    return {name: after_edit(holds, aimed.get(name)) for name, holds in believed.items()}


def _critics_edit(
    words: str, checklist: Checklist, attempts: Sequence[Attempt], current: Attempt, rates: Rates
) -> dict[str, Any]:
    """What a candidate tells of an edit in a critic's words."""
    believed = beliefs(attempts, rates).get(current.iteration, {})
    aims = meant(words, checklist, attempts, believed)
    expected = {name: round(holds, 4) for name, holds in _expected(checklist, believed, aims).items()}
    return {"operation": "critic", **({"aims": list(aims), "expected": expected} if aims else {})}


def _new_prompt(view: View, *, staged: bool) -> tuple[str, dict[str, Any]]:
    """The words for a new picture, and what its candidate tells of them: the critic's, a plan's first stage, the goal.

    Args:
        view: Of the proposer.
        staged: Whether a plan may have stages: edits add the others.
    """
    latest = view.attempts[-1] if view.attempts else None
    if latest and latest.critic_wants == "restart" and (words := latest.critique.strip()[:MOST_WORDS]):
        return words, {}
    checklist = Checklist.model_validate(view.public["checklist"])
    core = next_core(checklist, view.attempts, always=bool(view.public.get("staged"))) if staged else None
    return (core.prompt, core.made) if core else (view.goal, {})


@runtime_checkable
class _Draws(DrawsImages, KeepsArtifacts, Protocol):
    """What the image refiner needs of its client."""


def _drawing(models: ModelClient) -> _Draws:
    if not isinstance(models, _Draws):
        raise UserError("the image refiner needs a client that reaches image models and keeps pictures")
    return models


def _settings(view: View) -> dict[str, Any]:
    public = view.public
    size = public.get("size")
    known = {name: public[name] for name in ("steps", "guidance", "negative_prompt") if name in public}
    return known if size is None else {**known, "width": size[0], "height": size[1]}


async def _drawn(client: DrawsImages, request: ImageRequest, text: str, made: Mapping[str, Any]) -> AgentReply:
    reply = await client.draw(request)
    if reply.blocked:
        raise NoCandidate(f"{request.model} refused to draw: {reply.blocked}")
    drawn = {PICTURE: reply.images[0]} if request.mask is None else {PICTURE: reply.images[0], MASK: request.mask}
    return AgentReply(candidate=Candidate(text=text, artifacts=drawn, made=made))
