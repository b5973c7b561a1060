"""Payloads of what a person is asked."""

from __future__ import annotations

from typing import Literal

from loopwright.store._payload import Amount, EventPayload
from loopwright.types import PersonAnswer, Question


class PersonAsked(EventPayload):
    """The episode waits for a person."""

    type: Literal["person_asked"] = "person_asked"
    question: Question


class PersonAnswered(EventPayload):
    """A person answered; nobody is asked that again."""

    type: Literal["person_answered"] = "person_answered"
    id: str
    """Of the question."""
    answer: PersonAnswer
    waited: Amount = 0.0
    """Seconds that the episode waited in this process."""
