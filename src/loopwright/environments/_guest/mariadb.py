"""A MariaDB server, and a session that executes statements on it.

The server listens on a socket file alone; nothing but this program can connect, as nothing else runs in the sandbox.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import tarfile
import time
from contextlib import suppress
from pathlib import Path
from shutil import which

from loopwright.environments._guest.dialogue import LARGEST, serve, size_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DATA, FILE, SAVED = Path("data").absolute(), Path("database.tar.gz"), Path("saved.tar.gz")
SOCKET, LOG = "/tmp/mariadb.sock", Path("/tmp/mariadb.log")
# What a database of some megabytes needs and no more. Nothing survives the sandbox, so nothing waits for a disk.
OPTIONS = """
--no-defaults --skip-networking --skip-log-bin --skip-name-resolve --skip-symbolic-links --performance-schema=off
--local-infile=0 --secure-file-priv=/dev/shm --event-scheduler=disabled --lower-case-table-names=1
--sql-mode=STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION
--character-set-server=utf8mb4 --collation-server=utf8mb4_general_ci --default-time-zone=+00:00 --tmpdir=/tmp
--innodb-buffer-pool-size=8M --loose-innodb-buffer-pool-size-max=8M --innodb-log-file-size=4M
--innodb-log-buffer-size=2M --innodb-use-native-aio=0 --innodb-flush-log-at-trx-commit=2 --innodb-doublewrite=0
--innodb-autoextend-increment=1 --innodb-data-file-path=ibdata1:3M:autoextend
--innodb-temp-data-file-path=ibtmp1:3M:autoextend --innodb-buffer-pool-dump-at-shutdown=0
--innodb-buffer-pool-load-at-startup=0 --aria-log-file-size=8M --aria-pagecache-buffer-size=1M --key-buffer-size=64K
--max-allowed-packet=16M --max-connections=10 --table-open-cache=100 --wait-timeout=1000000
"""
ALL_RIGHTS = '{"access":18446744073709551615}'
PATIENCE, DRAIN = 60.0, 1.0
# LONG_PASSWORD, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, MULTI_RESULTS, PLUGIN_AUTH; neither LOCAL_FILES nor
# MULTI_STATEMENTS: a statement is one statement, and no file of the client's is ever read.
ABLE = 0x1 | 0x200 | 0x2000 | 0x8000 | 0x20000 | 0x80000
UTF8MB4, BINARY, BITS = 45, 63, 16
NUMBERS = {**dict.fromkeys((1, 2, 3, 8, 9, 13), int), 4: float, 5: float}
NAMED = {0: "decimal", 7: "datetime", 10: "date", 11: "time", 12: "datetime", 246: "decimal"}
MORE_RESULTS, LOST = 8, (1053, 1927)  # the server shuts down; the session was killed


class Refused(Exception):
    """The server's own words for what is wrong with a statement."""


