"""The section `mcp_servers`: programs and servers whose tools an acting agent is offered."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from loopwright._addresses import http_host
from loopwright.task._section import Section

McpServerName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,23}$")]
"""Letters, digits and hyphens: names of tools begin with it."""


class McpServerOptions(Section):
    """A server of the Model Context Protocol."""

    command: tuple[str, ...] = ()
    """A program that speaks the protocol over stdin and stdout, with its arguments and without a shell."""
    url: str | None = None
    """The address of a server that speaks streamable HTTP, in place of a program; it needs `outside: true`."""
    outside: bool = False
    """Whether the program runs on this machine, or the server is asked from it, and not inside of the sandbox."""
    env: Mapping[str, str] = Field(default={}, exclude_if=operator.not_)
    """Variables of the program."""
    timeout: float = Field(default=60.0, gt=0, le=86_400)
    """Seconds for one call."""
    only: tuple[str, ...] = ()
    """Names of the tools that are offered; none offers all."""

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if bool(self.command) == (self.url is not None):
            raise ValueError("a server has a `command`, or a `url`: one of both")
        if self.url is not None and not self.outside:
            raise ValueError("a `url` is asked from outside of the sandbox: say so by `outside: true`")
        if self.url is not None and http_host(self.url) is None:
            raise ValueError("a `url` is of the form http://HOST/PATH or https://HOST/PATH")
        if self.url is not None and self.env:
            raise ValueError("`env` is for a `command`")
        return self
