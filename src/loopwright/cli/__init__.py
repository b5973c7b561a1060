"""The command line: one module per verb, imported when it is called."""

from loopwright.cli._app import main

__all__ = ["main"]
