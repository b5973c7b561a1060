"""The connection to Ray."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from loopwright.errors import ClusterUnusable, MissingExtra, UserError
from loopwright.secrets import SECRET_NAME, holds_secret

OLDEST, NEWEST = (2, 55), (3, 0)
"""Versions of Ray: from the first to below the second."""
_ADDRESS = re.compile(r"(ray://)?([A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\]):([0-9]{1,5})")
_PATIENCE = 10.0
_TRIES = 3
_MODE = "RAY_AUTH_MODE"
_INSTALL = "Run: pip install 'loopwright[ray]'"
_HOW_TO_START = "Start one with `ray start --head`. If it asks for a token, set RAY_AUTH_MODE=token here, too."
_TOKEN = (
    "Give the cluster's token by RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token; for a cluster that asks for "
    "none leave RAY_AUTH_MODE out."
)


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection to Ray, and what there is to close."""

    ray: Any
    """The library."""
    own: bool
    """Whether the cluster was started for the run."""
    opened: bool
    """Whether this process connected for runs; one that was connected stays so."""

    def close(self) -> None:
        """Ends the connection, and a cluster that was started for runs, if no other run of this process uses it."""
        if not self.opened:
            return
        with _lock:
            _users.number -= 1
            if not _users.number:
                self.ray.shutdown()
                _set_mode(self.ray, _users.mode)


@dataclass(slots=True)
class _Users:
    """Runs of this process that use a connection, which is one for the process."""

    address: str = ""
    """Where it leads; empty for a cluster that was started for them."""
    number: int = 0
    mode: str | None = None
    """What RAY_AUTH_MODE was before."""


_users = _Users()
_lock = threading.Lock()


def parse_on(on: str) -> str:
    """Reads where a run is to work: `ray`, `ray://HOST:PORT` or `HOST:PORT`.

    Raises:
        UserError: It is none of them.
    """
    if on != "ray" and not _ADDRESS.fullmatch(on):
        raise UserError(
            f"cannot run on {on!r}", remedy="Write ray, ray://HOST:PORT (Ray's client) or HOST:PORT (a node of Ray)."
        )
    return on


def connect(on: str, processors: int) -> Connection:
    """Connects to a cluster, or starts one on this machine alone. This process stays connected if it was.

    Call it outside of the main thread, where Ray would take SIGTERM for itself.

    Args:
        on: From `parse_on`; `ray` is the cluster at RAY_ADDRESS, or one on this machine that is started.
        processors: Those that a cluster is started with.

    Raises:
        ClusterUnusable: Nothing answers at the address, it asks for a token that is not there, or this process is
            connected to another cluster.
    """
    address = os.environ.get("RAY_ADDRESS", "") if on == "ray" else on
    # Ray's own word for a cluster of one's own.
    address = "" if address == "local" else address
    with _lock:
        ray = _library()
        if not ray.is_initialized():
            before = os.environ.get(_MODE)
            if not address:
                # Ray's ports are open to the network; whoever speaks to them executes code.
                _set_mode(ray, before or "token")
            try:
                _begin(ray, address, processors)
            except BaseException:
                _set_mode(ray, before)
                raise
            _users.address, _users.number, _users.mode = address, 0, before
        elif not _users.number:
            connected = _addresses(ray)
            _refuse_another(connected[0] if on == "ray" else on, *connected)
            return Connection(ray, own=False, opened=False)
        else:
            _refuse_another(address, _users.address)
        _users.number += 1
        return Connection(ray, own=not _users.address, opened=True)


def _addresses(ray: Any) -> Sequence[str]:
    """Those of the cluster that this process is connected to: the head's, and the one that Ray's client went to."""
    from ray.util.client import ray as client

    head = str(ray.get_runtime_context().gcs_address)
    if not client.is_connected():
        return [head]
    return [head, f"ray://{getattr(client.get_context().client_worker, '_conn_str', '')}"]


def _set_mode(ray: Any, mode: str | None) -> None:
    """Sets RAY_AUTH_MODE, or takes it away; Ray reads it when it is imported, and when it is told to."""
    if mode == os.environ.get(_MODE):
        return
    os.environ.pop(_MODE, None)
    if mode is not None:
        os.environ[_MODE] = mode
    with contextlib.suppress(AttributeError):  # inner parts, which may be named otherwise
        ray._raylet.Config.initialize("")


