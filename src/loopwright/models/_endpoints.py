"""Endpoints by name: those that are built in, and the user's own.

```yaml title="endpoints.yaml"
cluster:
  base_url: http://10.0.0.5:8000/v1
  timeout: 900
gateway:
  base_url: https://gateway.example.com/v1
  api_key_env: GATEWAY_KEY
  headers: {X-Team: "${TEAM_TOKEN}"}
```

Only the user's own file names keys. A task file, or the record of a run, may come from anybody: it names servers, but
nothing that would be sent to them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from loopwright.errors import UserError
from loopwright.models._faults import shown_url
from loopwright.types import Endpoint, EndpointName
from loopwright.user_folders import settings_folder


def _hosted(base_url: str, key: str, api: Literal["chat", "anthropic", "gemini"] = "chat") -> Endpoint:
    return Endpoint(base_url=base_url, api_key_env=key, api=api)


OPENAI_URL = "https://api.openai.com/v1"

BUILTIN_ENDPOINTS: Mapping[str, Endpoint] = {
    "anthropic": _hosted("https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", "anthropic"),
    "deepseek": _hosted("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    "gemini": _hosted("https://generativelanguage.googleapis.com/v1beta", "GEMINI_API_KEY", "gemini"),
    "groq": _hosted("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    "llamacpp": Endpoint(base_url="http://127.0.0.1:8080/v1"),
    "lmstudio": Endpoint(base_url="http://127.0.0.1:1234/v1"),
    "mistral": _hosted("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    "ollama": Endpoint(base_url="http://127.0.0.1:11434/v1"),
    "openrouter": _hosted("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "together": _hosted("https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    "vllm": Endpoint(base_url="http://127.0.0.1:8000/v1", image_seeds=True),
}
"""Name to endpoint, at its usual URL: see `builtin_endpoint`. `openai` and `openai-responses` are not among them:
see `openai_endpoint`."""


def url_variable(name: str) -> str:
    """The environment variable that says where a built-in endpoint is."""
    return f"{name.upper()}_BASE_URL"


def key_variable(name: str) -> str:
    """The environment variable with the key of a built-in endpoint."""
    return f"{name.upper()}_API_KEY"


def builtin_endpoint(name: str) -> Endpoint | None:
    """The built-in endpoint of a name, at the URL that the variable NAME_BASE_URL gives; None where there is none.

    A URL without a path gets that of the built-in one. Libraries of Anthropic add `/v1` to any URL, and so does this.
    A server on this machine may want a key: it gets the one in NAME_API_KEY, if that is set.

    Raises:
        UserError: The variable holds no base URL.
    """
    endpoint, variable = BUILTIN_ENDPOINTS.get(name), url_variable(name)
    url = os.environ.get(variable, "").strip().rstrip("/")
    if endpoint is None:
        return None
    key = key_variable(name)
    if endpoint.api_key_env is None and os.environ.get(key, "").strip():
        endpoint = endpoint.model_copy(update={"api_key_env": key})
    if not url:
        return endpoint
    try:
        if not urlsplit(url).path or (endpoint.api == "anthropic" and not url.endswith("/v1")):
            url += urlsplit(endpoint.base_url).path
        return Endpoint.model_validate({**endpoint.model_dump(), "base_url": url})
    except ValueError as error:
        problem = error.errors()[0]["msg"] if isinstance(error, ValidationError) else "it is no URL"
        raise UserError(
            f"{variable}: {problem.removeprefix('Value error, ')}",
            remedy=f"Set it to a URL such as {endpoint.base_url}, or unset it.",
        ) from None


def openai_endpoint(name: str) -> Endpoint | None:
    """The endpoint `openai` or `openai-responses`, at OPENAI_BASE_URL or at OpenAI's own URL, without what is secret.

    Returns:
        None for another name, or where the variable holds no base URL.
    """
    api = {"openai": "chat", "openai-responses": "responses"}.get(name)
    url = os.environ.get("OPENAI_BASE_URL") or OPENAI_URL
    with suppress(ValueError):
        settings = {"base_url": shown_url(url), "api": api, "api_key_env": "OPENAI_API_KEY"}
        return Endpoint.model_validate(settings) if api else None
    return None


def moved_endpoint(name: str) -> Endpoint | None:
    """The endpoint that an environment variable moved from its usual URL, without what is secret; None if none did.

    Raises:
        UserError: The variable holds no base URL.
    """
    if name in BUILTIN_ENDPOINTS:
        return builtin_endpoint(name) if os.environ.get(url_variable(name), "").strip() else None
    return openai_endpoint(name) if os.environ.get("OPENAI_BASE_URL") else None


_FILE = TypeAdapter(Mapping[EndpointName, Endpoint])


def endpoints_file() -> Path:
    """The user's own file of endpoints, whether it is there or not."""
    return settings_folder() / "endpoints.yaml"


def user_endpoints() -> dict[str, Endpoint]:
    """The endpoints in the user's own file; none without the file.

    Raises:
        TaskError: The file cannot be used; names its line.
    """
    path = endpoints_file()
    return load_endpoints(path) if path.exists() else {}


def load_endpoints(path: Path) -> dict[str, Endpoint]:
    """Reads a file of endpoints: name to settings.

    Raises:
        TaskError: The file cannot be used; names its line.
    """
    from loopwright.project import load_yaml

    document = load_yaml(path)
    if not isinstance(document.data, dict):
        raise document.error("a file of endpoints maps names to settings", remedy="Write `NAME: {base_url: URL}`.")
    try:
        return dict(_FILE.validate_python(document.data))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        location = tuple(part for part in problem["loc"] if part != "[key]")
        known = ", ".join(Endpoint.model_fields)
        raise document.error(
            f"{'.'.join(map(str, location))}: {problem['msg'].removeprefix('Value error, ')}",
            location,
            remedy=f"An endpoint has {known}.",
        ) from None
