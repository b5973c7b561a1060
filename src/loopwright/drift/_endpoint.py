"""Embeddings from a server, outside of a run; in a run, sessions make these calls themselves."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from loopwright.errors import ModelError, ModelUnavailable
from loopwright.models import ModelOptions, Reply, Request, Resilient
from loopwright.models.embedding import (
    EMBEDDING_POLICY,
    EMBEDDING_SECONDS,
    TEXTS_AFTER_FAILURE,
    OpenAIEmbedding,
    embedding_request,
    vector_of,
)


class Endpoint:
    """Asks a server for embeddings, one output at a time; `OPENAI_BASE_URL` names it and `OPENAI_API_KEY` opens it.

    Args:
        model: What the server calls the model.

    Raises:
        MissingSecret: There is no key.
        UserError: The base URL is none.
    """

    def __init__(self, model: str) -> None:
        embedding = OpenAIEmbedding.open(model, ModelOptions(timeout=EMBEDDING_SECONDS))
        self._model = Resilient(embedding, EMBEDDING_POLICY)
        # The caller may be inside an event loop: the client has a loop of its own in a thread of its own.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embedding")
        self._runner = asyncio.Runner()
        self._resting = 0
        # What is left of it closes in its own thread, whichever thread drops the last reference: nobody waits for it.
        weakref.finalize(self, _close, self._model, self._thread, self._runner).atexit = False

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
        request = embedding_request(self._model.name, text)
        try:
            reply = self._thread.submit(_complete, self._runner, self._model, request).result()
        except ModelError:
            self._resting = TEXTS_AFTER_FAILURE
            raise
        return vector_of(reply)


def _complete(runner: asyncio.Runner, model: Resilient, request: Request) -> Reply:
    return runner.run(model.complete(request))


def _close(model: Resilient, thread: ThreadPoolExecutor, runner: asyncio.Runner) -> None:
    thread.submit(_closed, model, runner)
    thread.shutdown(wait=False)


def _closed(model: Resilient, runner: asyncio.Runner) -> None:
    runner.run(model.close())
    runner.close()
