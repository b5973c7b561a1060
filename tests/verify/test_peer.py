"""Two peers in one process: every plain value comes back, and no message of a hostile one does harm."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from loopwright.sandbox._guest.frames import Ended, read_frame, write_frame
from loopwright.verify._guest.conversation.guards import CandidateGuard, VerifierGuard
from loopwright.verify._guest.conversation.peer import ANSWER, REQUEST, Gone, Peer
from loopwright.verify._guest.conversation.values import Memo, encode
from tests.verify.test_values import plain


@pytest.fixture(scope="module")
def verifier() -> Iterator[Peer]:
    """The tests' side of a conversation with a candidate's side in another thread."""
    here, there = socket.socketpair()

    def peer(end: socket.socket, guard: Any, special: dict[str, Any]) -> Peer:
        return Peer(lambda data: write_frame(end.fileno(), data), lambda: read_frame(end.fileno()), guard, special)

    def change(items: list[Any]) -> list[Any]:
        items.append(items[:])
        return items

    special = {"same": lambda value: value, "call": lambda function, *args: function(*args), "change": change}
    candidate = peer(there, CandidateGuard("/nowhere"), special)

    def serve() -> None:
        try:
            candidate.serve()
        except Ended:
            there.close()

    thread = threading.Thread(target=serve)
    thread.start()
    yield peer(here, VerifierGuard(lambda error: None), {})
    here.shutdown(socket.SHUT_RDWR)
    thread.join()
    here.close()


@given(plain)
@settings(deadline=None)
def test_every_plain_value_comes_back(verifier: Peer, value: Any) -> None:
    assert verifier.request("same", None, (value,)) == value
    assert verifier.request("call", None, (lambda got: [got], value)) == [value]


@given(st.lists(plain, max_size=4))
@settings(deadline=None)
def test_changes_come_back_into_the_same_list(verifier: Peer, items: list[Any]) -> None:
    before = list(items)
    result = verifier.request("change", None, (items,))
    assert result is items
    assert items == [*before, before]


def test_objects_keep_their_identity(verifier: Peer) -> None:
    thing, function = object(), lambda: None
    assert verifier.request("same", None, (thing,)) is thing
    assert verifier.request("same", None, ([function, function],)) == [function, function]


class Named:
    """What the encoding leaves to the peers: a name and a state."""

    def __init__(self, name: str, state: Any) -> None:
        self.name = name
        self.state = state

    def __repr__(self) -> str:
        return f"Named({self.name!r}, {self.state!r})"


NAMES = ("handle", "home", "name", "error", "error class", "record", "keys", "items", "other")
WORDS = (
    "builtin",
    "class",
    "home",
    "__call__",
    "__await__",
    "__anext__",
    "getattr",
    "ValueError",
    "builtins:eval",
    "os:system",
    "types:NoneType",
)

state = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 1 << 60) | st.sampled_from(WORDS) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=7).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=2)
        | st.builds(Named, st.sampled_from(NAMES), inner)
    ),
    max_leaves=12,
)
handle = st.tuples(st.integers(0, 3), st.sampled_from(("C", "D", "\0")), st.integers(0, 1 << 70))
kind = st.recursive(
    st.tuples(st.just("builtin"), st.sampled_from(("ValueError", "SystemExit", "eval"))),
    lambda inner: st.tuples(
        st.just("class"), st.integers(0, 3), st.just("E"), st.just("json:JSONDecodeError"), st.lists(inner).map(tuple)
    ),
)
cause = st.none() | st.builds(Named, st.sampled_from(("home", "handle")), st.integers(-1, 2)) | state
frames = st.lists(state, max_size=2).map(tuple)
error = st.tuples(kind, state, state, st.text(max_size=3), st.integers(0, 3), frames, cause, st.booleans())
named = st.one_of(
    st.builds(Named, st.just("handle"), handle),
    st.builds(Named, st.just("error"), error),
    st.builds(Named, st.just("error class"), kind),
    st.builds(
        Named, st.just("record"), st.tuples(handle, st.lists(st.sampled_from(("x", "__class__")), max_size=2), state)
    ),
    st.builds(Named, st.just("home"), st.integers(-1, 2)),
)
answer = st.tuples(st.booleans(), named | state, state | st.lists(st.tuples(st.integers(-1, 2), state)).map(tuple))
request = st.tuples(st.sampled_from(WORDS), st.integers(-1, 2) | st.none(), st.lists(named | state, max_size=2), state)


def _encoded(value: Any) -> bytes:
    def dump(found: Any) -> tuple[str, Any]:
        return found.name, found.state

    return encode(value, Memo(), dump, lambda _: None)


class Hostile(Exception):
    """The end of what a hostile candidate has to say."""


@given(
    st.lists(
        st.binary(max_size=20)
        | st.builds(lambda value: ANSWER + _encoded(value), answer)
        | st.builds(lambda value: REQUEST + _encoded(value), request),
        max_size=4,
    )
)
@settings(deadline=None, max_examples=200)
@example([ANSWER + _encoded((True, Named("name", "builtins:eval"), ()))])
@example([ANSWER + _encoded((True, None, ((0, (1, 2, 3)),)))])
@example([ANSWER + _encoded((True, None, ((1, (1,)),)))])
@example([REQUEST + _encoded(("getattr", 0, ("__globals__",), ())), ANSWER + _encoded((True, 1, ()))])
def test_hostile_messages(messages: list[bytes]) -> None:
    sent: list[bytes] = []
    queue = iter(messages)

    def receive() -> bytes:
        message = next(queue, None)
        if message is None:
            raise Hostile
        return message

    peer = Peer(sent.append, receive, VerifierGuard(lambda error: None), {})
    secret = "not to be seen"

    def function() -> str:
        return secret

    items = [1]
    try:
        value = peer.request("same", None, (function, items))
    except (Gone, Hostile, SystemExit):
        pass
    except Exception as error:
        # Either a built-in exception that the candidate is free to raise, or the class that mirrors its own.
        assert type(error).__module__ in ("builtins", "json.decoder", "loopwright.verify._guest.conversation.errors")  # noqa: PT017
    else:
        assert value is not eval
    assert secret.encode() not in b"".join(sent[1:]) or any(b"__call__" in message for message in messages)
