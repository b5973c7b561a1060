"""Embeddings from a server, outside of a run; in a run, sessions make these calls themselves."""

from __future__ import annotations

from collections.abc import Sequence

from loopwright.errors import ModelError, ModelUnavailable
from loopwright.models import ModelOptions, user_endpoints
from loopwright.models.embedding import EMBEDDING_POLICY, EMBEDDING_SECONDS, TEXTS_AFTER_FAILURE, OpenAIEmbedding


class Endpoint:
    """Asks a server for embeddings, one output at a time.

    Args:
        name: `provider/model`, of a built-in endpoint or one of the user's file.

    Raises:
        MissingSecret: There is no key.
        UserError: There is no such endpoint, or the base URL is none.
    """

    def __init__(self, name: str) -> None:
        options = ModelOptions(timeout=EMBEDDING_SECONDS, endpoints=user_endpoints())
        self._model = OpenAIEmbedding.open(name, options)
        self._resting = 0

    def __call__(self, text: str) -> Sequence[float]:
        """Embeds a text.

        Raises:
            ModelUnavailable: The server cannot be reached or failed, three times; or it did so a few outputs ago.
            ModelRejected: It refused, or its answer holds no finite vector.
        """
        if self._resting:
            self._resting -= 1
            raise ModelUnavailable(
                f"embedding {self._model.name}: the server failed a moment ago", remedy="Try again later."
            )
        try:
            return self._model.embed(text, attempts=EMBEDDING_POLICY.max_attempts)
        except ModelError:
            self._resting = TEXTS_AFTER_FAILURE
            raise
