"""Text that repeats: what a line shares with earlier lines of its episode is referred to, not written again.

A candidate is a part of the reply it was taken from, and a prompt holds the candidate before. Written out, a record
would hold every text three times. In the file such a text is `{"$text": [PART, ...]}`, where a part is either text or
`[seq, n, start, end]`: those characters of text number n (from 0, in the order of the line) among the texts of 72
characters or more in event `seq`. Results of calls are always written in full, so that each can be read by itself.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from loopwright.store._codec import BadLine

MARK = "$text"
_ESCAPED = "is"

SHORTEST = 72
"""Characters below which a text is always written; a digest has 64."""

LONGEST = 256 * 1024 * 1024
"""Characters of one line when every text that it refers to is put in; a few bytes could refer to gigabytes."""

AT_FIRST, PER_BYTE = 256 * 1024 * 1024, 128
"""Characters that all lines together may refer to: so many, and so many more for each byte of the lines before."""

MOST_TEXTS, MOST_CHARACTERS = 64, 1024 * 1024
"""Of an episode's latest texts that later lines may refer to."""

_WHOLE = "call_finished"
_LAST = "episode_finished"

Place = tuple[int, int]
"""Event, and number of the text in it."""


@dataclass(slots=True)
class _Known:
    """The texts of an episode that may be referred to, the longest unused first."""

    texts: OrderedDict[Place, str] = field(default_factory=OrderedDict)
    parts: dict[Place, dict[str, int]] = field(default_factory=dict)
    """Pieces of a text that prompts are likely to repeat, and where in it they start."""
    size: int = 0
    referred: int = 0
    """Characters that parts of texts refer to, of the line that is being shortened."""

    def take_referred(self) -> int:
        """How many characters the line refers to; the next line begins at 0."""
        referred, self.referred = self.referred, 0
        return referred

    def add(self, place: Place, text: str) -> None:
        self.texts[place] = text
        self.parts[place] = {}
        self.size += len(text)
        self.note_part(place, 0, text)
        while len(self.texts) > MOST_TEXTS or (self.size > MOST_CHARACTERS and len(self.texts) > 1):
            oldest, gone = self.texts.popitem(last=False)
            del self.parts[oldest]
            self.size -= len(gone)

    def note_part(self, place: Place, start: int, text: str) -> None:
        """Notes it without the space around it, which templates take away."""
        kept = text.strip()
        if len(kept) >= SHORTEST and place in self.parts:
            self.parts[place][kept] = start + len(text) - len(text.lstrip())

    def use(self, place: Place) -> str:
        try:
            self.texts.move_to_end(place)
        except KeyError:
            raise BadLine(f"it refers to text {place[1]} of event {place[0]}, which is not there") from None
        return self.texts[place]

    def split(self, text: str) -> list[Any]:
        """The parts of a text; a single one that is the text itself where nothing is known."""
        if len(text) < SHORTEST:
            return [text] if text else []
        for (seq, n), known in reversed(self.texts.items()):
            start = known.find(text)
            if start >= 0:
                self.referred += len(text)
                return [[seq, n, start, start + len(text)]]
        for (seq, n), parts in reversed(self.parts.items()):
            for part, start in parts.items():
                at = text.find(part)
                if at >= 0:
                    self.referred += len(part)
                    middle = [seq, n, start, start + len(part)]
                    return [*self.split(text[:at]), middle, *self.split(text[at + len(part) :])]
        return [text]


class Texts:
    """Shortens and restores the lines of one journal, which must be handed over in order."""

    def __init__(self) -> None:
        self.halves = False
        """Whether a line had half of a character, which later ones may refer to."""
        self._episodes: dict[str, _Known] = {}
        self._left = AT_FIRST

    def shorten(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body as it is written, in full where readers would refuse what it refers to.

        Nothing is remembered until `restore` gets it.
        """
        known = self._episodes.get(str(body.get("episode")), _Known())
        data = body["data"]
        if data["type"] == _WHOLE:
            return dict(body)
        short = {name: _shortened(value, known) for name, value in data.items()}
        if known.take_referred() > min(LONGEST, self._left):
            short = {name: _shortened(value, _Known()) for name, value in data.items()}
        return {**body, "data": short}

    def grow(self, length: int) -> None:
        """Takes in the bytes of the line that was restored: the longer a record, the more its lines may refer to."""
        self._left += PER_BYTE * length

    def restore(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body as it was before it was shortened; its texts may be referred to from now on.

        Raises:
            BadLine: It refers to a text that is not there, or to more than a record can.
        """
        episode, data = str(body.get("episode")), body["data"]
        known = self._episodes.setdefault(episode, _Known())
        walk = _Walk(known, min(LONGEST, self._left), whole=data["type"] == _WHOLE)
        restored = {name: walk.restored(value) for name, value in data.items()}
        self._left -= walk.size
        for n, text in enumerate(walk.written):
            known.add((body["seq"], n), text)
        for place, start, text in walk.parts:
            known.note_part(place, start, text)
        if data["type"] == _LAST or episode == str(None):
            del self._episodes[episode]
        return {**body, "data": restored}


def without_references(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body with empty texts in place of those that earlier lines hold."""
    return {**body, "data": {name: _emptied(value) for name, value in body["data"].items()}}


def _emptied(value: Any) -> Any:
    if isinstance(value, list):
        return [_emptied(item) for item in value]
    if not isinstance(value, dict):
        return value
    if MARK not in value:
        return {name: _emptied(item) for name, item in value.items()}
    return "" if value[MARK] is not None else {name: _emptied(item) for name, item in value[_ESCAPED].items()}


@dataclass(slots=True)
class _Walk:
    """Restores one line."""

    known: _Known
    most: int
    """Characters that the line may refer to."""
    whole: bool
    """Whether the line is written in full, so that a mark in it is nothing but data."""
    written: list[str] = field(default_factory=list)
    parts: list[tuple[Place, int, str]] = field(default_factory=list)
    size: int = 0
    """Characters that were referred to."""

    def restored(self, value: Any) -> Any:
        if isinstance(value, str):
            if len(value) >= SHORTEST:
                self.written.append(value)
            return value
        if isinstance(value, list):
            return [self.restored(item) for item in value]
        if not isinstance(value, dict):
            return value
        if MARK not in value or self.whole:
            return {name: self.restored(item) for name, item in value.items()}
        if value[MARK] is None:
            return {name: self.restored(item) for name, item in value[_ESCAPED].items()}
        # A text that is referred to as a whole stays one string: neither the slice nor the join copies it.
        return "".join([self._part(part) for part in value[MARK]])

    def _part(self, part: Any) -> str:
        if isinstance(part, str):
            return part
        seq, n, start, end = part
        text = self.known.use((seq, n))[start:end]
        self.size += len(text)
        if self.size > self.most:
            raise BadLine(f"the texts that it refers to have more than the {self.most} characters that are left for it")
        self.parts.append(((seq, n), start, text))
        return text


def _shortened(value: Any, known: _Known) -> Any:
    if isinstance(value, str):
        if len(value) < SHORTEST:
            return value
        parts = known.split(value)
        return value if all(isinstance(part, str) for part in parts) else {MARK: parts}
    if isinstance(value, list):
        return [_shortened(item, known) for item in value]
    if isinstance(value, dict):
        inside = {name: _shortened(item, known) for name, item in value.items()}
        return {MARK: None, _ESCAPED: inside} if MARK in value else inside
    return value
