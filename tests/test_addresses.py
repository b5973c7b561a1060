"""The host of an address."""

from __future__ import annotations

import pytest

from loopwright._addresses import http_host


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://localhost:8000/v1", "localhost"),
        ("HTTPS://user:pass@Example.org", "example.org"),
        ("https://[::1]:65535/", "::1"),
        ("https://host:0/", None),
        ("https://host:65536/", None),
        ("https://host:x/", None),
        ("https://[::1/", None),
        ("https://:80/", None),
        ("ftp://host/", None),
        ("host:80", None),
        ("", None),
    ],
)
def test_a_host_is_read_of_addresses_that_can_be_asked(url: str, host: str | None) -> None:
    assert http_host(url) == host
