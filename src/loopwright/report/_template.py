"""Templates, styles and scripts of the pages."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from loopwright.report import _format, _overview

if TYPE_CHECKING:
    from jinja2 import Template

_NUMBERS = ("bounds", "count", "duration", "held", "money", "rate", "short_digest", "signed")
_VIEWS = ("comparisons", "day", "lost", "outlook", "repeated", "rules", "wall_seconds")


@cache
def template(name: str) -> Template:
    """A page's template; what it shows is escaped."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_shown
    )
    environment.filters |= {name: getattr(_format, name) for name in _NUMBERS}
    environment.filters |= {name: getattr(_overview, name) for name in _VIEWS}
    return environment.from_string(asset(name))


@cache
def asset(name: str) -> str:
    """The text of a file in `assets`."""
    return (files("loopwright.report") / "assets" / name).read_text("utf-8")


def content_hash(text: str) -> str:
    """The sha256 by which a content security policy allows an inline script or style."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _shown(value: object) -> object:
    """Names as one line; markup that is known to be safe is no `str` proper and stays as it is."""
    return _format.printable(value) if type(value) is str else value
