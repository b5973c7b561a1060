"""Endpoints: servers of models, with what it takes to reach them."""

from __future__ import annotations

import hashlib
import operator
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, field_validator

from loopwright._addresses import http_host
from loopwright.types._numbers import PlainNumbers
from loopwright.types._sampling import Sampling

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_TAKEN = frozenset({"human", "local", "replay", "scripted"})
"""Providers that are no servers."""
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET_HEADER = re.compile(r"auth|key|token|secret|cookie|passw", re.IGNORECASE)
_SECRET_FIELD = re.compile(r"api_?key|secret|passw|authorization|access_token", re.IGNORECASE)


def endpoint_name(name: str) -> str:
    """The name itself, if it can name an endpoint.

    Raises:
        ValueError: It cannot.
    """
    if not _NAME.fullmatch(name) or name in _TAKEN:
        raise ValueError(
            f"{name!r} cannot name an endpoint: use small letters, digits, dots, hyphens and underscores, and none of "
            f"{', '.join(sorted(_TAKEN))}"
        )
    return name


EndpointName = Annotated[str, AfterValidator(endpoint_name)]


class Endpoint(PlainNumbers):
    """A server of models. Its name and a slash stand before the names of its models: `deepseek/deepseek-chat`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    base_url: str
    """The URL before `/chat/completions`, `/messages` or `/models`, such as `http://127.0.0.1:8000/v1`."""
    api: Literal["chat", "responses", "anthropic", "gemini"] = "chat"
    """What the server speaks: OpenAI's chat completions or Responses API, Anthropic's Messages API, or Gemini's."""
    api_key_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """The environment variable that holds the key; none for a server that asks for no key."""
    timeout: float = Field(default=300.0, gt=0, le=86_400)
    """Seconds of silence after which one call is given up; a reply that comes slowly is waited for."""
    concurrency: int | None = Field(default=None, gt=0, le=10_000)
    """Calls of one model at a time, at most; none starts with 8 and adapts to what the server bears."""
    tools: Literal["auto", "never"] = Field(default="auto", exclude_if=lambda tools: tools == "auto")
    """Whether models may be offered tools: `auto` begins with them and falls back to text where the server refuses."""
    headers: Mapping[str, str] = {}
    """Headers of every request. `${NAME}` in a value is an environment variable; it is treated as a secret."""
    body: Mapping[str, Any] = {}
    """Fields of every request beside those that Loopwright sends."""
    image_seeds: bool = Field(default=False, exclude_if=operator.not_)
    """Whether its image models make the same picture again for the same seed, as the server's documentation says."""
    sampling: Sampling = Sampling()
    """How replies are drawn where the agent's card does not say."""

    @field_validator("base_url")
    @classmethod
    def _is_plain(cls, url: str) -> str:
        if http_host(url) is None:
            raise ValueError("a base URL is of the form https://HOST/PATH")
        parts = urlsplit(url)
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("a base URL holds no user, password, query or fragment; keys come from `api_key_env`")
        return url.rstrip("/")

    @field_validator("headers")
    @classmethod
    def _keys_are_variables(cls, headers: Mapping[str, str]) -> Mapping[str, str]:
        for name, value in headers.items():
            secret = _SECRET_HEADER.search(name) or value.lower().startswith(("bearer ", "basic "))
            if secret and not _VARIABLE.search(value):
                raise ValueError(f"the header {name} looks like a key; write ${{VARIABLE}} in place of its value")
            if not (name + value).isascii() or not (name + value).isprintable():
                raise ValueError(f"the header {name!r} holds characters that no header may have")
        return headers

    @field_validator("body")
    @classmethod
    def _body_holds_no_key(cls, body: Mapping[str, Any]) -> Mapping[str, Any]:
        parts: list[Any] = [body]
        while parts:
            part = parts.pop()
            if isinstance(part, Mapping):
                for name, value in part.items():
                    if isinstance(value, str) and _SECRET_FIELD.search(str(name)):
                        raise ValueError(f"the field {name} of the body looks like a key; send it as a header")
                parts += part.values()
            elif isinstance(part, list | tuple):
                parts += part
        return body

    @property
    def fingerprint(self) -> str:
        """Of all that decides a reply, not of how long or how often the server is asked; 64 hexadecimal digits."""
        deciding = {"base_url", "api", "tools", "headers", "body", "sampling"}
        return hashlib.sha256(self.model_dump_json(include=deciding).encode()).hexdigest()

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables whose values are sent to the server."""
        return (*([self.api_key_env] if self.api_key_env else ()), *self.header_variables)

    @property
    def header_variables(self) -> tuple[str, ...]:
        """Those of them that stand in headers."""
        return tuple(name for value in self.headers.values() for name in _VARIABLE.findall(value))

    def filled_headers(self, variables: Mapping[str, str]) -> dict[str, str]:
        """The headers with their variables filled.

        Raises:
            KeyError: A variable is not set.
        """
        return {name: _VARIABLE.sub(lambda match: variables[match[1]], value) for name, value in self.headers.items()}
