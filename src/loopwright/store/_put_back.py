"""Replies that repeat a secret: the record holds `***`, and what is executed holds what the model wrote.

A password of an `.env` file may stand in a command by chance, or because the task tells it. A key that a server gets
stays masked: a reply must not carry it to another server. After a crash, a seal over the whole result shows what stood
in the places of `***`. Its key is the user's, and in no run folder: nobody else can have a secret put anywhere.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from loopwright.secrets import MASK, password_value, secrets_in
from loopwright.store._codec import plain, to_json, unmasked
from loopwright.store._events import Event, Proposed
from loopwright.store._origin import user_key
from loopwright.types import Candidate

_MASK = MASK.encode()
_PLACES = 10_000
"""Secrets in one result, at most, of which each has a place in its seal."""


def seal(call: str, masked: Mapping[str, Any], whole: Mapping[str, Any], names: Sequence[str]) -> str:
    """What `put_back` needs to make the whole result of the masked one: a proof, and which secret was where.

    Args:
        call: The key of the call.
        masked: The result as it is recorded.
        whole: The result as it was.
        names: The secrets in it.

    Returns:
        Empty where a secret is not put back, or stands there in another form than its own.
    """
    key, text = user_key(), to_json(whole)
    places = _places(to_json(masked), text, names)
    if key is None or not places:
        return ""
    return " ".join((_proof(key, call, text), *(f"{offset}.{number}" for offset, number in places)))


def _places(masked: bytes, whole: bytes, names: Sequence[str]) -> Sequence[tuple[int, int]]:
    """Offsets of masks with the numbers of the names whose values they hide; none if that is not all the difference."""
    numbers = {known: number for number, name in enumerate(names) if (known := _written(name))}
    found: list[tuple[int, int]] = []
    done = at = 0
    for match in re.finditer(b"|".join(map(re.escape, sorted(numbers, key=len, reverse=True))) or b"(?!)", whole):
        same = whole[done : match.start()]
        at += len(same)
        if masked[at - len(same) : at + len(_MASK)] != same + _MASK or len(found) == _PLACES:
            return ()
        found.append((at, numbers[match[0]]))
        at, done = at + len(_MASK), match.end()
    return found if masked[at:] == whole[done:] else ()


def _written(name: str) -> bytes:
    """The value of a secret as it stands in JSON; empty where it is not put back."""
    value = password_value(name)
    return b"" if value is None else to_json({"": value})[len('{"":"') : -len('"}')]


def put_back(call: str, masked: Mapping[str, Any], names: Sequence[str], sealed: str) -> Mapping[str, Any]:
    """The result with the secrets where they were; as it is where they are not known here, or it is not as it was."""
    key = user_key() if sealed else None
    proof, *places = sealed.split(" ")
    if key is None or not 0 < len(places) <= _PLACES:
        return masked
    text, parts, done = to_json(masked), [], 0
    try:
        for offset, number in (map(int, place.split(".")) for place in places):
            if not done <= offset < len(text):
                return masked
            parts += [text[done:offset], _written(names[number])]
            done = offset + len(_MASK)
    except (ValueError, IndexError):
        return masked
    whole = b"".join((*parts, text[done:]))
    same = hmac.compare_digest(_proof(key, call, whole).encode(), proof.encode("utf-8", "replace"))
    return dict(json.loads(whole)) if same else masked


def _proof(key: bytes, call: str, whole: bytes) -> str:
    return hmac.new(key, call.encode("utf-8", "surrogatepass") + b"\n" + whole, hashlib.sha256).hexdigest()


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
