from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from loopwright.errors import ModelUnavailable, UserError
from loopwright.models import (
    Message,
    Model,
    ModelOptions,
    Recorder,
    Replay,
    Request,
    Sampling,
    Scripted,
    open_model,
    replay_key,
)
from loopwright.secrets import register
from tests.models.support import ask


def texts(model: Model, *requests: Request) -> list[str]:
    async def go() -> list[str]:
        return [(await model.complete(request)).text for request in requests]

    return asyncio.run(go())


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "deep" / "recording.jsonl"
    recorder = Recorder(Scripted(["A1", "A2", "B"], name="openai/gpt"), path)
    assert recorder.name == "openai/gpt"
    assert texts(recorder, ask("a"), ask("a"), ask("b")) == ["A1", "A2", "B"]
    return path


def test_a_recording_answers_whatever_the_order_and_the_models_name(recording: Path) -> None:
    model = open_model("replay/recording.jsonl", options=ModelOptions(folder=recording.parent))
    assert model.name == "replay/recording.jsonl"
    named = ask("b").model_copy(update={"model": model.name})
    assert texts(model, named, ask("a"), ask("a"), ask("a"), ask("b")) == ["B", "A1", "A2", "A2", "B"]


def test_lines_hold_key_request_and_reply(recording: Path) -> None:
    lines = [json.loads(line) for line in recording.read_text().splitlines()]
    assert [set(line) for line in lines] == [{"key", "request", "reply"}] * 3
    assert lines[2]["key"] == replay_key(ask("b"))
    assert lines[2]["reply"]["text"] == "B"


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (ask("ab"), r"message 1 differs: .*\"a\".*\"ab\""),
        (ask("a", temperature=1), "sampling or schema differs"),
        (
            Request(model="m", messages=(*ask("a").messages, Message(role="assistant", content="A1"))),
            "it has 2 messages, the nearest recorded one 1",
        ),
    ],
)
def test_a_request_that_is_not_there_is_told_with_the_first_difference(
    recording: Path, request_: Request, says: str
) -> None:
    with pytest.raises(UserError, match=says):
        texts(Replay(recording), request_)


def test_in_order_takes_the_next_unused_reply(recording: Path) -> None:
    model = open_model("replay/recording.jsonl", options=ModelOptions(folder=recording.parent, in_order=True))
    assert texts(model, ask("b"), ask("new"), ask("newer")) == ["B", "A1", "A2"]
    with pytest.raises(UserError, match="does not hold this request"):
        texts(model, ask("newest"))


def test_failed_calls_are_not_recorded(tmp_path: Path) -> None:
    path = tmp_path / "recording.jsonl"
    with pytest.raises(ModelUnavailable):
        texts(Recorder(Scripted([ModelUnavailable("down")]), path), ask())
    assert not path.exists()


def test_parallel_calls_are_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "recording.jsonl"
    model = Recorder(Scripted([lambda request: request.messages[0].content * 500], cycle=True), path)

    async def go() -> None:
        await asyncio.gather(*(model.complete(ask(str(number))) for number in range(40)))

    asyncio.run(go())
    assert texts(Replay(path), ask("7")) == ["7" * 500]
    assert len(path.read_text().splitlines()) == 40


@pytest.mark.usefixtures("secret_registry")
def test_secrets_are_not_recorded(tmp_path: Path) -> None:
    register("canary-of-the-recording")
    path = tmp_path / "recording.jsonl"
    request = ask("Use canary-of-the-recording.")
    texts(Recorder(Scripted(["canary-of-the-recording"]), path), request)
    assert "canary" not in path.read_text()
    assert texts(Replay(path), request) == ["***"]


def test_a_line_may_be_written_by_hand_without_a_key(tmp_path: Path) -> None:
    path = tmp_path / "hand.jsonl"
    line = {"request": ask("a").model_dump(mode="json"), "reply": {"text": "by hand", "model": "me"}}
    path.write_text("\n" + json.dumps(line) + "\n\n")
    assert texts(Replay(path), ask("a")) == ["by hand"]


def test_lines_without_a_key_also_answer_in_order(tmp_path: Path) -> None:
    path = tmp_path / "hand.jsonl"
    lines: list[dict[str, Any]] = [
        {"request": ask(name).model_dump(mode="json"), "reply": {"text": f"to {name}", "model": "me"}}
        for name in ("a", "b", "c")
    ]
    lines[1]["key"] = replay_key(ask("b"))
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    model = Replay(path)
    assert texts(model, ask("a"), ask("reworded")) == ["to a", "to c"]
    with pytest.raises(UserError, match="does not hold this request"):
        texts(model, ask("one more"))


def _broken(**changes: Any) -> str:
    line: dict[str, Any] = {"request": ask("a").model_dump(mode="json"), "reply": {"text": "x", "model": "m"}}
    return json.dumps({**line, **changes})


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("no json", ":2: not a recorded call"),
        ("{}", ":2: not a recorded call: request Field required"),
        (_broken(reply={"text": 1}), r":2: not a recorded call: reply\.text"),
        (_broken(key="0" * 64), ":2: the key does not fit"),
        (_broken(more=1), ":2: not a recorded call: more"),
    ],
)
def test_a_file_that_is_no_recording_is_refused_with_the_line(tmp_path: Path, line: str, says: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(_broken() + "\n" + line + "\n")
    with pytest.raises(UserError, match=says):
        Replay(path)


def test_an_empty_recording_says_so(tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    path.touch()
    with pytest.raises(UserError, match="the recording is empty"):
        texts(Replay(path), ask())


def test_sampling_decides_too(recording: Path) -> None:
    with pytest.raises(UserError, match="sampling"):
        texts(Replay(recording), ask("b").model_copy(update={"sampling": Sampling(seed=1)}))


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\x85", "\x0c"])
def test_what_else_ends_a_line_in_unicode_ends_no_call(tmp_path: Path, sign: str) -> None:
    path = tmp_path / "calls.jsonl"
    request = ask(f"What is{sign} this?")
    texts(Recorder(Scripted([f"a{sign}b"]), path), request)
    assert texts(Replay(path), request) == [f"a{sign}b"]
