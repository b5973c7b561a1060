"""The socket of a run: what comes over it is bounded and checked, and what lies in its place is not believed."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from loopwright.control import SOCKET, AskStatus, ControlReply, ControlRequest, ControlServer, Pause, RunStatus, ask
from loopwright.control._messages import LARGEST_REPLY
from loopwright.errors import UserError
from loopwright.types import Question

Talk = Callable[[Path], object]


def _serving(
    folder: Path, talk: Talk, handle: Callable[[ControlRequest], ControlReply] | None = None
) -> tuple[object, list[str]]:
    """What a client in another thread gets from a server in the folder, and what the server told."""
    told: list[str] = []

    async def serve() -> object:
        answer = handle or (lambda request: ControlReply(done=True, told=f"{request.by} {request.command.command}"))
        async with ControlServer(folder, answer, told.append):
            return await asyncio.to_thread(talk, folder)

    return asyncio.run(serve()), told


def _raw(data: bytes) -> Talk:
    def talk(folder: Path) -> bytes:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(30)
            connection.connect(str(folder / SOCKET))
            try:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                return connection.recv(65536)
            except (ConnectionResetError, BrokenPipeError):
                return b""

    return talk


def test_a_status_holds_the_longest_questions_of_many_episodes(tmp_path: Path) -> None:
    question = Question(
        id="e/0/action", episode="e", iteration=0, about="action", text="\x01" * 30_000, choices=("approve", "refuse")
    )
    status = RunStatus(run="r", pid=1, state="running", concurrency=20, episodes={}, questions=(question,) * 20)
    reply = ControlReply(done=True, told="", status=status)
    request = ControlRequest(command=AskStatus())
    got, _ = _serving(tmp_path, lambda folder: ask(folder, request), lambda _: reply)
    assert got == reply


def test_a_command_is_answered_and_the_socket_goes_with_the_server(tmp_path: Path) -> None:
    reply, told = _serving(tmp_path, lambda folder: ask(folder, ControlRequest(command=Pause(), by="view")))
    assert (reply, told) == (ControlReply(done=True, told="view pause"), [])
    assert not (tmp_path / SOCKET).exists()


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"null\n",
        b"{}\n",
        b'{"version": 2, "command": {"command": "pause"}}\n',
        b'{"command": {"command": "erase"}}\n',
        b'{"command": {"command": "pause", "more": 1}}\n',
        b'{"command": {"command": "set_cap", "cap": "usd", "amount": -1}}\n',
        b'{"command": {"command": "set_cap", "cap": "usd", "amount": "NaN"}}\n',
        b'{"command": {"command": "set_cap", "cap": "usd", "amount": true}}\n',
        b'{"command": {"command": "set_cap", "cap": "seconds", "amount": 1e13}}\n',
        b'{"command": {"command": "set_concurrency", "episodes": 0}}\n',
        b'{"command": {"command": "set_concurrency", "episodes": true}}\n',
        b'{"command": {"command": "skip", "episode": ""}}\n',
        b'\xff\xfe{"command"\n',
        b"[" * 60_000 + b"\n",
    ],
)
def test_what_is_no_command_is_refused_and_reaches_nobody(tmp_path: Path, line: bytes) -> None:
    def handle(request: ControlRequest) -> ControlReply:
        raise AssertionError(request)

    got, _ = _serving(tmp_path, _raw(line), handle)
    assert isinstance(got, bytes)
    assert ControlReply.model_validate_json(got).done is False


def test_a_request_without_an_end_is_cut_off(tmp_path: Path) -> None:
    got, _ = _serving(tmp_path, _raw(b"x" * 1_000_000))
    assert got == b""


def test_silent_clients_keep_nobody_from_being_answered(tmp_path: Path) -> None:
    def talk(folder: Path) -> ControlReply:
        silent = []
        for _ in range(10):
            one = socket.socket(socket.AF_UNIX)
            one.connect(str(folder / SOCKET))
            silent.append(one)
        try:
            return ask(folder, ControlRequest(command=AskStatus()))
        finally:
            for one in silent:
                one.close()

    reply, _ = _serving(tmp_path, talk)
    assert isinstance(reply, ControlReply)
    assert reply.done


def test_a_defect_is_an_answer_and_ends_nothing(tmp_path: Path) -> None:
    def handle(request: ControlRequest) -> ControlReply:
        raise RuntimeError("secret inside")

    reply, _ = _serving(tmp_path, lambda folder: ask(folder, ControlRequest(command=Pause())), handle)
    assert isinstance(reply, ControlReply)
    assert (reply.done, "secret" in reply.told) == (False, False)


def test_a_socket_or_a_link_in_its_place_is_replaced_and_a_file_is_not(tmp_path: Path) -> None:
    aim = tmp_path / "aim"
    aim.write_text("kept")
    (tmp_path / SOCKET).symlink_to(aim)
    reply, told = _serving(tmp_path, lambda folder: ask(folder, ControlRequest(command=Pause())))
    assert isinstance(reply, ControlReply)
    assert reply.done
    assert (aim.read_text(), len(told)) == ("kept", 1)
    (tmp_path / SOCKET).write_text("mine")
    _, told = _serving(tmp_path, lambda folder: None)
    assert "take it away" in told[0]
    assert (tmp_path / SOCKET).read_text() == "mine"


@pytest.mark.parametrize("kind", ["nothing", "file", "link"])
def test_what_is_no_socket_of_a_run_is_not_spoken_to(tmp_path: Path, kind: str) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "other.sock"))
        other.listen()
        if kind == "file":
            (tmp_path / SOCKET).write_text("x")
        elif kind == "link":
            (tmp_path / SOCKET).symlink_to(tmp_path / "other.sock")
        with pytest.raises(UserError, match="no process works" if kind == "nothing" else "is no socket"):
            ask(tmp_path, ControlRequest(command=Pause()))


@pytest.mark.parametrize("answer", [b"", b"hello\n", b'{"done": true}\n', b"x" * (LARGEST_REPLY + 100_000)])
def test_what_does_not_answer_as_a_run_is_told(tmp_path: Path, answer: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / SOCKET))
        other.listen()

        def serve() -> None:
            connection, _ = other.accept()
            with connection:
                connection.recv(65536)
                try:
                    connection.sendall(answer)
                except OSError:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(UserError, match=r"does not answer as a run does|cannot be reached"):
            ask(tmp_path, ControlRequest(command=Pause()))
        thread.join()


def test_an_answer_that_trickles_in_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loopwright.control._client._PATIENCE", 0.5)
    ended = threading.Event()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / SOCKET))
        other.listen()

        def serve() -> None:
            connection, _ = other.accept()
            with connection:
                for _ in range(300):
                    if ended.wait(0.05):
                        return
                    connection.send(b" ")

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            with pytest.raises(UserError, match=r"did not answer in 0\.5 s"):
                ask(tmp_path, ControlRequest(command=Pause()))
        finally:
            ended.set()
            thread.join()
