"""What a verifier of pictures is shown: the checklist and the picture."""

from __future__ import annotations

from pydantic import ValidationError

from loopwright.agents import DrawsImages, ModelClient, View
from loopwright.errors import VerifierError
from loopwright.images.checklist import Checklist
from loopwright.images.refining import PICTURE


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


def held_before(view: View) -> tuple[str, ...]:
    """The atoms that held in the picture that was edited, as its proposer tells; none for a new picture."""
    candidate = view.current.candidate if view.current else None
    held = candidate.made.get("held") if candidate else None
    return tuple(map(str, held)) if isinstance(held, list | tuple) else ()


async def shown_picture(view: View, models: ModelClient) -> bytes:
    """The bytes of the picture under way.

    Raises:
        VerifierError: The candidate is no picture, or the client reaches none.
    """
    reference = shown_reference(view)
    if not isinstance(models, DrawsImages):
        raise VerifierError("the model client reaches no pictures")
    return await models.get(reference)