def _refuse_another(wanted: str, *connected: str) -> None:
    if wanted not in connected:
        there, other = (f"at {address}" if address else "of its own" for address in (connected[-1], wanted))
        raise ClusterUnusable(
            f"this process is connected to a Ray cluster {there}, and cannot work on one {other} at the same time",
            remedy="Let one end before the other begins, or use a process for each.",
        )


def _begin(ray: Any, address: str, processors: int) -> None:
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR, "namespace": "loopwright"}
    failures = (ConnectionError, RuntimeError, TimeoutError, ValueError, OverflowError, OSError)
    try:
        if address:
            _reach(address)
            _join(ray, address, quiet)
        else:
            with _without_secrets():
                ray.init("local", num_cpus=processors, include_dashboard=False, **quiet)
    except ray.exceptions.AuthenticationError as error:
        raise ClusterUnusable(
            f"the Ray cluster at {address or 'this machine'} cannot be used: {_first_line(error)}", remedy=_TOKEN
        ) from None
    except (*failures, ray.exceptions.RayError) as error:
        raise ClusterUnusable(
            f"there is no Ray cluster at {address or 'this machine'}: {_first_line(error)}", remedy=_HOW_TO_START
        ) from None


def _join(ray: Any, address: str, settings: Mapping[str, Any]) -> None:
    """Connects to a cluster that is there. A busy one may not start a client's server in Ray's 30 seconds."""
    for tries_left in reversed(range(_TRIES)):
        try:
            ray.init(address, **settings)
        except ConnectionAbortedError:
            if not tries_left:
                raise
        else:
            return


def _first_line(error: Exception) -> str:
    """What Ray says, without its traceback, whose last line counts where the first one announces it."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return f"{lines[0]} {lines[-1].strip()}" if lines[0].endswith(":") and len(lines) > 1 else lines[0]


def check_library() -> None:
    """Looks for Ray without importing it, which takes a second.

    Raises:
        MissingExtra: It is not installed.
        ClusterUnusable: It is of another version.
    """
    try:
        installed = metadata.version("ray")
    except metadata.PackageNotFoundError:
        raise MissingExtra("a run on many machines needs Ray", remedy=_INSTALL) from None
    version = tuple(int(part) for part in re.findall(r"[0-9]+", installed)[:2])
    if not OLDEST <= version < NEWEST:
        raise ClusterUnusable(
            f"Ray {installed} is installed, and Loopwright needs {'.'.join(map(str, OLDEST))} or later, below 3",
            remedy=_INSTALL,
        )


def _library() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # The answer of a call that was given up may be an error, which Ray would print.
    os.environ.setdefault("RAY_IGNORE_UNHANDLED_ERRORS", "1")
    logging.getLogger("ray").setLevel(logging.ERROR)
    import ray
    import ray._private.utils
    import ray._private.worker

    # It prints the deaths of workers among the results of the command, and no setting keeps it from that.
    if hasattr(ray._private.worker, "print_to_stdstream"):
        ray._private.worker.print_to_stdstream = _say_nothing
    # It would show the command line to all who see the cluster's jobs, and that may hold a password.
    if hasattr(ray._private.utils, "get_entrypoint_name"):
        ray._private.utils.get_entrypoint_name = _called
    return ray


def _say_nothing(*_: object, **__: object) -> None:
    """In place of what prints."""


def _called() -> str:
    """In place of the command line."""
    return "loopwright"


def _reach(address: str) -> None:
    """Tries a connection, as Ray would try for minutes.

    Raises:
        OSError: Nothing answers.
    """
    if found := _ADDRESS.fullmatch(address):
        socket.create_connection((found[2].strip("[]"), int(found[3])), timeout=_PATIENCE).close()


@contextlib.contextmanager
def _without_secrets() -> Iterator[None]:
    """Hides what may be a secret from the processes of a cluster that is started, which inherit all variables.

    Ray starts them with the variables of this process and takes no others, so that all of it lacks them meanwhile.
    """
    hidden = {
        name: value for name, value in os.environ.items() if not name.startswith("RAY_") and _is_hidden(name, value)
    }
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)


def _is_hidden(name: str, value: str) -> bool:
    return SECRET_NAME.search(name) is not None or holds_secret(value)
