"""Runs in a browser while they work: a server on the loopback address that reads their folders."""

from loopwright.view._followed import FollowedRun
from loopwright.view._server import make_app, serve

__all__ = ["FollowedRun", "make_app", "serve"]
