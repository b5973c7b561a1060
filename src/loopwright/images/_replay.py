"""The image model `replay/RUN`: gives the pictures that the image models of a run made."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import ValidationError

from loopwright.errors import MissingContent, ModelRejected, UserError
from loopwright.models import ModelOptions
from loopwright.models.image import ImageReply, ImageRequest, image_request_hash
from loopwright.store import CallFinished, CallIntended, read_run


class ReplayImages:
    """Answers requests that a run's image models were asked, whichever models they were.

    A request with the recorded seed gets the pictures that it got. One with another seed, or without one, gets those of
    the next call that was the same but for the seed, in the order in which the calls ended; the last one stays.
    """

    repeatable = True

    def __init__(self, folder: Path, name: str, options: ModelOptions) -> None:
        """Reads the run.

        Args:
            folder: The run's.
            name: `replay/...`.
            options: `keep` stores the pictures.

        Raises:
            StoreError: There is no run in the folder, or its record is damaged.
            MissingContent: It holds no picture of an image model.
        """
        self.name = name
        self._options = options
        self._get, self._exact, self._alike = _recorded(folder, name)

    async def generate(self, request: ImageRequest) -> ImageReply:
        """Gives the recorded pictures.

        Raises:
            ModelRejected: The run does not hold the request.
            StoreError: A picture is missing.
        """
        reply = self._exact.get(_key(request)) or self._next(request)
        if self._options.keep is None:
            raise MissingContent(f"{self.name} has no place for its pictures", remedy="Pass ModelOptions(keep=...).")
        kept = [await self._options.keep(self._get(picture)) for picture in reply.images]
        return reply.model_copy(update={"images": tuple(kept), "seconds": 0.0, "cost_usd": None})

    edit = generate

    async def close(self) -> None:
        """Nothing is to be freed."""

    def _next(self, request: ImageRequest) -> ImageReply:
        found = self._alike.get(_key(request.model_copy(update={"seed": None})))
        if not found:
            raise ModelRejected(
                f"{self.name} does not hold this request: {request.prompt[:200]!r}",
                remedy="Replay the same task with the same strategy and seed, or take a model that draws.",
            )
        return found.popleft() if len(found) > 1 else found[0]


def open_replay(model: str, options: ModelOptions) -> ReplayImages:
    """Opens a run as an image model.

    Args:
        model: The run's folder.
        options: Relative paths start at its `folder`; `keep` stores the pictures.

    Raises:
        StoreError: There is no run in the folder, or its record is damaged.
        MissingContent: It holds no picture of an image model.
    """
    return ReplayImages(options.path(model), f"replay/{model}", options)


def _key(request: ImageRequest) -> str:
    return image_request_hash(request.model_copy(update={"model": ""}))


def _recorded(
    folder: Path, name: str
) -> tuple[Callable[[str], bytes], Mapping[str, ImageReply], Mapping[str, deque[ImageReply]]]:
    """What reads the run's pictures, and the replies by request and by request without its seed."""
    record = read_run(folder)
    asked: dict[str, ImageRequest] = {}
    exact: dict[str, ImageReply] = {}
    alike: dict[str, deque[ImageReply]] = defaultdict(deque)
    for event in record.events:
        try:
            match event.data:
                case CallIntended(kind="image", key=key, request=request):
                    asked[key] = ImageRequest.model_validate(request)
                case CallFinished(kind="image", key=key) as call if key in asked and not call.failure:
                    reply = ImageReply.model_validate(record.result(call))
                    if asked[key].seed is not None:
                        exact[_key(asked[key])] = reply
                    alike[_key(asked[key].model_copy(update={"seed": None}))].append(reply)
        except ValidationError as error:
            raise UserError(
                f"{name}: {folder} holds a call that is none of images: {error.errors()[0]['msg']}"
            ) from None
    if not alike:
        raise MissingContent(f"{name}: the run in {folder} holds no pictures of image models")
    return record.get, exact, alike
