"""Replies that repeat a password: executed as they were written, also after a crash, and kept with a mask."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopwright import secrets
from loopwright.candidate import Candidate
from loopwright.loop._program_calls import asked_hash
from loopwright.models import Message, Request, request_hash
from loopwright.store import CallFinished, Proposed, ResponseCache, RunStore, read_run, sealed
from loopwright.store._codec import encode
from tests.store.support import key, manifest

pytestmark = pytest.mark.anyio

PASSWORD, OTHER = "correct7horse", 'quo"ted\\9pass ä'


@pytest.fixture(autouse=True)
def _variables(secret_registry: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _load(tmp_path, f"PUT_BACK_PASSWORD='{PASSWORD}'\nPUT_BACK_SECRET='{OTHER}'\n", monkeypatch)


def _load(folder: Path, lines: str, patch: pytest.MonkeyPatch) -> None:
    for name in ("PUT_BACK_PASSWORD", "PUT_BACK_SECRET"):
        patch.setenv(name, "")
        patch.delenv(name)
    (folder / ".env").write_text(lines, "utf-8")
    secrets.load_env_file(folder / ".env")


def own_run(folder: Path) -> RunStore:
    return RunStore.create(folder, sealed(manifest()))


async def _never() -> Mapping[str, Any]:
    raise AssertionError("the call was made before")


async def made(store: RunStore, text: str, at: int = 0) -> Mapping[str, Any]:
    async def call() -> Mapping[str, Any]:
        return {"text": text, "usage": {"input": 1}, "seconds": 0.1}

    return await store.once(key(at), call, kind="model", repeatable=True)


async def recalled(folder: Path, at: int = 0) -> Mapping[str, Any]:
    store = RunStore.open(folder)
    try:
        return await store.once(key(at), _never, kind="model", repeatable=True)
    finally:
        store.close()


def kept(folder: Path) -> str:
    return "\n".join(path.read_text("utf-8") for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "text",
    [
        f"mysql -p{PASSWORD} -e 'select 1'",
        f"{OTHER}",
        f"{PASSWORD} and {OTHER}, {PASSWORD} and ***",
        f"*** {PASSWORD}",
        f"**{PASSWORD}** f(*{PASSWORD}) 2**{PASSWORD} /*{PASSWORD}*/ {PASSWORD}{PASSWORD} ***{PASSWORD}***",
        f"{PASSWORD} {OTHER} " * 20,
        "***\n" * 12 + PASSWORD,
        "\n".join(f"open({number}, {PASSWORD!r})" for number in range(300)),
        f"{PASSWORD} " + "x" * 100_000,
    ],
)
async def test_a_reply_is_used_as_it_was_written_now_and_after_a_crash(tmp_path: Path, text: str) -> None:
    store = own_run(tmp_path / "run")
    assert (await made(store, text))["text"] == text
    store.close()
    assert (await recalled(tmp_path / "run"))["text"] == text
    assert not secrets.secrets_in(kept(tmp_path / "run"))
    (finished,) = (event.data for event in read_run(tmp_path / "run").events if isinstance(event.data, CallFinished))
    assert finished.masked
    assert finished.seal


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([PASSWORD, OTHER, "***", "**", " ", "\\", '"', "ä", "\n", "\ud800"]), max_size=10))
async def test_what_is_used_now_is_what_is_used_after_a_crash(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("runs") / "run"
    store = own_run(folder)
    now = await made(store, " ".join(parts))
    store.close()
    assert await recalled(folder) == now


async def test_a_variable_that_changed_leaves_the_mask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = own_run(tmp_path / "run")
    await made(store, f"-p{PASSWORD}")
    store.close()
    _load(tmp_path, "PUT_BACK_PASSWORD=another3horse\n", monkeypatch)
    assert (await recalled(tmp_path / "run"))["text"] == "-p***"


async def test_a_key_that_a_server_gets_is_executed_masked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _load(tmp_path, "PUT_BACK_SECRET=goes-to-a-server-41\n", monkeypatch)
    secrets.register("goes-to-a-server-41", "PUT_BACK_SECRET")
    store = own_run(tmp_path / "run")
    assert (await made(store, "it is goes-to-a-server-41"))["text"] == "it is ***"
    store.close()
    assert (await recalled(tmp_path / "run"))["text"] == "it is ***"


@pytest.mark.parametrize(
    ("line", "used"),
    [
        ("PUT_BACK_SECRET=postgresql://me:s3cretPw-99@host/db", "s3cretPw-99"),
        ("PUT_BACK_SECRET='  goes-to-a-server-43 '", "goes-to-a-server-43"),
        ("PUT_BACK_SECRET=goes-to-a-server-44", "Bearer goes-to-a-server-44"),
        ("AWS_SECRET_ACCESS_KEY=goes-to-a-bucket-45", ""),
        ("PUT_BACK_API_KEY=goes-to-a-server-46", ""),
    ],
)
async def test_what_holds_a_part_that_a_server_gets_is_executed_masked(
    tmp_path: Path, line: str, used: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "PUT_BACK_API_KEY"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    _load(tmp_path, line + "\n", monkeypatch)
    secrets.register(used)
    store = own_run(tmp_path / "run")
    value = line.partition("=")[2].strip("'")
    assert value.strip() not in (await made(store, f"it is {value}"))["text"]
    store.close()


async def test_what_a_program_made_in_a_sandbox_is_executed_as_it_is(tmp_path: Path) -> None:
    async def call() -> Mapping[str, Any]:
        return {"candidate": {"a.py": PASSWORD}}

    store = own_run(tmp_path / "run")
    now = await store.once(key(), call, kind="sandbox", repeatable=True)
    store.close()
    assert now == await recalled(tmp_path / "run") == {"candidate": {"a.py": PASSWORD}}
    assert not secrets.secrets_in(kept(tmp_path / "run"))


@given(st.sampled_from([PASSWORD, OTHER]), st.text(max_size=20))
def test_hashes_in_the_record_tell_no_secret(secret: str, text: str) -> None:
    assert asked_hash({"prompt": f"{text} {secret} "}) == asked_hash({"prompt": f"{text} *** "})
    whole, shown = (
        Request(model="m", messages=(Message(role="user", content=f"{text} {one} "),)) for one in (secret, "***")
    )
    assert request_hash(whole) == request_hash(shown)


async def test_another_form_of_the_secret_is_executed_masked(tmp_path: Path) -> None:
    store = own_run(tmp_path / "run")
    assert (await made(store, f"hex {PASSWORD.encode().hex()}"))["text"] == "hex ***"
    store.close()


def _changed(folder: Path, change: Any) -> None:
    """A record that somebody else wrote anew, with the same id and right checksums."""
    lines = (folder / "events.jsonl").read_bytes().splitlines()
    bodies = [json.loads(line) for line in lines]
    for body in bodies:
        del body["crc"]
        if body["data"]["type"] == "call_finished":
            change(body["data"])
    (folder / "events.jsonl").write_bytes(b"".join(encode(body, "r1") for body in bodies))


async def test_a_candidate_is_executed_as_it_was_written_now_and_after_a_crash(tmp_path: Path) -> None:
    candidate = Candidate(text=f"-p{PASSWORD}", files={"a.txt": OTHER, f"{PASSWORD}.txt": "***"})
    store = own_run(tmp_path / "run")
    heard: list[Any] = []
    store.subscribe(heard.append)
    proposed = Proposed(candidate=candidate, digest=candidate.digest)
    now = store.append(proposed, episode="e", iteration=2, node="propose")
    store.close()
    assert isinstance(now.data, Proposed)
    assert now.data.candidate == candidate
    (event,) = read_run(tmp_path / "run").events
    store = RunStore.open(tmp_path / "run")
    assert store.with_secrets(event) == now
    for shown in (event, *heard):
        assert not secrets.secrets_in(shown.model_dump(mode="json"))
        assert shown.data.digest == shown.data.candidate.digest != candidate.digest
    moved = event.model_copy(update={"iteration": 3})
    assert not secrets.secrets_in(store.with_secrets(moved).model_dump(mode="json"))
    store.close()


async def test_a_run_that_came_back_with_other_servers_gets_no_secret(tmp_path: Path) -> None:
    store = own_run(tmp_path / "run")
    await made(store, f"-p{PASSWORD}")
    store.append(Proposed(candidate=Candidate(text=PASSWORD)), episode="e", iteration=0, node="propose")
    store.close()
    told = json.loads((tmp_path / "run/run.json").read_text())
    told["config"] = {"endpoints": {"mine": {"base_url": "http://127.0.0.1:8762/v1"}}}
    (tmp_path / "run/run.json").write_text(json.dumps(told))
    assert (await recalled(tmp_path / "run"))["text"] == "-p***"
    store = RunStore.open(tmp_path / "run")
    shown = [store.with_secrets(event).model_dump(mode="json") for event in store.events()]
    assert not secrets.secrets_in(shown)
    assert (await made(store, f"more {PASSWORD}", at=1))["text"] == "more ***"
    store.close()


CHANGES = {
    "another program around it": lambda data: data["result"].update(text="print('***'[::-1])"),
    "another place": lambda data: data.update(seal=data["seal"].replace(" ", " 1")),
    "places that are none": lambda data: data.update(seal=data["seal"].split(" ")[0] + " 99999999.0 a.b -1.7 5"),
    "another seal": lambda data: data.update(seal="0" * 64),
    "a seal that is no text": lambda data: data.update(seal=["ä"]),
    "a seal that is no ASCII": lambda data: data.update(seal="ä"),
    "names that are none": lambda data: data.update(masked=7),
    "names without end": lambda data: data.update(masked=["PUT_BACK_PASSWORD"] * 100_000, seal="1" * 64),
    "many names and places": lambda data: data.update(
        masked=["PUT_BACK_PASSWORD", "PUT_BACK_SECRET"] * 1000, seal="1" * 64, result={"text": "***" * 9_000}
    ),
    "places without end": lambda data: data["result"].update(text="***" * 100_000),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_nobody_else_can_have_a_secret_put_anywhere(tmp_path: Path, change: str) -> None:
    store = own_run(tmp_path / "run")
    await made(store, f"-p{PASSWORD}")
    store.close()
    _changed(tmp_path / "run", CHANGES[change])
    assert PASSWORD not in json.dumps(dict(await recalled(tmp_path / "run")))


async def test_requests_that_differ_in_a_secret_share_no_reply_of_the_cache(tmp_path: Path) -> None:
    async def call() -> Mapping[str, Any]:
        return {"text": next(replies)}

    replies = iter(("one", "other"))
    cache = ResponseCache(tmp_path / "cache")
    for number, expected in enumerate(("one", "other")):
        store = RunStore.create(tmp_path / f"run{number}", manifest(f"r{number}"), cache=cache)
        request = {"prompt": f"The password is {PASSWORD}."}
        reply = await store.once(key(), call, kind="model", repeatable=True, request=request)
        assert reply["text"] == expected
        store.close()


async def test_a_seal_is_of_one_call(tmp_path: Path) -> None:
    store = own_run(tmp_path / "run")
    await made(store, f"-p{PASSWORD}", 0)
    await made(store, "-p***", 1)
    store.close()
    sealed: list[dict[str, Any]] = []

    def copy(data: dict[str, Any]) -> None:
        sealed.append(data)
        data.update(seal=sealed[0]["seal"], masked=sealed[0]["masked"])

    _changed(tmp_path / "run", copy)
    assert (await recalled(tmp_path / "run", 0))["text"] == f"-p{PASSWORD}"
    assert (await recalled(tmp_path / "run", 1))["text"] == "-p***"


async def test_the_response_cache_keeps_no_reply_that_repeats_a_secret(tmp_path: Path) -> None:
    for number in range(2):
        store = RunStore.create(
            tmp_path / f"run{number}", sealed(manifest(f"r{number}")), cache=ResponseCache(tmp_path / "cache")
        )
        assert (await made(store, f"{number} -p{PASSWORD}"))["text"] == f"{number} -p{PASSWORD}"
        store.close()
