"""Limits that the relay and the gate behind it know."""

from __future__ import annotations

MAX_BODY = 8 * 1024 * 1024
"""Bytes of a request."""
END = b"end"
"""A frame after which no answer comes."""
MOST = 16
"""Requests at a time; others wait to be accepted."""
