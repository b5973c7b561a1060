"""From the name of a model that has no chat to its server."""

from __future__ import annotations

from loopwright.errors import UserError
from loopwright.models._endpoints import builtin_endpoint, endpoints_file
from loopwright.models._open import split_name
from loopwright.models._options import ModelOptions
from loopwright.models._server import ModelServer


def openai_server(
    name: str, options: ModelOptions, *, path: str, kind: str = "", timeout: float | None = None
) -> ModelServer:
    """Finds the server of an embedding or image model; it speaks OpenAI's API.

    Args:
        name: `provider/model`; `openai/model` is at OPENAI_BASE_URL.
        options: Settings.
        path: What follows the base URL, for messages.
        kind: What the model is, for messages.
        timeout: Seconds; None for those of the endpoint.

    Raises:
        MissingSecret: There is no key, or it cannot be one.
        UserError: There is no such endpoint, it speaks another API, or the base URL is none.
    """
    provider, told = split_name(name)[0], f"{kind} {name}".strip()
    if provider == "openai":
        return ModelServer.open(told, options, path=path)
    endpoint = options.endpoints.get(provider) or builtin_endpoint(provider)
    if endpoint is None or endpoint.api not in ("chat", "responses"):
        raise UserError(
            f"{told}: there is no endpoint {provider!r} that speaks OpenAI's API",
            remedy=f"Name it in {endpoints_file()}, or use openai/MODEL with OPENAI_BASE_URL.",
        )
    settings = endpoint if timeout is None else endpoint.model_copy(update={"timeout": timeout})
    return ModelServer.at(told, provider, settings, path=path)
