"""What a provider's answers mean: from status and body to one of Loopwright's errors."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping
from dataclasses import dataclass
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

_SPENT = (
    "insufficient_quota",
    "insufficient_funds",
    "billing_hard_limit_reached",
    "billing_not_active",
    "credit balance is too low",
)
"""Codes and words of an account without credit. Not `billing` or `quota` alone: rate limits speak of those too."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An answer that is not a reply."""

    status: int
    words: str
    """What the provider said: message, code and type of its error object, or the start of the body."""
    retry_after: float | None = None
    """Seconds."""


def read_fault(status: int, body: object, headers: Mapping[str, str], *, now: float | None = None) -> Fault:
    """Reads an answer with an error status.

    Args:
        status: The HTTP status.
        body: The decoded body: usually `{"error": {...}}` or what it holds, else text.
        headers: The response's headers, with keys in lower case.
        now: Seconds since the epoch; the clock's where left out.
    """
    error = body.get("error", body) if isinstance(body, Mapping) else body
    if isinstance(error, Mapping):
        parts = [str(error[key]) for key in ("message", "code", "type", "detail") if error.get(key)]
        words = " / ".join(dict.fromkeys(parts)) or str(dict(error))
    else:
        words = str(error or "")
    return Fault(status, scrub(" ".join(words.split()))[:_SAID], retry_after(headers, now=now))


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


def to_error(fault: Fault, *, model: str, base_url: str) -> ModelError:
    """The error that a fault is, with what the reader can do about it."""
    said = f"{model} at {shown_url(base_url)}: {fault.status} {fault.words}".rstrip()
    status = fault.status
    if status == 402 or (status in {400, 403, 429} and any(sign in fault.words.lower() for sign in _SPENT)):
        return ModelQuotaSpent(said, remedy="Add credit to the account behind the key, then resume.")
    if status in {401, 403}:
        return ModelUnauthorized(said, remedy="Check OPENAI_API_KEY, and that it may use this model.")
    if status in {429, 529} or (status == 503 and fault.retry_after is not None):
        # A 503 that says when to come back is a provider asking for fewer requests.
        return ModelRateLimited(said, retry_after=fault.retry_after)
    if status in {408, 409} or status >= 500:
        return ModelUnavailable(said)
    if status == 404:
        return ModelRejected(
            said, remedy=f"Check the model's name; GET {shown_url(base_url)}/models lists what is there."
        )
    return ModelRejected(said)


def shown_url(url: str) -> str:
    """A URL without what may be secret in it: user, password, query and fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
