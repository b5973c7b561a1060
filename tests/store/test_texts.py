"""Text that repeats is written once and read in full."""

from __future__ import annotations

import json
import random
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopwright.store import CallFinished, Proposed, RunStore, read_run
from loopwright.store._codec import BadLine
from loopwright.store._texts import AT_FIRST, MARK, MOST_TEXTS, PER_BYTE, SHORTEST, Texts
from loopwright.types import Candidate
from tests.store.support import key, new_run

pytestmark = pytest.mark.anyio


def prose(seed: int, length: int = 2000) -> str:
    """Text that repeats nothing in itself."""
    return "".join(random.Random(seed).choices(string.ascii_letters + " \n", k=length))


async def iteration(store: RunStore, number: int, code: str, prompt: str) -> None:
    async def reply() -> dict[str, Any]:
        return {"text": f"Here it is:\n```python\n{code}```\n"}

    request = {"messages": [{"content": prose(0)}, {"content": prompt}]}
    await store.once(key(number), reply, kind="model", repeatable=True, request=request)
    candidate = Candidate(files={"solution.py": code})
    store.append(Proposed(candidate=candidate, digest="0" * 64), episode="e", iteration=number, node="propose")


async def test_candidates_and_prompts_do_not_repeat_what_is_written_already(tmp_path: Path) -> None:
    store = new_run(tmp_path / "run")
    codes = [prose(n) + "\n" for n in range(1, 6)]
    prompts = ["Begin."] + [f"You wrote:\n{code.strip()}\n" + prose(100 + n, 50) for n, code in enumerate(codes)]
    for number, (code, prompt) in enumerate(zip(codes, prompts, strict=False)):
        await iteration(store, number, code, prompt)
        if number == 2:  # Another process goes on, and refers to what this one wrote.
            store.close()
            store = RunStore.open(tmp_path / "run")
    store.close()
    written = (tmp_path / "run" / "events.jsonl").read_text()
    for text in [prose(0), *codes]:
        assert written.count(json.dumps(text.strip(), ensure_ascii=False)[1:-1]) == 1
    events = [event.data for event in read_run(tmp_path / "run").events]
    assert [e.candidate.files["solution.py"] for e in events if isinstance(e, Proposed) and e.candidate] == codes
    asked = [e.request["messages"] for e in events if e.type == "call_intended"]
    assert asked == [[{"content": prose(0)}, {"content": prompt}] for prompt in prompts[:5]]


async def test_results_are_written_in_full(tmp_path: Path) -> None:
    """So that a resumed run reads each by itself."""
    store = new_run(tmp_path / "run")

    async def reply() -> dict[str, Any]:
        return {"text": prose(1), MARK: [[0, 0, 0, 5]]}

    for number in range(2):
        assert await store.once(key(number), reply, kind="model", repeatable=True) == await reply()
    store.close()
    store = RunStore.open(tmp_path / "run")
    assert await store.once(key(1), reply, kind="model", repeatable=True) == await reply()
    results = [event.data.result for event in store.events() if isinstance(event.data, CallFinished)]
    assert results == [await reply()] * 2
    store.close()
    assert (tmp_path / "run" / "events.jsonl").read_text().count(prose(1, 50).replace("\n", "\\n")) == 2


def test_episodes_do_not_refer_to_each_other() -> None:
    texts = Texts()
    for seq, episode in enumerate("ab"):
        body = {"seq": seq, "episode": episode, "data": {"type": "t", "text": prose(1)}}
        written = texts.shorten(body)
        assert written == body
        assert texts.restore(written) == body


def test_memory_is_bounded_and_both_sides_forget_the_same() -> None:
    writer, reader = Texts(), Texts()
    for seq in range(3 * MOST_TEXTS):
        again = prose(seq - 5) if seq % 2 and seq > 5 else prose(seq)
        body = {"seq": seq, "episode": "e", "data": {"type": "t", "text": again}}
        written = writer.shorten(body)
        assert (MARK in json.dumps(written)) == (seq % 2 == 1 and seq > 5 and (seq - 5) % 2 == 0)
        writer.restore(written)
        assert reader.restore(written) == body
    [known] = writer._episodes.values()
    assert len(known.texts) == len(known.parts) == MOST_TEXTS
    assert known.size == sum(map(len, known.texts.values()))
    forgotten = {"seq": 999, "episode": "e", "data": {"type": "t", "text": prose(0)}}
    assert writer.shorten(forgotten) == forgotten


def test_a_reference_to_nothing_is_found() -> None:
    with pytest.raises(BadLine, match="text 1 of event 7, which is not there"):
        Texts().restore({"seq": 8, "episode": "e", "data": {"type": "t", "text": {MARK: [[7, 1, 0, 5]]}}})


def test_a_text_that_is_referred_to_as_a_whole_is_one_string() -> None:
    texts = Texts()
    first = texts.restore({"seq": 0, "episode": "e", "data": {"type": "t", "text": prose(0)}})
    again = texts.restore({"seq": 1, "episode": "e", "data": {"type": "t", "text": {MARK: [[0, 0, 0, 2000]]}}})
    assert again["data"]["text"] is first["data"]["text"]


def test_few_bytes_cannot_refer_to_gigabytes_and_nobody_writes_so() -> None:
    size = 1024 * 1024
    writer, reader = Texts(), Texts()
    first = {"seq": 0, "episode": "e", "data": {"type": "t", "text": prose(0, size)}}
    for texts in (writer, reader):
        texts.restore(first)
    line = {"seq": 1, "episode": "e", "data": {"type": "t", "text": {MARK: [[0, 0, 0, size]]}}}
    for _ in range(AT_FIRST // size):
        assert writer.shorten(first)["data"]["text"] == {MARK: [[0, 0, 0, size]]}
        for texts in (writer, reader):
            texts.restore(line)
    assert writer.shorten(first) == first
    with pytest.raises(BadLine, match="more than the 0 characters that are left"):
        reader.restore(line)
    for texts in (writer, reader):
        texts.grow(size // PER_BYTE)
    assert reader.restore(writer.shorten(first))["data"] == first["data"]


base = st.text(min_size=1, max_size=6).map(lambda text: (text * SHORTEST)[: SHORTEST + len(text)])
long_text = st.lists(base | st.text(max_size=5), max_size=4).map("".join)
values = st.recursive(
    long_text | st.integers() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", MARK, "is"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["e", "f", None]), st.sampled_from(["t", "call_finished", "episode_finished"]), values
        ),
        max_size=12,
    ),
    st.integers(0, 12),
)
def test_whatever_is_written_is_read(lines: list[tuple[str | None, str, Any]], restart: int) -> None:
    """Also by another process that goes on after some lines."""
    writer = Texts()
    journal: list[dict[str, Any]] = []
    for seq, (episode, kind, value) in enumerate(lines):
        if seq == restart:
            writer = Texts()
            for line in journal:
                writer.restore(line)
        body = {"seq": seq, "data": {"type": kind, "value": value}} | ({"episode": episode} if episode else {})
        written = json.loads(json.dumps(writer.shorten(body)))
        journal.append(written)
        assert writer.restore(written) == body
    reader = Texts()
    assert [reader.restore(line)["data"]["value"] for line in journal] == [value for *_, value in lines]
