"""What a provider's answers mean: from status and body to one of Loopwright's errors."""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from loopwright.errors import (
    ModelError,
    ModelQuotaSpent,
    ModelRateLimited,
    ModelRejected,
    ModelUnauthorized,
    ModelUnavailable,
)
from loopwright.secrets import scrub

_SAID = 300
"""Characters of the provider's own words that go into an error."""

_DEEP = 8
"""Objects and lists in one another of which the words are read."""

_SPENT = (
    "insufficient_quota",
    "insufficient_funds",
    "billing_hard_limit_reached",
    "billing_not_active",
    "credit balance is too low",
)
"""Codes and words of an account without credit. Not `billing` or `quota` alone: rate limits speak of those too."""

_REFUSED_BY_500 = re.compile(r"unsupported param|param requires", re.IGNORECASE)
"""What llama.cpp's server says of fields that it does not take."""

_BAD_KEY = ("api key not valid", "api key expired", "incorrect api key")
"""Words under status 400 that are about the key."""

_INSIDE = {"overloaded_error": 529, "rate_limit_error": 429, "billing_error": 402}
"""Types of errors that come in a stream without a code, to the status that they have otherwise."""


_BROKEN = ("error", "insufficient_system_resource")
"""Reasons for which a reply ends that is none: a provider behind a router failed, or was taken away."""

_HELD = ("choices", "output", "content", "candidates", "data")
"""Fields in which the APIs send a reply."""

_USED = ("usage", "usageMetadata")
"""Fields in which they send what it used."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An answer that is not a reply."""

    status: int
    words: str
    """What the provider said: message, code and type of its error object, or the start of the body."""
    parameter: str = ""
    """The field of the request that the error object names."""
    retry_after: float | None = None
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Fix:
    """What the reader of an error sets to mend it: names of variables or settings."""

    key: str
    url: str
    timeout: str
    path: str = "/chat/completions"
    """What follows the URL."""


def read_fault(status: int, body: object, headers: Mapping[str, str], *, now: float | None = None) -> Fault:
    """Reads an answer with an error status.

    Args:
        status: The HTTP status.
        body: The decoded body: usually `{"error": {...}}` or what it holds, else text.
        headers: The response's headers, with keys in lower case.
        now: Seconds since the epoch; the clock's where left out.
    """
    if isinstance(body, list) and body:
        body = body[0]
    error = body.get("error", body) if isinstance(body, Mapping) else body
    found = error if isinstance(error, Mapping) else {}
    words = _words(error)
    said = scrub(" ".join(words.split()))[:_SAID]
    wait = retry_after(headers, now=now)
    return Fault(status, said, scrub(_parameter(found))[:80], _retry_delay(found) if wait is None else wait)


def _words(error: object, deep: int = 0) -> str:
    """What an error says: a text, an object with a message, or a list of details about fields."""
    if deep > _DEEP:
        return ""
    if isinstance(error, Mapping):
        parts = [_words(error[key], deep + 1) for key in ("message", "code", "type", "detail", "msg") if error.get(key)]
        # A number is the status once more.
        parts = [part for part in parts if not part.isdecimal()]
        where = ".".join(map(str, loc)) if isinstance(loc := error.get("loc"), list) else ""
        said = " / ".join(dict.fromkeys(filter(None, parts)))
        return f"{where}: {said}" if where else said or _shown(error)
    return "; ".join(_words(one, deep + 1) for one in error[:5]) if isinstance(error, list) else str(error or "")


def _shown(error: Mapping[Any, Any]) -> str:
    try:
        return str(dict(error))
    except RecursionError:
        return ""


def _parameter(error: Mapping[Any, Any]) -> str:
    """The field of the request that an error names."""
    details: Any = error.get("detail") or error.get("message")
    details = details.get("detail") if isinstance(details, Mapping) else details
    first = details[0] if isinstance(details, list) and details else {}
    place = first.get("loc") if isinstance(first, Mapping) else None
    return str(error.get("param") or (place[1] if isinstance(place, list) and len(place) > 1 else ""))


def _retry_delay(error: Mapping[Any, Any]) -> float | None:
    """Seconds to wait that stand in the details of an error, as Google sends them: `retryDelay: 34s`."""
    details = error.get("details")
    for detail in details if isinstance(details, list) else []:
        delay = detail.get("retryDelay") if isinstance(detail, Mapping) else None
        if isinstance(delay, str) and re.fullmatch(r"\d{1,6}(\.\d+)?s", delay):
            return float(delay[:-1])
    return None


