"""What a provider can do wrong, and for each: which error it is, what was retried, and what the user reads."""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import dataclass

import pytest

from loopwright.errors import (
    Cause,
    LoopwrightError,
    ModelError,
    ModelQuotaSpent,
    ModelRateLimited,
    ModelRejected,
    ModelUnauthorized,
    ModelUnavailable,
)
from loopwright.models import ModelOptions, Reply, Resilient, RetryPolicy, open_model
from tests.models.provider import (
    EMPTY,
    GARBAGE,
    HALF_STREAM,
    HTML,
    NO_CHOICES,
    RESET_MID_BODY,
    Answer,
    Provider,
    body,
    drip,
    fault,
    hang,
    reply,
)
from tests.models.support import FakeTime, ask

KEY = "sk-canary-0123456789abcdef"
ATTEMPTS = 3


@dataclass(frozen=True)
class Case:
    answer: Answer
    error: type[ModelError]
    retried: bool
    says: str


CASES = {
    "400": Case(fault(400, "bad temperature"), ModelRejected, False, "bad temperature"),
    "401": Case(fault(401, f"Incorrect API key provided: {KEY}"), ModelUnauthorized, False, "OPENAI_API_KEY"),
    "402": Case(fault(402, "pay first"), ModelQuotaSpent, False, "Add credit"),
    "403": Case(fault(403, "not for you"), ModelUnauthorized, False, "not for you"),
    "404": Case(fault(404, "no model the-model"), ModelRejected, False, "/models"),
    "408": Case(fault(408), ModelUnavailable, True, "408"),
    "409": Case(fault(409), ModelUnavailable, True, "409"),
    "413": Case(fault(413, "too long"), ModelRejected, False, "too long"),
    "422": Case(fault(422, "no such field"), ModelRejected, False, "no such field"),
    "429": Case(fault(429, "slow down"), ModelRateLimited, True, "slow down"),
    "429 with Retry-After": Case(fault(429, Retry_After="7"), ModelRateLimited, True, "429"),
    "429 quota": Case(
        fault(429, "You exceeded your quota", code="insufficient_quota"), ModelQuotaSpent, False, "Add credit"
    ),
    "429 that speaks of billing": Case(
        fault(
            429,
            "Rate limit reached: 3 requests per minute. Add a payment method at https://example.test/account/billing.",
            code="rate_limit_exceeded",
        ),
        ModelRateLimited,
        True,
        "3 requests per minute",
    ),
    "400 quota": Case(fault(400, "Your credit balance is too low"), ModelQuotaSpent, False, "Add credit"),
    "500": Case(fault(500, "oops"), ModelUnavailable, True, "oops"),
    "500 that is no JSON": Case(
        body(500, b"<html>oops</html>", kind="text/html"), ModelUnavailable, True, "<html>oops"
    ),
    "503 with Retry-After": Case(fault(503, Retry_After="7"), ModelRateLimited, True, "503"),
    "529": Case(fault(529, "overloaded"), ModelRateLimited, True, "overloaded"),
    "error under status 200": Case(
        body(200, b'{"error": {"code": 429, "message": "upstream limit"}}'), ModelRateLimited, True, "upstream limit"
    ),
    "error beside an empty choice": Case(
        body(
            200,
            b'{"error": {"code": 429, "message": "upstream limit"}, "choices": [{"finish_reason": "error", '
            b'"message": {"role": "assistant", "content": ""}}]}',
        ),
        ModelRateLimited,
        True,
        "upstream limit",
    ),
    "error in a choice that was cut off": Case(
        body(
            200,
            b'{"choices": [{"finish_reason": "error", "error": {"code": 502, "message": "provider went away"}, '
            b'"message": {"role": "assistant", "content": "def f("}}]}',
        ),
        ModelUnavailable,
        True,
        "provider went away",
    ),
    "404 of a path": Case(body(404, b"404 page not found", kind="text/plain"), ModelRejected, False, "ends with /v1"),
    "garbage JSON": Case(GARBAGE, ModelUnavailable, True, "not a chat completion"),
    "a web page": Case(HTML, ModelUnavailable, True, "Welcome to the proxy"),
    "empty body": Case(EMPTY, ModelUnavailable, True, "not a chat completion"),
    "no choices": Case(NO_CHOICES, ModelUnavailable, True, "no choices"),
    "half a stream": Case(HALF_STREAM, ModelUnavailable, True, "peer closed"),
    "connection reset mid-body": Case(RESET_MID_BODY, ModelUnavailable, True, "127.0.0.1"),
    "hang": Case(hang, ModelUnavailable, True, "no reply within 0.3 s"),
    "a byte now and then": Case(drip, ModelUnavailable, True, "no reply within 0.3 s"),
}


