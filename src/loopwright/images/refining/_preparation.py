"""The checklist of an episode: given with the task, read from a prompt in a known form, or made by a chat model."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ValidationError

from loopwright.agents import ModelClient, NamesModels, View, load_prompt
from loopwright.errors import AgentError, TaskError, VerifierError
from loopwright.images.checklist import Atom, Checklist, repaired, templated_checklist
from loopwright.images.shapes import parse_prompt
from loopwright.models import Request, complete_as
from loopwright.project import Project
from loopwright.task import Instance


class _Made(BaseModel):
    atoms: list[Atom]


def given_checklist(instance: Instance) -> Checklist | None:
    """The checklist that needs no model: of the field `checklist`, or by rules from the goal; None where there is none.

    Raises:
        TaskError: The field is no checklist.
    """
    given = instance.public.get("checklist")
    if given is not None:
        return _read(given, instance.goal)
    try:
        return parse_prompt(instance.goal).checklist()
    except ValueError:
        pass
    try:
        return templated_checklist(instance.goal)
    except TaskError:
        return None


def _read(given: object, goal: str) -> Checklist:
    if not isinstance(given, Mapping):
        raise TaskError("environment.checklist: a checklist is a mapping", remedy="Write `atoms:` with a list.")
    try:
        return Checklist.model_validate({"prompt": goal, **given})
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(map(str, ("environment.checklist", *problem["loc"])))
        raise TaskError(f"{place}: {problem['msg'].removeprefix('Value error, ')}") from None


async def checklist_of(view: View, models: ModelClient) -> Checklist:
    """The checklist of an episode; a chat model is asked where nothing else gives one.

    Raises:
        VerifierError: There is none: the prompt has nothing that can be checked, or no model to ask is named.
    """
    found = given_checklist(Instance(id="prompt", goal=view.goal, public=dict(view.public)))
    if found is not None:
        return found
    name = models.named.chat.get("proposer") if isinstance(models, NamesModels) else None
    if not name or not isinstance(models, NamesModels):
        raise VerifierError(
            "the prompt is in no form that the rules know, and no model is named that could take it apart",
            remedy="Name a chat model (`model:`), or write the checklist: `environment: {checklist: {atoms: [...]}}`.",
        )
    prompt = load_prompt("checklist.md", Project(models.named.project))
    try:
        made = (await complete_as(models, Request(model=name, messages=prompt.render(view)), _Made)).value
    except AgentError as error:
        raise VerifierError(f"{name} made no checklist of the prompt: {error.args[0]}") from None
    if not made.atoms:
        raise VerifierError(f"{name} found nothing in the prompt that can be checked", remedy="Say what is to be seen.")
    return Checklist(prompt=view.goal, atoms=repaired(made.atoms).atoms)