def fault_inside(answer: object) -> Fault | None:
    """Reads an error that came under status 200, as routers send it, alone or beside a choice that was cut off.

    Its code is the status; an error without one is the server's.
    """
    if not isinstance(answer, Mapping):
        return None
    choices = answer.get("choices")
    first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], Mapping) else {}
    error = answer.get("error") or first.get("error")
    if not error and (finish := first.get("finish_reason")) in _BROKEN:
        error = f"the reply ended with {finish}"
    if not error:
        return None
    code = (error.get("code") or _INSIDE.get(str(error.get("type")))) if isinstance(error, Mapping) else None
    if isinstance(code, str) and ("rate_limit" in code or "quota" in code):
        code = 429
    return read_fault(code if isinstance(code, int) and 400 <= code < 600 else 500, {"error": error}, {})


def holds_reply(answer: object) -> bool:
    """Whether an answer under status 200 holds something of a reply or of what it used, so that it may be billed."""
    if not isinstance(answer, Mapping):
        return False
    return any(map(answer.get, _HELD)) or any(_counts(answer.get(name)) for name in _USED)


def _counts(usage: object) -> bool:
    """Whether a number in it, or in the details of one, is above 0: some servers send zeros beside an error."""
    if not isinstance(usage, Mapping):
        return False
    details = [more for value in usage.values() if isinstance(value, Mapping) for more in value.values()]
    numbers = (value for value in (*usage.values(), *details) if type(value) in (int, float))
    return any(number > 0 for number in numbers)


def may_be_reply(content: bytes | bytearray) -> bool:
    """Whether an answer under status 200 that cannot be read may be billed: there is one, and it is no web page."""
    return content.lstrip()[:1] not in (b"", b"<")


def retry_after(headers: Mapping[str, str], *, now: float | None = None) -> float | None:
    """Seconds that `Retry-After-Ms` or `Retry-After` (seconds or a date) asks to wait, or None."""
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return max(0.0, float(milliseconds) / 1000)
        value = headers.get("retry-after")
        if not value:
            return None
        if value.strip().replace(".", "", 1).isdigit():
            return float(value)
        date = email.utils.parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, date - (time.time() if now is None else now))


def to_error(fault: Fault, *, model: str, base_url: str, fix: Fix) -> ModelError:
    """The error that a fault is, with what the reader can do about it."""
    said = f"{model} at {shown_url(base_url)}: {fault.status} {fault.words}".rstrip()
    status = fault.status
    if status == 402 or (status in {400, 403, 429} and any(sign in fault.words.lower() for sign in _SPENT)):
        return ModelQuotaSpent(said, remedy="Add credit to the account behind the key, then resume.")
    if status in {401, 403} or (status == 400 and any(sign in fault.words.lower() for sign in _BAD_KEY)):
        return ModelUnauthorized(said, remedy=f"Check {fix.key}, and that it may use this model.")
    if status in {429, 529} or (status == 503 and fault.retry_after is not None):
        # A 503 that says when to come back is a provider asking for fewer requests.
        return ModelRateLimited(said, retry_after=fault.retry_after)
    if status in {408, 409, 498} or (status >= 500 and not _REFUSED_BY_500.search(fault.words)):
        return ModelUnavailable(said)
    if 300 <= status < 400:
        return ModelRejected(
            said, remedy=f"The server redirects, which is not followed: set {fix.url} to the last URL."
        )
    if status == 404:
        return ModelRejected(said, remedy=_not_found(fault, model, shown_url(base_url), fix))
    return ModelRejected(said, parameter=fault.parameter, remedy=_refused(fault))


def _not_found(fault: Fault, model: str, url: str, fix: Fix) -> str:
    if model.partition("/")[2].lower() in fault.words.lower() or "model" in fault.words.lower():
        return f"Check the model's name; GET {url}/models lists what is there."
    return (
        f"Check {fix.url}: it is the URL before {fix.path} and ends with /v1 for most servers. Here it is "
        f"{url}. If it is right, check the model's name."
    )


def _refused(fault: Fault) -> str:
    if "context length" in fault.words.lower() or "context window" in fault.words.lower():
        return "Prompt and reply do not fit the model's context: lower `max_tokens`, or `window` in the task's loop."
    if "content_filter" in fault.words:
        return "A filter of the server refuses the prompt: change the task's goal, or the filter's settings there."
    return "Change what the message names: sampling stands in the agent's card, limits in the task file."


def unreadable(told: str, kind: str, error: Exception, content: bytes) -> ModelUnavailable:
    """The error that an answer is which cannot be read.

    Args:
        told: The model and its server.
        kind: What the answer should be.
        error: Why it cannot be read.
        content: The answer, or its start.
    """
    start = scrub(" ".join(content[:200].decode("utf-8", "replace").split()))[:80]
    return ModelUnavailable(
        f"{told}: the answer is not {kind} ({error}): {start!r}",
        remedy=f"Check that {told.rpartition(' ')[2]} is the base URL of a server that answers with {kind}.",
    )


def shown_url(url: str) -> str:
    """A URL without what may be secret in it: user, password, query and fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