class Connection:
    """A session, in the little of the client protocol that statements and their rows need."""

    def __init__(self, user: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(SOCKET)
        self._file = self._socket.makefile("rb", 1 << 16)
        self._number = 0
        hello = self._packet(time.monotonic() + PATIENCE)
        end = hello.index(b"\0", 1)
        # The prefix is there for clients that take a first number above 5 for a mistake.
        self.version = hello[1:end].decode().removeprefix("5.5.5-")
        (self.id,) = struct.unpack_from("<I", hello, end + 1)
        self._send(struct.pack("<IIB23x", ABLE, 1 << 24, UTF8MB4) + user.encode() + b"\0\0mysql_native_password\0")
        _ends(self._packet(time.monotonic() + PATIENCE))

    def close(self) -> None:
        """Ends the session; what it was doing goes on."""
        self._file.close()
        self._socket.close()

    def execute(self, statement: str, rows: int = 0, seconds: float = PATIENCE) -> dict[str, Any]:
        """Runs a statement.

        Returns:
            Its first result: `rows` at most, `more` where there were more, or how many rows `changed`.

        Raises:
            Refused: It failed.
            TimeoutError: It takes too long; the session cannot be used any more.
            OSError: The server ended.
        """
        data = b"\x03" + statement.encode("utf-8", "replace")
        if len(data) >= 0xFFFFFF:
            raise Refused("the statement is too long")
        until = time.monotonic() + seconds
        self._number = 0
        self._send(data)
        found, further = self._result(rows, until)
        while further:
            further = self._result(0, until)[1]
        return found

    def _result(self, rows: int, until: float) -> tuple[dict[str, Any], int]:
        _ends(head := self._packet(until))
        if head[:1] == b"\0":
            changed, at = _length(head, 1)
            (status,) = struct.unpack_from("<H", head, _length(head, at)[1])
            return {"rows": None, "changed": changed}, status & MORE_RESULTS
        columns = [_column(self._packet(until)) for _ in range(_length(head, 0)[0])]
        self._packet(until)
        found: list[list[Any]] = []
        size = 0
        while not _ends(packet := self._packet(until)):
            if not rows:
                continue
            row = _row(packet, columns)
            size += size_of(row)
            if len(found) == rows or size > LARGEST:
                return {"rows": found, "more": True, "broken": not self._drained(until)}, 0
            found.append(row)
        return {"rows": found, "more": False}, struct.unpack_from("<H", packet, 3)[0] & MORE_RESULTS

    def _drained(self, until: float) -> bool:
        """Reads what nobody asked for, unless that takes long."""
        until = min(until, time.monotonic() + DRAIN)
        try:
            while not _ends(self._packet(until)):
                pass
        except (Refused, OSError):  # of which a time-out is one
            return False
        return True

    def _send(self, data: bytes) -> None:
        self._socket.settimeout(PATIENCE)
        self._socket.sendall(len(data).to_bytes(3, "little") + bytes([self._number % 256]) + data)

    def _packet(self, until: float) -> bytes:
        data = b""
        while True:
            head = self._bytes(4, until)
            self._number = head[3] + 1
            size = int.from_bytes(head[:3], "little")
            data += self._bytes(size, until)
            if size < 0xFFFFFF:
                return data

    def _bytes(self, size: int, until: float) -> bytes:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
        data: bytes = self._file.read(size)
        if len(data) < size:
            raise ConnectionResetError("the server ended the session")
        return data


def _ends(packet: bytes) -> bool:
    """Whether rows end with this packet.

    Raises:
        Refused: They end with an error.
        OSError: The session ends with it.
    """
    if packet[:1] == b"\xff":
        # An error's number and state are left out, as published.
        text = (packet[9:] if packet[3:4] == b"#" else packet[3:]).decode("utf-8", "replace")
        if struct.unpack_from("<H", packet, 1)[0] in LOST:
            raise ConnectionResetError(text)
        raise Refused(text)
    return packet[:1] == b"\xfe" and len(packet) < 9


def _length(data: bytes, at: int) -> tuple[int, int]:
    """A number of whichever length, and where it ends."""
    size = {0xFC: 2, 0xFD: 3, 0xFE: 8}.get(data[at], 0)
    return (int.from_bytes(data[at + 1 : at + 1 + size], "little") if size else data[at]), at + 1 + size


def _texts(packet: bytes, count: int) -> tuple[list[bytes | None], int]:
    """Texts, None for NULL, and where they end."""
    found: list[bytes | None] = []
    at = 0
    for _ in range(count):
        null = packet[at] == 0xFB
        size, at = (0, at + 1) if null else _length(packet, at)
        found.append(None if null else packet[at : at + size])
        at += size
    return found, at


def _column(packet: bytes) -> tuple[int, bool]:
    """A column's type, and whether its texts are bytes."""
    at = _texts(packet, 6)[1] + 1
    charset, _, kind = struct.unpack_from("<HIB", packet, at)
    return kind, charset == BINARY


def _row(packet: bytes, columns: list[tuple[int, bool]]) -> list[Any]:
    return [_value(data, *column) for data, column in zip(_texts(packet, len(columns))[0], columns, strict=True)]


def _value(data: bytes | None, kind: int, binary: bool) -> Any:
    if data is None:
        return None
    if kind == BITS:
        return int.from_bytes(data, "big")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return {"bytes": data.hex()}
    if kind in NUMBERS:
        return NUMBERS[kind](text)
    if kind in NAMED:
        return {NAMED[kind]: text}
    return {"bytes": data.hex()} if binary else text


def command(program: str) -> list[str]:
    """The server's command line; as root it runs only where it is told to."""
    return [program, *OPTIONS.split(), f"--datadir={DATA}", *(["--user=root"] if os.getuid() == 0 else [])]


class Server:
    """The server's process, the owner's session and the agent's."""

    def __init__(self, program: str, database: str) -> None:
        self._program = program
        self._database = database
        self.start()

    def start(self) -> None:
        """Starts it on the data folder.

        Raises:
            RuntimeError: It does not start.
        """
        with LOG.open("wb") as log:
            argv = [*command(self._program), f"--socket={SOCKET}", f"--pid-file={SOCKET}.pid"]
            self._process = subprocess.Popen(argv, stdout=log, stderr=log)
        until = time.monotonic() + PATIENCE
        while True:
            try:
                self._owner = Connection("root")
                break
            except OSError:
                if self._process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"mariadbd does not start: {_errors()}") from None
                time.sleep(0.005)
        self.version = self._owner.version
        self._agent = self._session()

    def execute(self, statement: str, rows: int, seconds: float) -> dict[str, Any]:
        """Runs a statement of the agent's; what goes wrong with it is an answer."""
        try:
            found = self._agent.execute(statement, rows, seconds)
            if found.pop("broken", False):
                self._renew()
            return found
        except Refused as error:
            return {"error": str(error)}
        except OSError as error:
            self._renew()
            if isinstance(error, BrokenPipeError):  # the session was lost before: nothing was executed
                return self.execute(statement, rows, seconds)
            return {"failed": "the statement timed out" if isinstance(error, TimeoutError) else str(error)}

    def load(self, statements: list[str]) -> None:
        """Runs statements with all rights, in the database.

        Raises:
            Refused: One fails.
        """
        name = self._database.replace("`", "``")
        self._owner.execute("SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO', foreign_key_checks = 0, unique_checks = 0")
        self._owner.execute(f"CREATE DATABASE IF NOT EXISTS `{name}`")
        self._owner.execute(f"USE `{name}`")
        for statement in statements:
            try:
                self._owner.execute(statement)
            except Refused as error:
                raise Refused(f"{error}: {statement[:120]}") from None

    def stop(self) -> None:
        """Ends it in order, so that it starts quickly."""
        self._owner.execute("SET GLOBAL innodb_fast_shutdown = 0")
        self._owner.execute("SHUTDOWN")
        self._process.wait(PATIENCE)

    def save(self) -> None:
        """Packs the data as they are at this moment; the session goes on.

        The files are what a power cut would leave, which the next server recovers: all that was committed, and nothing
        else.
        """
        self._process.send_signal(signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)  # until no thread writes any more
        try:
            pack()
        finally:
            self._process.send_signal(signal.SIGCONT)

    def _session(self) -> Connection:
        """The agent's session: all rights in its database, none beyond it."""
        name = self._database.replace("`", "``")
        pattern = name.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")
        # Made anew each time, as a user may change its own password.
        self._owner.execute("CREATE OR REPLACE USER agent@localhost")
        self._owner.execute(f"GRANT ALL ON `{pattern}`.* TO agent@localhost")
        session = Connection("agent")
        with suppress(Refused):  # the agent dropped it
            session.execute(f"USE `{name}`")
        return session

    def _renew(self) -> None:
        """A new session after one that was lost, on a new server if that was lost as well."""
        try:
            self._agent.close()
            if self._process.poll() is None:
                with suppress(Refused):  # it has ended by itself
                    self._owner.execute(f"KILL HARD CONNECTION {self._agent.id}")
                self._agent = self._session()
                return
        except OSError:
            pass
        self._process.kill()
        self._process.wait()
        self.start()


