"""Notices about a run to a command or a webhook: at its end, at a cap, at an alarm of drift."""

from loopwright.notify._notice import Notice, SpentSoFar
from loopwright.notify._notifier import Notifier
from loopwright.notify._targets import Target, parse_target

__all__ = ["Notice", "Notifier", "SpentSoFar", "Target", "parse_target"]
