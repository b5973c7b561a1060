"""A real HTTP server that speaks S3 and checks keys, signatures and rights: moto's (https://docs.getmoto.org)."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

NAME = "team"
_RIGHTS = ("s3:GetObject", "s3:PutObject", "s3:ListBucket")


@dataclass(frozen=True, slots=True)
class Keys:
    """Those of a user."""

    id: str
    secret: str

    @property
    def variables(self) -> dict[str, str]:
        return {"AWS_ACCESS_KEY_ID": self.id, "AWS_SECRET_ACCESS_KEY": self.secret}


@dataclass(frozen=True, slots=True)
class BucketServer:
    """Has the bucket `team`."""

    port: int
    allowed: Keys
    """Of a user who may read and write objects."""
    reader: Keys
    """Of a user who may read them."""
    owner: Keys
    """Of a user who may do all, also make buckets."""
    admin: Any
    """A client of boto3 with the keys of the owner."""

    def names(self) -> list[str]:
        """The objects of the bucket."""
        return [one["Key"] for one in self.admin.list_objects_v2(Bucket=NAME).get("Contents", [])]

    def buckets(self) -> list[str]:
        return [one["Name"] for one in self.admin.list_buckets()["Buckets"]]


@contextmanager
def bucket_server() -> Iterator[BucketServer]:
    """A fresh server, which is gone afterwards."""
    for library in ("boto3", "moto", "flask_cors", "s3fs"):
        pytest.importorskip(library, reason="pip install s3fs 'moto[s3]' flask-cors")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    server = subprocess.Popen(
        [sys.executable, "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", str(port)],
        env={**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": "1000"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(port, server)
        yield _filled(port)
    finally:
        server.kill()
        server.wait()


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        assert server.poll() is None
        assert time.monotonic() < end
        time.sleep(0.1)


def _filled(port: int) -> BucketServer:
    url = f"http://127.0.0.1:{port}"
    anybody = Keys("nobody", "nothing")
    iam = _client("iam", url, anybody)
    _client("s3", url, anybody).create_bucket(Bucket=NAME)
    users = [
        _user(iam, "writer", _RIGHTS),
        _user(iam, "reader", ("s3:GetObject", "s3:ListBucket")),
        _user(iam, "owner", ("s3:*",)),
    ]
    # From now on each request is checked.
    httpx.post(f"{url}/moto-api/reset-auth", content=b"0").raise_for_status()
    return BucketServer(port, users[0], users[1], users[2], _client("s3", url, users[2]))


def _user(iam: Any, name: str, rights: tuple[str, ...]) -> Keys:
    iam.create_user(UserName=name)
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": list(rights), "Resource": "*"}],
    }
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=json.dumps(policy))
    made = iam.create_access_key(UserName=name)["AccessKey"]
    return Keys(made["AccessKeyId"], made["SecretAccessKey"])


def _client(service: str, url: str, keys: Keys) -> Any:
    boto3 = pytest.importorskip("boto3")  # moto brings the version that it works with
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=keys.id,
        aws_secret_access_key=keys.secret,
    )
