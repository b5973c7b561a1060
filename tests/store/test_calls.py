from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from loopwright import secrets
from loopwright.errors import AgentError, CallInDoubt, ModelError, ModelUnavailable, StoreError, ToolServerFailed
from loopwright.files import MOST_CONTAINERS, MOST_VALUES
from loopwright.store import CallFinished, CallIntended, ResponseCache, RunStore, read_run
from loopwright.store._call_events import CallKind
from loopwright.types import Failure
from tests.faults.table import proves
from tests.store.support import key, manifest, new_run

pytestmark = pytest.mark.anyio


class Provider:
    """Counts how often it is called."""

    def __init__(self, *answers: Mapping[str, Any] | BaseException) -> None:
        self.answers = list(answers)
        self.calls = 0

    async def __call__(self) -> Mapping[str, Any]:
        answer = self.answers[min(self.calls, len(self.answers) - 1)]
        self.calls += 1
        await asyncio.sleep(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


def types(folder: Path) -> list[str]:
    return [event.data.type for event in read_run(folder).events]


async def test_intent_comes_before_the_call_and_the_result_before_its_use(folder: Path) -> None:
    store = new_run(folder)

    async def call() -> dict[str, Any]:
        assert types(folder) == ["call_intended"]
        return {"text": "hi"}

    assert await store.once(key(), call, kind="model", repeatable=True, request={"prompt": "?"}) == {"text": "hi"}
    intended, finished = read_run(folder).events
    assert isinstance(intended.data, CallIntended)
    assert intended.data.request == {"prompt": "?"}
    assert isinstance(finished.data, CallFinished)
    assert finished.data.result == {"text": "hi"}
    assert (finished.episode, finished.iteration, finished.node) == ("e", 0, "propose")
    store.close()


async def test_a_recorded_call_is_not_made_again_now_or_after_a_resume(folder: Path) -> None:
    provider = Provider({"text": "hi"})
    store = new_run(folder)
    first = await store.once(key(), provider, kind="model", repeatable=True)
    again = await store.once(key(), provider, kind="model", repeatable=True)
    store.close()
    store = RunStore.open(folder)
    resumed = await store.once(key(), provider, kind="model", repeatable=True)
    store.close()
    assert first == again == resumed == {"text": "hi"}
    assert provider.calls == 1


async def test_other_keys_are_other_calls(folder: Path) -> None:
    provider = Provider({})
    store = new_run(folder)
    keys = [key(0), key(1), key(0, episode="f"), key(0, node="critique"), key(0, request="r")]
    for one in keys:
        await store.once(one, provider, kind="model", repeatable=True)
    store.close()
    assert provider.calls == len(keys)


@pytest.mark.usefixtures("secret_registry")
async def test_results_are_the_same_now_and_after_a_resume(folder: Path) -> None:
    secrets.register("canary-a1b2c3")
    odd = {"pair": (1, 2), "inf": math.inf, "name": "\udc80\udcff", "deep": {"key": "canary-a1b2c3"}, 5: "x"}
    store = new_run(folder)
    now = await store.once(key(), Provider(odd), kind="other", repeatable=True)  # type: ignore[arg-type]  # key 5
    store.close()
    store = RunStore.open(folder)
    later = await store.once(key(), Provider(), kind="other", repeatable=True)
    store.close()
    assert now == later
    assert b"canary-a1b2c3" not in (folder / "events.jsonl").read_bytes()


async def test_large_results_lie_in_artifacts(folder: Path) -> None:
    large = {"text": "x" * 200_000}
    store = new_run(folder)
    assert await store.once(key(), Provider(large), kind="model", repeatable=True) == large
    store.close()
    assert (folder / "events.jsonl").stat().st_size < 2_000
    store = RunStore.open(folder)
    assert await store.once(key(), Provider(), kind="model", repeatable=True) == large
    store.close()
    finished = list(read_run(folder).events)[-1].data
    assert isinstance(finished, CallFinished)
    assert read_run(folder).result(finished) == large


@proves(
    "a caller cancelled when its result arrives",
    "the result is recorded; nothing is paid again",
)
@pytest.mark.parametrize("size", [1, 200_000])
async def test_a_result_is_recorded_even_if_its_caller_is_cancelled_meanwhile(folder: Path, size: int) -> None:
    store = new_run(folder)

    async def call() -> dict[str, Any]:
        task.cancel()
        return {"text": "x" * size}

    task = asyncio.create_task(store.once(key(), call, kind="model", repeatable=False))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await store.once(key(), Provider(), kind="model", repeatable=False) == {"text": "x" * size}
    store.close()


def test_ambiguous_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="slash"):
        key(node="a/b")


