"""`${NAME}` and `${NAME:-default}` in a task file."""

from __future__ import annotations

import os
import re

from loopwright.project import Document, Plain, SourceLocation, plain_value
from loopwright.secrets import holds_secret

LITERAL_KEYS = frozenset({"version", "name", "goal", "data", "environment", "endpoints", "mcp_servers"})
"""Top-level keys without variables: their text is for agents, programs and servers, where `${...}` has its own meaning,
and where a secret of the environment must not get to."""

_USE = re.compile(r"\$(?P<escaped>\$)?\{(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\})?")


_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
_NAMES_MODELS = frozenset({"model", "models", "matrix", "drift", "agents", "image_models"})
"""Top-level keys whose texts name models, and so go to servers."""


def put_in(text: str, document: Document, location: SourceLocation) -> Plain:
    """Replaces the variables in a text; one that is all of the text may stand for a number or a truth value.

    Raises:
        TaskError: A variable is not set and has no default, or is written in another way.
    """
    whole = _USE.fullmatch(text)
    parts: list[str] = []
    end = 0
    for use in _USE.finditer(text):
        parts += [text[end : use.start()], _value(use, document, location)]
        end = use.end()
    result = "".join([*parts, text[end:]])
    if whole is None or whole["escaped"]:
        return result
    try:
        return plain_value(result)
    except ValueError:
        return result


def _value(use: re.Match[str], document: Document, location: SourceLocation) -> str:
    if use["escaped"]:
        return use[0][1:]
    if not use["name"]:
        raise document.error(
            "`${` does not begin a variable here",
            location,
            remedy="Write ${NAME} or ${NAME:-default}; a plain ${ is written $${.",
        )
    if _SECRET.search(use["name"]):
        raise document.error(
            f"{use['name']} looks like a secret; a task file may come from anybody, so it reads none",
            location,
            remedy="Keys come from the environment by themselves: see the page on models.",
        )
    if location[0] in _NAMES_MODELS and isinstance(document.data, dict) and document.data.get("endpoints"):
        raise document.error(
            f"{use['name']}: a task file that names servers puts no variables into the names of models",
            location,
            remedy="Write the name itself, or move the endpoint into your own file of endpoints.",
        )
    if holds_secret(os.environ.get(use["name"], "")):
        raise document.error(
            f"the value of {use['name']} is a key, or a URL with a user or a password; what a task file says goes into "
            "the record and to servers, so it reads none",
            location,
            remedy="Name a variable that holds no secret. Keys come from the environment by themselves.",
        )
    if value := os.environ.get(use["name"]) or use["default"]:
        return value
    if use["default"] is not None or use["name"] in os.environ:
        return ""
    raise document.error(
        f"the environment variable {use['name']} is not set",
        location,
        remedy=f"Set it, or give a default: ${{{use['name']}:-default}}.",
    )