@dataclass
class Seen:
    reply: Reply | None
    error: LoopwrightError | None
    calls: int
    failures: list[tuple[str, int, bool]]
    waits: list[float]


def run(*answers: Answer) -> Seen:
    timeout = 30.0
    if answers[0] in (hang, drip):
        timeout = 0.3 if len(answers) == 1 else 3.0  # the answer that comes next has to be in time

    async def go() -> Seen:
        failures: list[tuple[str, int, bool]] = []
        fake = FakeTime()
        async with Provider(*answers) as provider:
            options = ModelOptions(base_url=provider.base_url, api_key=KEY, timeout=timeout)
            model = Resilient(
                open_model("openai/the-model", options=options),
                RetryPolicy(max_attempts=ATTEMPTS, limited_elapsed=0),
                on_failure=lambda error, attempt, again: failures.append((type(error).__name__, attempt, again)),
                clock=fake.clock,
            )
            try:
                answered, failed = await model.complete(ask()), None
            except LoopwrightError as error:
                answered, failed = None, error
            finally:
                await model.close()
            return Seen(answered, failed, len(provider.requests), failures, fake.waits)

    return asyncio.run(go())


@pytest.mark.parametrize("name", CASES)
def test_a_fault_that_stays(name: str) -> None:
    case = CASES[name]
    seen = run(case.answer)
    assert type(seen.error) is case.error
    assert seen.error.cause is Cause.MODEL
    assert not seen.error.scored
    assert case.says in str(seen.error)
    assert KEY not in str(seen.error)
    assert seen.error.__cause__ is None  # the client's error holds the request with its key
    calls = ATTEMPTS if case.retried else 1
    assert seen.calls == calls
    assert seen.failures == [(case.error.__name__, attempt, attempt < calls) for attempt in range(1, calls + 1)]
    assert len(seen.waits) == calls - 1


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.retried])
def test_a_fault_that_passes(name: str) -> None:
    seen = run(CASES[name].answer, reply("at last"))
    assert seen.reply is not None
    assert seen.reply.text == "at last"
    assert seen.reply.usage.total == 14  # of the call that succeeded alone
    assert seen.calls == 2
    assert seen.failures == [(CASES[name].error.__name__, 1, True)]


@pytest.mark.parametrize("name", ["429 with Retry-After", "503 with Retry-After"])
def test_retry_after_is_waited_for(name: str) -> None:
    (wait,) = run(CASES[name].answer, reply()).waits
    assert 7 <= wait <= 8


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "2.5"}, 2.5),
        ({"retry_after_ms": "1500"}, 1.5),
        ({"Retry_After": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": "-1"}, None),
        ({}, None),
    ],
)
def test_forms_of_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    error = run(fault(429, **headers)).error
    assert isinstance(error, ModelRateLimited)
    assert error.retry_after == seconds


def test_a_date_in_retry_after_is_turned_into_seconds() -> None:
    from email.utils import formatdate

    error = run(fault(429, Retry_After=formatdate(time.time() + 60, usegmt=True))).error
    assert isinstance(error, ModelRateLimited)
    assert error.retry_after is not None
    assert 50 < error.retry_after <= 60


def test_a_server_that_is_not_there_is_named_with_its_base_url() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        base_url = f"http://user:{KEY}@127.0.0.1:{taken.getsockname()[1]}/v1"

        async def go() -> None:
            model = open_model("openai/x", options=ModelOptions(base_url=base_url, api_key=KEY))
            try:
                await model.complete(ask())
            finally:
                await model.close()

        with pytest.raises(ModelUnavailable) as raised:
            asyncio.run(go())
    assert f"http://{base_url.partition('@')[2]}" in raised.value.remedy
    assert KEY not in str(raised.value)
    assert raised.value.__cause__ is None  # the client's error holds the request with its key


@pytest.mark.parametrize("depth", [300, 5000])  # JSON that can be read, and JSON that cannot
@pytest.mark.parametrize("field", ["message", "detail", "other"])
def test_an_error_that_is_nested_deep_is_told(field: str, depth: int) -> None:
    nested = f'{{"{field}": [' * depth + '"lost"' + "]}" * depth
    failure = run(body(500, f'{{"error": {nested}}}'.encode())).error
    assert isinstance(failure, ModelUnavailable)
    assert "500" in str(failure).rpartition("/v1")[2]
