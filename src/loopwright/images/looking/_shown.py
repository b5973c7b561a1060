"""What a verifier of pictures is shown: the checklist and the picture."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from loopwright.agents import AgentRole, DrawsImages, ModelClient, View
from loopwright.errors import VerifierError
from loopwright.images.checklist import Checklist
from loopwright.images.looking._confirming import LOOKS
from loopwright.images.refining import ASSUMED, PICTURE, Rates, known_rates


def shown_checklist(view: View) -> Checklist:
    """The checklist of the episode.

    Raises:
        VerifierError: There is none.
    """
    try:
        return Checklist.model_validate(view.public.get("checklist"))
    except ValidationError:
        raise VerifierError(
            "there is no checklist to go by",
            remedy="Take the proposer `image_refiner`, which makes one, or write `environment: {checklist: ...}`.",
        ) from None


def shown_reference(view: View) -> str:
    """The artifact reference of the picture under way.

    Raises:
        VerifierError: The candidate is no picture.
    """
    candidate = view.current.candidate if view.current else None
    reference = candidate.artifacts.get(PICTURE) if candidate else None
    if reference is None:
        raise VerifierError("the candidate holds no picture", remedy=f"Store it as the artifact {PICTURE!r}.")
    return reference


def expected_of(view: View) -> dict[str, float] | None:
    """What is believed of each atom before the first look, as the proposer tells; None for a new picture.

    An auditor is told nothing: what the loop believes must not reach its judgement.
    """
    candidate = view.current.candidate if view.current else None
    expected = candidate.made.get("expected") if candidate else None
    if view.role is AgentRole.AUDITOR or not isinstance(expected, Mapping):
        return None
    return {str(name): float(value) for name, value in expected.items() if isinstance(value, int | float)}


def rates_of(view: View) -> Rates:
    """How often the verifier of the loop errs, by its answers in the run so far; what is assumed for an auditor."""
    return ASSUMED if view.role is AgentRole.AUDITOR else known_rates(view.public, view.attempts)


def looks_of(public: Mapping[str, object]) -> int:
    """How often a picture is looked at, at most: the field `looks` of the environment."""
    looks = public.get("looks")
    return looks if isinstance(looks, int) and looks > 0 else LOOKS


async def shown_picture(view: View, models: ModelClient) -> bytes:
    """The bytes of the picture under way.

    Raises:
        VerifierError: The candidate is no picture, or the client reaches none.
    """
    reference = shown_reference(view)
    if not isinstance(models, DrawsImages):
        raise VerifierError("the model client reaches no pictures")
    return await models.get(reference)
