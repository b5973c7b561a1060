"""What tests do to one value of a candidate, and whether a plain value would do."""

from __future__ import annotations

from dataclasses import dataclass, field

from loopwright.verify._guest.conversation.values import PLAIN

_ATTRIBUTES = {kind: {name for name in dir(kind) if not name.startswith("_")} for kind in PLAIN}
PLAIN_ATTRIBUTES = frozenset(name for names in _ATTRIBUTES.values() for name in names)
"""Attributes that some plain value has."""
PLAIN_METHODS = frozenset(name for kind in PLAIN for name in _ATTRIBUTES[kind] if callable(getattr(kind, name)))
"""Those of them that are methods."""


@dataclass(slots=True)
class Uses:
    """What tests do to one value."""

    names: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    shown: bool = False

    def of_object(self) -> bool:
        """Whether no plain value would do."""
        return self.shown or not any(self.names <= names for names in _ATTRIBUTES.values())
