"""Addresses of servers that users and tasks name."""

from __future__ import annotations

from urllib.parse import urlsplit


def http_host(url: str) -> str | None:
    """The host of an address with `http` or `https`; None if the URL has another scheme, no host, or a wrong port."""
    try:
        parts = urlsplit(url)
        return (parts.hostname or None) if parts.scheme in ("http", "https") and parts.port != 0 else None
    except ValueError:
        return None
