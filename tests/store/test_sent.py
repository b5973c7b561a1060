"""A run folder that somebody sent is data: no link in it is followed, and nothing but files is opened."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import zlib
from pathlib import Path

import pytest

from loopwright.errors import StoreError
from loopwright.store import CallFinished, Failed, ResponseCache, RunStore, read_run
from loopwright.store._artifacts import Artifacts
from tests.store.support import new_run, note

PRECIOUS = b"precious"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_bytes(PRECIOUS)
    return tmp_path / "mine"


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    store = new_run(tmp_path / "sent")
    store.append(note("a"))
    store.close()
    return tmp_path / "sent"


@pytest.mark.parametrize("name", ["lock", "events.jsonl", "run.json"])
@pytest.mark.parametrize("kind", ["link", "fifo", "device"])
def test_what_is_no_file_is_not_opened(sent: Path, mine: Path, name: str, kind: str) -> None:
    (sent / name).unlink()
    target = "/dev/zero" if kind == "device" else mine / "file"
    os.mkfifo(sent / name) if kind == "fifo" else (sent / name).symlink_to(target)
    with pytest.raises(StoreError, match=f"{name}.*(is a link|is a FIFO)"):
        RunStore.open(sent)
    if name != "lock":
        with pytest.raises(StoreError, match=r"is a (link|FIFO)"):
            list(read_run(sent).events)
    assert (mine / "file").read_bytes() == PRECIOUS


@pytest.mark.parametrize("name", ["artifacts", "artifacts/00"])
def test_artifacts_do_not_go_through_a_link(sent: Path, mine: Path, name: str) -> None:
    (sent / name).parent.mkdir(exist_ok=True)
    (sent / name).symlink_to(mine)
    data = next(data for n in range(10_000) if hashlib.sha256(data := b"%d" % n).hexdigest().startswith("00"))
    store = RunStore.open(sent)
    with pytest.raises(StoreError, match="is a link"):
        store.put(data)
    with pytest.raises(StoreError, match="is a link"):
        store.get(hashlib.sha256(data).hexdigest())
    store.close()
    assert [path.name for path in mine.iterdir()] == ["file"]


def test_artifacts_that_are_taken_over_are_files(tmp_path: Path, mine: Path) -> None:
    ref = hashlib.sha256(PRECIOUS).hexdigest()
    (tmp_path / "theirs" / ref[:2]).mkdir(parents=True)
    (tmp_path / "theirs" / ref[:2] / ref[2:]).symlink_to(mine / "file")
    with pytest.raises(StoreError, match="is a link"):
        Artifacts(tmp_path / "ours").adopt(Artifacts(tmp_path / "theirs"))


@pytest.mark.anyio
async def test_checkpoints_do_not_go_through_a_link(sent: Path, mine: Path) -> None:
    store = RunStore.open(sent)
    for end in ("", "-wal"):
        (sent / f"checkpoints.sqlite{end}").symlink_to(mine / "file")
        with pytest.raises(StoreError, match="is a link"):
            async with store.checkpointer():
                pass
        (sent / f"checkpoints.sqlite{end}").unlink()
    store.close()
    assert (mine / "file").read_bytes() == PRECIOUS


def test_a_cache_is_not_left_by_a_link(tmp_path: Path, mine: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    name = hashlib.sha256(json.dumps("k").encode()).hexdigest()
    (cache / name[:2]).symlink_to(mine)
    ResponseCache(cache).put("k", {"a": 1})
    assert ResponseCache(cache).get("k") is None
    assert caplog.text.count("is a link") == 2
    assert [path.name for path in mine.iterdir()] == ["file"]


def _line(body: str, run: str = "r1") -> bytes:
    head = body[:-1].encode()
    return b'%s,"crc":"%08x"}\n' % (head, zlib.crc32(head, zlib.crc32(run.encode())))


_HEAD = '{"v":2,"seq":1,"time":"2026-01-01T00:00:00+00:00","episode":"e","data":'


@pytest.mark.parametrize(
    "body",
    [
        '{"v":2,"seq":1}',
        f"{_HEAD}[]}}",
        f"{_HEAD}null}}",
        f'{_HEAD}{{"type":"failed","message":{{"$text":[[0]]}}}}}}',
        f'{_HEAD}{{"type":"failed","message":{{"$text":[[0,0,0,1]]}}}}}}',
        f'{_HEAD}{{"type":"failed","message":{{"$text":7}}}}}}',
        f"{_HEAD}{'[' * 100_000}{']' * 100_000}}}",
        f'{_HEAD}{{"type":"failed","message":{"[" * 900}{"]" * 900}}}}}',
        f'{_HEAD}{{"type":"failed","error":"{"x" * (65 * 1024 * 1024)}"}}}}',
    ],
    ids=["no data", "list", "null", "short part", "no text", "no parts", "deep", "deep text", "long"],
)
def test_a_line_that_was_made_up_is_damaged_and_names_itself(sent: Path, body: str) -> None:
    with (sent / "events.jsonl").open("ab") as file:
        file.write(_line(body))
        file.write(_line(body))
    with pytest.raises(StoreError, match=r"events\.jsonl line 2|event 1 does not fit the schema"):
        list(read_run(sent).events)


def test_texts_that_refer_to_texts_are_bounded(sent: Path) -> None:
    text = "x" * 100_000
    rest = '"error":"E","cause":"c","retried":false'
    first = f'{_HEAD}{{"type":"failed",{rest},"message":"{text}"}}}}'
    parts = ",".join(["[1,0,0,100000]"] * 3_000)
    second = f'{_HEAD}{{"type":"failed",{rest},"message":{{"$text":[{parts}]}}}}}}'.replace('"seq":1', '"seq":2')
    third = second.replace('"seq":2', '"seq":3')
    with (sent / "events.jsonl").open("ab") as file:
        file.write(_line(first) + _line(second) + _line(third))
    with pytest.raises(StoreError, match="line 3 is damaged: the texts that it refers to have more than"):
        list(read_run(sent).events)


@pytest.mark.parametrize(
    "field",
    [
        '"score":"NaN"',
        '"seconds":1e308',
        '"working_seconds":"-Infinity"',
        '"cost_usd":"NaN"',
        '"cost_usd":"1E+99999999"',
        '"cost_usd":"free"',
        '"cost_usd":""',
        f'"usage":{{"input":1{"0" * 400}}}',
        '"usage":{"input":-1}',
    ],
)
def test_numbers_that_nothing_can_show_are_refused(sent: Path, field: str) -> None:
    with (sent / "events.jsonl").open("ab") as file:
        file.write(_line(f'{_HEAD}{{"type":"episode_finished","status":"scored",{field}}}}}'))
    with pytest.raises(StoreError, match="event 1 does not fit the schema"):
        list(read_run(sent).events)


@pytest.mark.parametrize(
    "time", ["", "react", "2026-01-01T00:00:00", "2026-01-01", "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59-12:00"]
)
def test_a_time_that_no_reader_can_use_is_refused(sent: Path, time: str) -> None:
    with (sent / "events.jsonl").open("ab") as file:
        file.write(_line(f'{{"v":2,"seq":1,"time":"{time}","data":{{"type":"run_finished","reason":"completed"}}}}'))
    with pytest.raises(StoreError, match="event 1 does not fit the schema: time"):
        list(read_run(sent).events)


@pytest.mark.parametrize("key", ['{"a":1}', "null", "[]", "7"])
@pytest.mark.parametrize("type", ["call_intended", "call_finished"])
def test_a_call_without_a_key_is_refused(sent: Path, type: str, key: str) -> None:
    with (sent / "events.jsonl").open("ab") as file:
        file.write(_line(f'{_HEAD}{{"type":"{type}","kind":"model","repeatable":true,"key":{key}}}}}'))
    with pytest.raises(StoreError, match="event 1 does not fit the schema"):
        RunStore.open(sent)


_FAILED = '{"type":"failed","error":"E","cause":"c","message":"","retried":false'


@pytest.mark.parametrize(
    "data",
    [
        '{"type":"observed","observation":{},"seconds":-1}',
        '{"type":"run_resumed","loopwright":"1","budget":{"usd":-1}}',
        '{"type":"run_resumed","loopwright":"1","budget":{"usd":"NaN"}}',
        '{"type":"run_steered","action":"set_cap","by":"ctl","budget":{"usd":-1}}',
        '{"type":"run_steered","action":"set_concurrency","by":"ctl","concurrency":0}',
        f'{_FAILED},"usage":{{"input":1}},"cost_usd":"-0.5"}}',
        f'{_FAILED},"usage":{{"input":1}},"cost_usd":"free"}}',
        '{"type":"episode_finished","status":"scored","cost_usd":"-1"}',
        '{"type":"episode_finished","status":"scored","model_calls":-5}',
        '{"type":"episode_finished","status":"scored","images":-1}',
        '{"type":"mitigated","kind":"routing","at":1,"why":"","what":"","tokens":-8}',
        '{"type":"run_started","loopwright":"1","tasks":{},"variants":[],"episodes":-1}',
    ],
)
def test_nothing_that_was_spent_is_negative(sent: Path, data: str) -> None:
    with (sent / "events.jsonl").open("ab") as file:
        file.write(_line(f"{_HEAD}{data}}}"))
    with pytest.raises(StoreError, match="event 1 does not fit the schema"):
        list(read_run(sent).events)


@pytest.mark.parametrize("pid", ["1" + "0" * 400, "Infinity", "-1", "[" * 4000, '"x"', "null"], ids=str)
def test_a_lock_file_that_was_made_up_names_no_writer(sent: Path, pid: str) -> None:
    (sent / "lock").write_text(f'{{"pid":{pid},"host":"{socket.gethostname()}","since":""}}')
    assert read_run(sent).writer is None


def test_a_response_cache_without_a_result_counts_as_none(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path)
    cache.put("k", {"text": "x"})
    (entry,) = tmp_path.glob("??/*.json")
    for body in ("", ',"result":7', ',"result":null'):
        entry.write_bytes(_line(f'{{"v":1,"seq":0{body}}}', "k"))
        assert cache.get("k") is None


@pytest.mark.parametrize(
    ("field", "refused"),
    [
        ('"cost_usd":"1E+999999"', True),
        (f'"seconds":1{"0" * 100}', True),
        ('"checks":[{"name":"x","score":1,"weight":1e300}]', True),
        ('"checks":[{"name":"x","score":1,"weight":2}]', False),
    ],
)
def test_numbers_inside_verdicts_are_bounded_too(sent: Path, field: str, refused: bool) -> None:
    with (sent / "events.jsonl").open("ab") as file:
        file.write(_line(f'{_HEAD}{{"type":"judged","score":1,"passed":true,"best":true,"verdict":{{{field}}}}}}}'))
    if refused:
        with pytest.raises(StoreError, match="event 1 does not fit the schema"):
            list(read_run(sent).events)
    else:
        assert [event.data.type for event in read_run(sent).events][-1] == "judged"


@pytest.mark.parametrize(
    "config",
    [
        {"tasks": 7},
        {"tasks": None},
        {"tasks": [7]},
        {"tasks": [{"name": ["t"]}]},
        {"tasks": [{"name": "t", "data": 7}]},
        {"tasks": [{"name": "t", "data": [{"vars": {"group": "g"}}]}]},
        {"tasks": [{"name": "t", "data": [{"id": "a", "vars": []}]}]},
        {"tasks": [{"name": "t", "environment": "sql"}]},
        {"tasks": [{"name": "t", "agents": []}]},
        {"models": 7},
        {"regrade": "yes"},
        {"budget": "none"},
        {"endpoints": ["a"]},
    ],
    ids=str,
)
def test_a_configuration_that_readers_cannot_look_into_is_refused(sent: Path, config: dict[str, object]) -> None:
    told = json.loads((sent / "run.json").read_text())
    (sent / "run.json").write_text(json.dumps(told | {"config": config}))
    with pytest.raises(StoreError, match=rf"run\.json is not the manifest of a run: {next(iter(config))}"):
        read_run(sent)


def test_no_text_of_a_record_is_half_a_character_whoever_wrote_it(sent: Path) -> None:
    text = "\\ud83d" + "x" * 100
    rest = '"error":"E","cause":"c","retried":false'
    first = f'{_HEAD}{{"type":"failed",{rest},"message":"{text}"}}}}'
    second = f'{_HEAD}{{"type":"failed",{rest},"message":{{"$text":[[1,0,0,101]]}}}}}}'.replace('"seq":1', '"seq":2')
    result = b'{"text": "\\uDE00"}'
    ref = hashlib.sha256(result).hexdigest()
    (sent / "artifacts" / ref[:2]).mkdir(parents=True)
    (sent / "artifacts" / ref[:2] / ref[2:]).write_bytes(result)
    third = f'{_HEAD}{{"type":"call_finished","key":"k","kind":"model","artifact":"{ref}"}}}}'.replace(
        '"seq":1', '"seq":3'
    )
    with (sent / "events.jsonl").open("ab") as file:
        file.write(_line(first) + _line(second) + _line(third))
    record = read_run(sent)
    followed = list(record.follow().look())
    assert [event.data for event in followed] == [event.data for event in record.events]
    for event in [*followed, *record.events_of("e")]:
        event.model_dump_json()
    assert list(record.events_of("e")) == followed[-3:]
    messages = [event.data.message for event in followed if isinstance(event.data, Failed)]
    assert messages == ["a", text, text]
    last = followed[-1].data
    assert isinstance(last, CallFinished)
    assert record.result(last) == {"text": "\\ude00"}
