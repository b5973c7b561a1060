"""Embeddings from any server that speaks OpenAI's API."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from urllib.parse import urlsplit

from loopwright.errors import MissingSecret, ModelRejected, ModelUnavailable, UserError
from loopwright.secrets import register, scrub

_URL = "https://api.openai.com/v1"
_SECONDS = 30.0
_REST = 50
"""Outputs that are not sent after a failure."""
_TEXT = 8000
"""Characters of an output that are sent."""


class Endpoint:
    """Asks a server for embeddings, one output at a time; `OPENAI_BASE_URL` names it and `OPENAI_API_KEY` opens it.

    Args:
        model: What the server calls the model.

    Raises:
        MissingSecret: There is no key.
        UserError: The base URL is none.
    """

    def __init__(self, model: str) -> None:
        url = os.environ.get("OPENAI_BASE_URL") or _URL
        if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
            raise UserError(
                f"embedding openai/{model}: the base URL {scrub(url)!r} is not of the form https://HOST/PATH",
                remedy="Set OPENAI_BASE_URL to the URL before /embeddings, such as http://127.0.0.1:8000/v1.",
            )
        key = (os.environ.get("OPENAI_API_KEY") or "").strip()
        if not key:
            raise MissingSecret(
                f"embedding openai/{model} needs an API key and OPENAI_API_KEY is not set",
                remedy="Set OPENAI_API_KEY in the environment. A server that checks no keys takes any value.",
            )
        register(key)
        register(urlsplit(url).password or "")
        import openai

        self._name = f"openai/{model}"
        self._model = model
        self._library = openai
        self._client = openai.OpenAI(api_key=key, base_url=url, timeout=_SECONDS, max_retries=2)
        self._resting = 0

    def __call__(self, text: str) -> Sequence[float]:
        """Embeds a text.

        Raises:
            ModelUnavailable: The server cannot be reached or failed, three times; or it did so a few outputs ago.
            ModelRejected: It refused, or its answer holds no finite vector.
        """
        if self._resting:
            # What waits for these vectors must not wait for a dead server at every output.
            self._resting -= 1
            raise ModelUnavailable(f"embedding {self._name}: the server failed a moment ago", remedy="Try again later.")
        try:
            reply = self._client.embeddings.create(model=self._model, input=text[:_TEXT], encoding_format="float")
        except self._library.APIStatusError as error:
            told = f"embedding {self._name}: the server answered {error.status_code}: {scrub(str(error.message))[:300]}"
            self._resting = _REST
            if error.status_code in {408, 409, 429} or error.status_code >= 500:
                raise ModelUnavailable(told, remedy="Try again later.") from None
            raise ModelRejected(told, remedy="Check the model's name and the key.") from None
        except self._library.APIError as error:
            self._resting = _REST
            raise ModelUnavailable(
                f"embedding {self._name}: {scrub(str(error))[:300]}", remedy="Check OPENAI_BASE_URL and the network."
            ) from None
        vector = tuple(float(value) for value in reply.data[0].embedding) if reply.data else ()
        if not vector or not math.isfinite(math.fsum(vector)):
            raise ModelRejected(f"embedding {self._name}: the answer holds no vector", remedy="Check the model's name.")
        return vector