def _errors() -> str:
    with LOG.open(encoding="utf-8", errors="replace") as log:
        lines = [line.strip() for line in log if "[ERROR]" in line]
    return "; ".join(lines[-3:]) or "it ended without a word"


def bootstrap(program: str) -> None:
    """Makes the tables that a server needs of its own.

    Raises:
        RuntimeError: That fails.
    """
    (DATA / "mysql").mkdir(parents=True)
    script = ["use mysql;\n"]
    for folder in ("/usr/share/mysql", "/usr/share/mariadb"):
        script += [path.read_text(encoding="utf-8") for path in Path(folder).glob("m*_system_tables.sql")]
    script.append(f"insert into global_priv values ('localhost', 'root', '{ALL_RIGHTS}');\n")
    with LOG.open("wb") as log:
        argv = [*command(program), "--bootstrap"]
        made = subprocess.run(argv, input="".join(script).encode(), stdout=log, stderr=log, timeout=PATIENCE)
    if made.returncode or len(script) != 3:
        raise RuntimeError(f"mariadbd makes no data folder: {_errors()}")


def pack() -> None:
    """Packs the data folder."""
    with tarfile.open(SAVED, "w:gz", compresslevel=1) as archive:
        archive.add(DATA, DATA.name)


def unpack() -> None:
    """Makes the data folder of what was packed."""
    with tarfile.open(FILE) as archive:
        archive.extractall()
    FILE.unlink()


def main() -> None:
    """Serves orders until the pipe closes: `make` a database of statements, or execute on one that is packed here."""
    server: Server | None = None
    program = which("mariadbd") or ""

    def answer(asked: dict[str, Any]) -> dict[str, Any]:
        nonlocal server
        try:
            server, said = _obeyed(asked, program, server)
        except (Refused, RuntimeError, OSError) as error:
            return {"failed": str(error)}
        return said

    serve(answer)


def _obeyed(asked: dict[str, Any], program: str, server: Server | None) -> tuple[Server | None, dict[str, Any]]:
    order = asked["order"]
    if order == "version":
        said = subprocess.run([program, "--version"], capture_output=True, text=True).stdout if program else ""
        return None, {"version": said.strip()}
    if order == "make":
        bootstrap(program)
        server = Server(program, asked["database"])
        try:
            server.load(asked["statements"])
        except Refused as error:
            return None, {"refused": str(error)}
        server.stop()
        pack()
        return None, {}
    if order == "start":
        if FILE.exists():
            unpack()
        server = Server(program, asked["database"])
        return server, {"version": server.version}
    assert server is not None
    if order == "save":
        server.save()
        return server, {}
    return server, server.execute(asked["sql"], asked["rows"], asked["seconds"])
