"""Replies that repeat a secret: the record holds `***`, and what is executed holds what the model wrote.

A password of an `.env` file may stand in a command by chance, or because the task tells it. A key that a server gets
stays masked: a reply must not carry it to another server. After a crash, a seal over the whole result shows what stood
in the places of `***`. Its key is the user's, and in no run folder: nobody else can have a secret put anywhere.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from loopwright.secrets import MASK, password_value, secrets_in
from loopwright.store._codec import plain, to_json, unmasked
from loopwright.store._events import Event, Proposed
from loopwright.store._origin import user_key
from loopwright.types import Candidate

_PLACES = 10_000
_TRIES = 4096
_HASHED = 64 * 1024 * 1024
"""Bytes that are hashed for one result, at most."""


def seal(call: str, masked: Mapping[str, Any], whole: Mapping[str, Any], names: Iterable[str]) -> str:
    """What `put_back` needs to find the whole result in the masked one; empty where it will not find it.

    Args:
        call: The key of the call.
        masked: The result as it is recorded.
        whole: The result as it was.
        names: The secrets in it.
    """
    key = user_key()
    made = _seal(key, call, to_json(whole)) if key else ""
    return made if put_back(call, masked, names, made) == whole else ""


def sealed_candidate(data: Proposed, episode: str | None, iteration: int | None) -> Proposed:
    """A candidate with what `with_secrets` needs, where it repeats a secret."""
    names = tuple(sorted(secrets_in(unmasked(data))))
    if not names:
        return data
    if data.candidate:  # the hash of a weak password would tell it to those who try many
        shown = Candidate.model_validate(plain(data.candidate))
        data = data.model_copy(update={"digest": shown.digest})
    made = seal(_place(episode, iteration), plain(data), unmasked(data), names)
    return data.model_copy(update={"masked": names, "seal": made})


def with_secrets(event: Event) -> Event:
    """An event with the candidate as the model wrote it, for those who execute it, and for no record or report."""
    data = event.data
    if not isinstance(data, Proposed) or not data.seal:
        return event
    bare = data.model_copy(update={"masked": (), "seal": ""})
    whole = put_back(_place(event.episode, event.iteration), plain(bare), data.masked, data.seal)
    return event.model_copy(update={"data": Proposed.model_validate(whole)})


def _place(episode: str | None, iteration: int | None) -> str:
    return f"{episode}/{iteration}/proposed"


def put_back(call: str, masked: Mapping[str, Any], names: Iterable[str], sealed: str) -> Mapping[str, Any]:
    """The result with the secrets where they were; as it is where they are not known here, or it is not as it was."""
    key = user_key() if sealed else None
    if key is None:
        return masked
    pieces = to_json(masked).split(MASK.encode())
    values = [value for name in sorted(set(names)) if (value := password_value(name)) is not None]
    known = [to_json({"": value})[len('{"":"') : -len('"}')] for value in values]
    places = len(pieces) - 1
    if not known or places > _PLACES:
        return masked
    longest = sum(map(len, pieces)) + places * max(map(len, known))
    for filling in _fillings(known, places, _HASHED // longest):
        whole = b"".join(part for pair in zip(pieces, (*filling, b""), strict=True) for part in pair)
        if hmac.compare_digest(_seal(key, call, whole).encode(), sealed.encode("utf-8", "replace")):
            return dict(json.loads(whole))
    return masked


def _fillings(known: Sequence[bytes], places: int, tries: int) -> Iterator[Sequence[bytes]]:
    """What may stand in the places: one secret in all of them first, then any, and `***` as the model wrote it."""
    yield from itertools.islice(((value,) * places for value in known), tries)
    choices = (*known, MASK.encode())
    if len(choices) ** min(places, 64) <= min(tries, _TRIES):
        yield from itertools.product(choices, repeat=places)


def _seal(key: bytes, call: str, whole: bytes) -> str:
    return hmac.new(key, call.encode("utf-8", "surrogatepass") + b"\n" + whole, hashlib.sha256).hexdigest()
