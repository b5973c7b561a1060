"""What the model behind a stub says; how it is written down is the server's affair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

THOUGHT = "A square has four sides."
CALLS = (("call_a", '{"command": "ls"}'), ("call_b", '{"command": "pwd"}'))
"""Id and arguments of the calls of the tool `execute`."""
SIGNATURE = "c2lnbmVk"
"""What the model signed its thought with."""
ANSWER = "hello"
LONG = "one, two, three, four, five, six"


@dataclass(frozen=True, slots=True)
class Turn:
    """What the model says."""

    text: str
    cut: bool = False
    """Whether it was cut at the limit."""
    calls: bool = False
    """Whether it calls tools, and says nothing."""
    thought: str = THOUGHT
    """What it shows of its thoughts."""

    @property
    def pieces(self) -> Sequence[str]:
        """The text in two parts."""
        at = len(self.text) // 2
        return self.text[:at], self.text[at:]
