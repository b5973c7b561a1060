"""The shipped formats by name."""

from __future__ import annotations

from collections.abc import Mapping

from loopwright.export._format import ExportFormat
from loopwright.export.formats._atif import ATIF
from loopwright.export.formats._chat import CHAT
from loopwright.export.formats._inspect import INSPECT
from loopwright.export.formats._journey import JOURNEY
from loopwright.export.formats._otel import OTEL
from loopwright.export.formats._picture_preferences import PICTURE_PREFERENCES
from loopwright.export.formats._preferences import PREFERENCES
from loopwright.export.formats._rewards import REWARDS
from loopwright.export.formats._swebench import SWEBENCH
from loopwright.export.formats._turns import TURNS

FORMATS: Mapping[str, ExportFormat] = {
    "atif": ATIF,
    "chat": CHAT,
    "inspect": INSPECT,
    "journey": JOURNEY,
    "otel": OTEL,
    "picture-preferences": PICTURE_PREFERENCES,
    "preferences": PREFERENCES,
    "rewards": REWARDS,
    "swebench": SWEBENCH,
    "turns": TURNS,
}
