"""The one maker of HTML pages: each is a file that loads nothing, under the strict content security policy.

A page's style and script are in the file; the policy allows them by their hashes, and nothing else, but pictures that
are in the file where a page has some. Templates escape what they show.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from loopwright.report import _format, _overview
from loopwright.text import encodable, printable_line

if TYPE_CHECKING:
    from jinja2 import Environment

_NUMBERS = (
    *("bounds", "count", "counts", "difference_bounds", "duration", "holds_difference", "money", "rate"),
    *("short_digest", "signed", "value_line"),
)
_VIEWS = ("comparisons", "day", "lost", "outlook", "repeated", "rules", "wall_seconds")


def render_page(template: str, *, script: str = "", pictures: bool = False, live: str = "", **shown: object) -> str:
    """Renders a page.

    Args:
        template: Name of a file in `assets` that extends `base.html.jinja`.
        script: The page's script; empty for none.
        pictures: Whether the page shows pictures that are in it as `data:` addresses.
        live: Where on its server the page finds what it shows later; empty for a file.
        shown: What the template shows.
    """
    page = _environment().get_template(template)
    return page.render(style=asset("report.css"), script=script, pictures=pictures, live=live, **shown)


def render_part(template: str, **shown: object) -> str:
    """Renders a part of a page that a server's page puts in place: markup without a style or a script."""
    return _environment().get_template(template).render(**shown)


@cache
def asset(name: str) -> str:
    """The text of a file in `assets`."""
    return (files("loopwright.report") / "assets" / name).read_text("utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(asset),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters |= {name: getattr(_format, name) for name in _NUMBERS}
    environment.filters |= {name: getattr(_overview, name) for name in _VIEWS}
    environment.filters |= {"content_hash": _content_hash, "encodable": encodable}
    return environment


def _content_hash(text: str) -> str:
    """The sha256 by which a content security policy allows an inline script or style."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _shown(value: object) -> object:
    """Names as one line; markup that is known to be safe is no `str` proper and stays as it is."""
    return printable_line(value) if type(value) is str else value
