"""What is sent to a server and never told: its key, and the variables in its headers."""

from __future__ import annotations

import os

from loopwright.errors import MissingSecret
from loopwright.secrets import register
from loopwright.types import Endpoint


def key_of(name: str, variable: str, given: str | None) -> str:
    """The key that was given, or that the variable holds.

    Raises:
        MissingSecret: There is none, or it cannot be one.
    """
    api_key = _plain(name, variable, given)
    if not api_key:
        raise MissingSecret(
            f"{name} needs an API key and {variable} is not set",
            remedy=f"Set {variable} in the environment. A server that checks no keys takes any value.",
        )
    return api_key


def _plain(name: str, variable: str, given: str | None = None) -> str:
    """What a variable holds, as it may stand in a header; empty where it is not set."""
    value = (given or os.environ.get(variable) or "").strip()
    if not (value.isascii() and value.isprintable()):
        raise MissingSecret(
            f"{name}: {variable} holds characters that no key has",
            remedy="Copy the key again; it is one line of plain letters, digits and signs.",
        )
    return value


def filled_headers(name: str, settings: Endpoint) -> dict[str, str]:
    """The headers of an endpoint with their variables filled, which no text tells from now on.

    Raises:
        MissingSecret: A variable is not set, or holds what no header may have.
    """
    values = {variable: _plain(name, variable) for variable in settings.header_variables}
    for variable, value in values.items():
        if not value:
            header = next(header for header, text in settings.headers.items() if f"${{{variable}}}" in text)
            raise MissingSecret(
                f"{name} sends the header {header}, and {variable} is not set",
                remedy=f"Set {variable} in the environment, or take the header out of {name.partition('/')[0]}.",
            )
        register(value, variable)
    return settings.filled_headers(values)
