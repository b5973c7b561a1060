"""The vision verifier: a chat model that is shown the picture answers the checklist."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator

from loopwright.agents import (
    AgentReply,
    AgentRole,
    CallBounds,
    Confidence,
    DrawsImages,
    KeepsArtifacts,
    KnowsLogprobs,
    ModelClient,
    NamesModels,
    View,
    Words,
    load_prompt,
)
from loopwright.errors import AgentError, VerifierError
from loopwright.images.checklist import Answer, Atom, Box, CountAtom
from loopwright.images.looking._answers import read_count, read_yes_no
from loopwright.images.looking._confirming import confirmed
from loopwright.images.looking._crops import cropped, region_of
from loopwright.images.looking._detections import ObjectDetector
from loopwright.images.looking._detector import Finder
from loopwright.images.looking._probabilities import answer_tokens, p_drawn, p_yes
from loopwright.images.looking._shown import expected_of, looks_of, rates_of, shown_checklist, shown_reference
from loopwright.models import Request, TokenLogprobs, complete_as
from loopwright.project import Project
from loopwright.task import Instance

_LONGEST = 400
"""Characters of an answer of yes, no or a number, at most."""
_ALTERNATIVES = 5
"""Likely tokens of each answer that are asked for, where the model gives them."""


def _as_list(answers: object) -> object:
    """A list of answers, also of an object whose names are the ids."""
    if not isinstance(answers, dict):
        return answers
    return [{**(one if isinstance(one, dict) else {"answer": one}), "id": name} for name, one in answers.items()]


def _as_box(box: object) -> object:
    """A box in shares of the picture; None for one in other units, as models have habits of their own."""
    given = box if isinstance(box, list | tuple) else ()
    sides = [float(side) for side in given if type(side) in (int, float) and 0 <= side <= 1]
    whole = len(sides) == len(given) == 4 and 0 <= sides[0] < sides[2] <= 1 and 0 <= sides[1] < sides[3] <= 1
    return tuple(sides) if whole else None


class _Answered(BaseModel):
    id: Words
    answer: Words
    confidence: Confidence = 1.0
    seen: Words = ""
    box: Annotated[Box | None, BeforeValidator(_as_box)] = None


class _Answers(BaseModel):
    answers: Annotated[list[_Answered], BeforeValidator(_as_list)]


class VisionVerifier:
    """Asks the model that the task names for the role: all atoms at once, and once more where that matters.

    How often it is asked tells `confirmed`. Where there is a detector, its boxes decide what they can, and the model is
    asked about the rest, with what they hold enlarged.
    """

    role = AgentRole.VERIFIER
    asks_model = True

    def __init__(self, detector: ObjectDetector | None = None) -> None:
        """Makes a verifier.

        Args:
            detector: Finds things; None for the one that the task names, if it names one (`environment: {detector:
                {model: ...}}`).
        """
        self._finder = Finder(detector)

    def bounds(self, instance: Instance) -> CallBounds:
        """The most looks at a picture."""
        return CallBounds(requests=looks_of(instance.public))

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        """Scores the picture.

        Raises:
            VerifierError: There is no checklist, no picture or no model, or the model's replies cannot be read.
            UserError: The detector cannot be loaded.
            ModelError: The provider failed for good.
            BudgetExceeded: There was no budget left for the call.
        """
        checklist = shown_checklist(view)
        known = await self._finder.answers(checklist, view, models) or {}
        places = {atom.id: _boxes(atom, known) for atom in checklist.atoms}

        async def ask(atoms: Sequence[Atom], looked: int) -> dict[str, Answer]:
            # A detector says the same whenever it looks: its answers are votes once.
            answers = {} if looked else dict(known)
            if open_ := [atom for atom in atoms if atom.id not in known]:
                zoom = region_of([box for atom in open_ for box in places[atom.id]])
                answers |= await _ask(open_, view, models, again=looked > 0, zoom=zoom, told=places)
            return answers

        expected, rates, looks = expected_of(view), rates_of(view), looks_of(view.public)
        return AgentReply(verdict=await confirmed(checklist, ask, expected=expected, rates=rates, looks=looks))


def _boxes(atom: Atom, known: Mapping[str, Answer]) -> tuple[Box, ...]:
    """Where the things are that an atom is about: what the answers to its parents tell."""
    return tuple(box for parent in atom.parents if parent in known for box in known[parent].boxes)


async def _ask(
    atoms: Sequence[Atom],
    view: View,
    models: ModelClient,
    *,
    again: bool,
    zoom: Box | None,
    told: dict[str, tuple[Box, ...]],
) -> dict[str, Answer]:
    """One call for several atoms; those that the reply leaves out are unknown.

    Args:
        atoms: What is asked.
        view: Of the verifier.
        models: Reaches the model of the role.
        again: Whether there was a look before.
        zoom: The part of the picture that is shown enlarged beside the whole.
        told: Takes what the model says of where atoms without a place are. Models err too much there for a mask.

    Raises:
        VerifierError: There is no model or no picture, or the reply cannot be read.
    """
    if not isinstance(models, NamesModels) or not (name := models.named.chat.get(view.role.value)):
        raise VerifierError(
            f"no model is named that could look at pictures as {view.role.value}",
            remedy=f"Name one: `models: {{{view.role.value}: openai/gpt-5-mini}}`.",
        )
    shown = await _pictures(shown_reference(view), models, zoom)
    questions = [{"id": atom.id, "question": _question(atom)} for atom in atoms]
    more = {"questions": questions, "again": again, "zoom": len(shown) > 1}
    asked = view.model_copy(update={"public": {**view.public, **more}})
    system, user = load_prompt("look.md", Project(models.named.project)).render(asked)
    likely = _ALTERNATIVES if isinstance(models, KnowsLogprobs) and models.can_give_logprobs(name) else 0
    messages = (system, user.model_copy(update={"images": shown}))
    try:
        made = await complete_as(models, Request(model=name, messages=messages, top_logprobs=likely), _Answers)
    except AgentError as error:
        raise VerifierError(f"{name} gave no answers about the picture: {error.args[0]}") from None
    said = made.value.answers
    tokens = answer_tokens(made.replies[-1].logprobs, len(said))
    by_id = _by_id(atoms, said, tokens)
    if not again and not any(atom.id in by_id for atom in atoms):
        raise VerifierError(f"{name} answered none of the {len(atoms)} questions by its id")
    told.update({name: (one.box,) for name, (one, _) in by_id.items() if one.box and not told.get(name)})
    return {atom.id: _answer(atom, *by_id.get(atom.id, (None, None))) for atom in atoms}


def _by_id(
    atoms: Sequence[Atom], said: Sequence[_Answered], tokens: Sequence[TokenLogprobs | None]
) -> dict[str, tuple[_Answered, TokenLogprobs | None]]:
    """The answer to each question; one that was answered twice, and not alike, is in doubt."""
    names = {_bare(atom.id): atom.id for atom in atoms}
    found: dict[str, tuple[_Answered, TokenLogprobs | None]] = {}
    for one, token in zip(said, tokens, strict=True):
        if (name := names.get(_bare(one.id))) is None:
            continue
        if name in found and _bare(found[name][0].answer) != _bare(one.answer):
            one = one.model_copy(update={"answer": "unknown", "seen": "it was answered in two ways"})
        found[name] = one, token
    return found


def _bare(name: str) -> str:
    return name.strip(" `'\"*:.").casefold()


async def _pictures(reference: str, models: ModelClient, zoom: Box | None) -> tuple[str, ...]:
    """The picture, and an enlarged part of it."""
    if not isinstance(models, KeepsArtifacts):
        return (reference,)
    whole = await models.picture(reference, None)
    if zoom is None or not isinstance(models, DrawsImages):
        return (whole,)
    return whole, await models.put(await asyncio.to_thread(cropped, await models.get(whole), zoom))


def _answer(atom: Atom, said: _Answered | None, token: TokenLogprobs | None) -> Answer:
    """An answer; the probability of its token goes before what the model says of its confidence."""
    if said is None:
        return Answer(value="unknown", confidence=0, evidence="no answer")
    if len(said.answer) > _LONGEST:
        return Answer(value="unknown", confidence=0, evidence=said.answer[:_LONGEST])
    if isinstance(atom, CountAtom) and (seen := read_count(said.answer, atom)) is not None:
        value: Literal["yes", "no"] = "yes" if atom.holds(seen) else "no"
        drawn = p_drawn(token) if token else None
        return Answer(value=value, confidence=_known(drawn, said.confidence), seen=seen, evidence=said.seen)
    if (told := read_yes_no(said.answer)) != "unknown":
        yes = p_yes(token) if token else None
        sure = None if yes is None else yes if told == "yes" else 1 - yes
        return Answer(value=told, confidence=_known(sure, said.confidence), evidence=said.seen)
    return Answer(value="unknown", confidence=0, evidence=said.seen or said.answer)


def _known(probability: float | None, said: float) -> float:
    return said if probability is None else probability


def _question(atom: Atom) -> str:
    return atom.open_question if isinstance(atom, CountAtom) else atom.question
