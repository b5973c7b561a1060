from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.models import FunctionCall, Message, Request, Sampling, Tool, replay_key, request_hash

# pydantic refuses lone surrogates.
texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20)
requests = st.builds(
    Request,
    model=texts,
    messages=st.lists(
        st.builds(
            Message,
            role=st.sampled_from(["system", "user", "assistant"]),
            content=texts,
            images=st.lists(texts, max_size=2).map(tuple),
        ),
        max_size=3,
    ).map(tuple),
    sampling=st.builds(
        Sampling,
        temperature=st.none() | st.floats(0, 2),
        seed=st.none() | st.integers(-(2**63), 2**63 - 1),
        stop=st.just(("a", "b")),
    ),
    json_schema=st.none() | st.dictionaries(texts, st.integers() | texts | st.lists(texts), max_size=3),
)


@given(requests, requests)
def test_hashes_are_equal_where_requests_are(one: Request, other: Request) -> None:
    assert (request_hash(one) == request_hash(other)) is (one == other)
    assert request_hash(one) == request_hash(Request.model_validate_json(one.model_dump_json()))


BASE = Request(model="a/b", messages=(Message(role="user", content="x"),), json_schema={"a": 1, "b": {"c": 2, "d": 3}})


@pytest.mark.parametrize(
    "change",
    [
        {"model": "a/c"},
        {"messages": (Message(role="system", content="x"),)},
        {"messages": (Message(role="user", content="x", images=("0",)),)},
        {"messages": (Message(role="user", content="x"), Message(role="user", content=""))},
        {"sampling": Sampling(temperature=0)},
        {"sampling": Sampling(seed=0)},
        {"sampling": Sampling(stop=("x",))},
        {"json_schema": None},
        {"json_schema": {"a": 1}},
    ],
)
def test_everything_that_decides_the_reply_is_in_the_hash(change: dict[str, Any]) -> None:
    assert request_hash(BASE.model_copy(update=change)) != request_hash(BASE)


def test_the_order_of_keys_is_not() -> None:
    turned = {"b": {"d": 3, "c": 2}, "a": 1}
    assert request_hash(BASE.model_copy(update={"json_schema": turned})) == request_hash(BASE)


def test_the_hash_stays_what_it_was() -> None:
    """Journals and recordings hold it: a change of this value breaks them."""
    assert request_hash(BASE) == "251fe6d526588931836b8e053b57eb9a0267f5850a3361529f8e25587060c9d8"


def test_the_replay_key_leaves_out_the_model_alone() -> None:
    assert replay_key(BASE) == replay_key(BASE.model_copy(update={"model": "replay/x"}))
    assert replay_key(BASE) != replay_key(BASE.model_copy(update={"json_schema": None}))


TOOL = Tool(name="execute", description="Runs a command.", parameters={"type": "object"})
CALLED = Message(role="assistant", content="", tool_calls=(FunctionCall(id="1", name="execute", arguments="{}"),))


@pytest.mark.parametrize(
    "change",
    [
        {"tools": (TOOL,)},
        {"tools": (TOOL,), "tool_choice": "required"},
        {"messages": (CALLED,)},
        {"messages": (CALLED.model_copy(update={"carried": ({"type": "reasoning"},)}),)},
        {"messages": (Message(role="tool", content="x", call_id="1"),)},
    ],
)
def test_tools_and_calls_are_in_the_hash(change: dict[str, Any]) -> None:
    changed = BASE.model_copy(update=change)
    assert request_hash(changed) != request_hash(BASE)
    assert Request.model_validate_json(changed.model_dump_json()) == changed