async def test_a_failure_is_recorded_with_its_cause_and_the_call_may_be_made_again(folder: Path) -> None:
    provider = Provider(ModelUnavailable("the server is away"), {"text": "back"})
    store = new_run(folder)
    with pytest.raises(ModelUnavailable):
        await store.once(key(), provider, kind="model", repeatable=False)
    store.close()
    store = RunStore.open(folder)
    assert await store.once(key(), provider, kind="model", repeatable=False) == {"text": "back"}
    store.close()
    failed = list(read_run(folder).events)[1].data
    assert isinstance(failed, CallFinished)
    assert failed.failure == Failure(cause="model", error="ModelUnavailable", message="the server is away")
    assert read_run(folder).result(failed) is None
    assert types(folder) == ["call_intended", "call_finished"] * 2


async def test_a_result_that_is_not_json_is_a_failure_of_the_harness(folder: Path) -> None:
    store = new_run(folder)
    with pytest.raises(ValueError, match="serialize"):
        await store.once(key(), Provider({"bad": object()}), kind="model", repeatable=True)
    store.close()
    failed = list(read_run(folder).events)[1].data
    assert isinstance(failed, CallFinished)
    assert failed.failure is not None
    assert failed.failure.cause == "harness"


async def interrupted(folder: Path, *, repeatable: bool) -> None:
    """Leaves a run with a call that was begun and has no outcome."""
    begun = asyncio.Event()

    async def call() -> dict[str, Any]:
        begun.set()
        await asyncio.Event().wait()
        return {}

    store = new_run(folder)
    task = asyncio.create_task(store.once(key(), call, kind="model", repeatable=repeatable))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    store.close()
    assert types(folder) == ["call_intended"]


async def test_a_call_in_flight_is_repeated_where_that_is_safe(folder: Path) -> None:
    await interrupted(folder, repeatable=True)
    store = RunStore.open(folder)
    assert await store.once(key(), Provider({"n": 1}), kind="model", repeatable=True) == {"n": 1}
    store.close()


@proves(
    "a crash during a call that is not safe to repeat",
    "the call is not made again without leave; a typed error says so; other calls go on",
)
@pytest.mark.parametrize(("then", "now"), [(False, False), (False, True), (True, False)])
async def test_a_call_in_flight_is_not_repeated_where_that_is_not_safe(folder: Path, then: bool, now: bool) -> None:
    await interrupted(folder, repeatable=then)
    provider = Provider({"n": 1})
    store = RunStore.open(folder)
    with pytest.raises(CallInDoubt, match="propose in iteration 0 of e") as caught:
        await store.once(key(), provider, kind="model", repeatable=now)
    assert caught.value.remedy
    assert provider.calls == 0
    assert await store.once(key(1), provider, kind="model", repeatable=now) == {"n": 1}, "other calls go on"
    store.close()
    store = RunStore.open(folder, repeat_in_doubt=True)
    assert await store.once(key(), provider, kind="model", repeatable=now) == {"n": 1}
    store.close()


async def test_concurrent_calls_under_one_key_are_one_call(folder: Path) -> None:
    provider = Provider({"n": 1})
    store = new_run(folder)
    results = await asyncio.gather(*(store.once(key(), provider, kind="model", repeatable=False) for _ in range(8)))
    store.close()
    assert provider.calls == 1
    assert results == [{"n": 1}] * 8


async def test_a_waiting_caller_makes_the_call_when_the_first_one_fails(folder: Path) -> None:
    provider = Provider(ModelUnavailable("away"), {"n": 2})
    store = new_run(folder)
    first, second = await asyncio.gather(
        *(store.once(key(), provider, kind="model", repeatable=True) for _ in range(2)), return_exceptions=True
    )
    store.close()
    assert isinstance(first, ModelUnavailable)
    assert second == {"n": 2}


async def test_listeners_hear_calls_in_order_and_cannot_end_the_run(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = new_run(folder)
    heard: list[int] = []

    def broken(event: object) -> None:
        raise RuntimeError("the display is gone")

    store.subscribe(broken)
    stop = store.subscribe(lambda event: heard.append(event.seq))
    await store.once(key(0), Provider({}), kind="model", repeatable=True)
    stop()
    stop()
    await store.once(key(1), Provider({}), kind="model", repeatable=True)
    store.close()
    assert heard == [0, 1]
    assert [record.message for record in caplog.records] == ["a listener of run r1 failed at event 0"]


async def test_the_response_cache_serves_the_same_call_of_another_run(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path / "cache")
    provider = Provider({"text": "hi"})
    for run in ("a", "b"):
        store = RunStore.create(tmp_path / run, manifest(run), cache=cache)
        assert await store.once(key(), provider, kind="model", repeatable=True) == {"text": "hi"}
        store.close()
    assert provider.calls == 1
    finished = [list(read_run(tmp_path / run).events)[-1].data for run in ("a", "b")]
    assert [data.cached for data in finished if isinstance(data, CallFinished)] == [False, True]


async def test_the_response_cache_is_shared_by_neither_repeats_nor_sandboxes(tmp_path: Path) -> None:
    store = RunStore.create(tmp_path / "run", manifest(), cache=ResponseCache(tmp_path / "cache"))
    provider = Provider({"n": 1}, {"n": 2}, {"n": 3})
    repeats = [
        await store.once(key(episode=f"task:refine:{repeat}"), provider, kind="model", repeatable=True)
        for repeat in range(2)
    ]
    store.close()
    assert repeats == [{"n": 1}, {"n": 2}]
    for run in ("a", "b"):
        store = RunStore.create(tmp_path / run, manifest(run), cache=ResponseCache(tmp_path / "cache"))
        await store.once(key(), provider, kind="sandbox", repeatable=True)
        store.close()
    assert provider.calls == 4


async def test_a_damaged_cache_entry_is_a_miss(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache = ResponseCache(tmp_path / "cache")
    cache.put(str(key()), {"n": 1})
    assert cache.get(str(key())) == {"n": 1}
    [entry] = (tmp_path / "cache").glob("??/*")
    entry.write_bytes(entry.read_bytes().replace(b"1", b"2", 1))
    assert cache.get(str(key())) is None
    assert "cannot be used" in caplog.text


@pytest.mark.parametrize("entry", [{}, {"images": 5}, {"images": [5]}, {"images": ["0" * 64]}, {"text": {"a": 1}}])
async def test_an_entry_of_the_cache_that_is_no_result_is_a_miss(tmp_path: Path, entry: dict[str, Any]) -> None:
    def reuse(result: Mapping[str, Any]) -> Mapping[str, Any]:
        if not isinstance(result.get("text"), str):
            raise StoreError("it is no reply")
        return result

    cache = ResponseCache(tmp_path / "cache")
    cache.put(str(key()), entry)
    store = RunStore.create(tmp_path / "run", manifest(), cache=cache)
    provider = Provider({"text": "hi"})
    assert await store.once(key(), provider, kind="model", repeatable=True, reuse=reuse) == {"text": "hi"}
    store.close()
    assert provider.calls == 1
    # The call that was made stands in the entry's place.
    assert cache.get(str(key())) == {"text": "hi"}


async def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    store = RunStore.create(tmp_path / "run", manifest(), cache=ResponseCache(tmp_path / "cache"))
    assert await store.once(key(), Provider({"n": 1}), kind="model", repeatable=True) == {"n": 1}
    store.close()
    assert "was not cached" in caplog.text


async def test_a_result_whose_picture_is_not_there_is_used_and_not_cached(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = ResponseCache(tmp_path / "cache")
    store = RunStore.create(tmp_path / "run", manifest(), cache=cache)
    told = {"images": ["0" * 64]}
    assert await store.once(key(), Provider(told), kind="image", repeatable=True) == told
    store.close()
    assert "was not cached" in caplog.text
    assert cache.get(str(key())) is None


async def test_a_reply_of_nothing_but_brackets_is_recalled(folder: Path) -> None:
    provider = Provider({"text": "[" * (MOST_CONTAINERS + 1)})
    for opened in (new_run, RunStore.open):
        store = opened(folder)
        assert await store.once(key(), provider, kind="model", repeatable=True) == provider.answers[0]
        store.close()
    assert provider.calls == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "failure"), [("model", ModelError), ("sandbox", AgentError), ("other", ToolServerFailed)]
)
async def test_a_result_of_more_values_than_are_read_is_its_givers_failure(
    folder: Path, kind: CallKind, failure: type[Exception]
) -> None:
    store = new_run(folder)
    provider = Provider({"calls": [0] * (MOST_VALUES // 2 + 2)})
    with pytest.raises(failure, match="too large to be recorded"):
        await store.once(key(), provider, kind=kind, repeatable=True)
    store.close()
    _, finished = read_run(folder).events
    assert isinstance(finished.data, CallFinished)
    assert finished.data.failure is not None
    assert finished.data.failure.error == failure.__name__
