"""The runner's loop: messages from the host in, commands run, messages to the host out."""

from __future__ import annotations

import errno
import os
import select
import time

from loopwright.sandbox._guest import files
from loopwright.sandbox._guest.frames import FrameDecoder
from loopwright.sandbox._guest.lean import signal
from loopwright.sandbox._guest.memory import MemoryCounter
from loopwright.sandbox._guest.messages import MAX_BODY, Answer, Ask, message, parse, unpack
from loopwright.sandbox._guest.operations import Operations
from loopwright.sandbox._guest.privileges import keep_from_children
from loopwright.sandbox._guest.sockets import SocketGate
from loopwright.sandbox._guest.spawn import NOT_EXECUTABLE, User, execute, fork, kill_strays
from loopwright.sandbox._guest.streams import CHUNK, Kept, Sink, Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_OPERATION_KEEPS = 4096


class Command:
    """A running command."""

    def __init__(self, number: int, pid: int, deadline: float, tag: int) -> None:
        self.number = number
        self.pid = pid
        self.started = time.monotonic()
        self.deadline = deadline
        self.tag = tag
        self.freezes = False
        """Whether the workload stands still until it ends."""
        self.timed_out = False
        self.killed: set[int] = set()
        self.stdin: Sink | None = None
        self.sources: list[Source] = []
        self.kept: list[Kept] = []


class Runner:
    """Runs what the host asks for until the pipe closes or the lease is over."""

    def __init__(self) -> None:
        self._host = Sink(os.dup(1))
        self._commands: dict[int, Command] = {}
        self._by_pid: dict[int, Command] = {}
        self._ended: list[tuple[Command, int]] = []
        self._tag = 0
        self._frozen = 0
        """Operations under way that the workload could disturb."""
        self._lease = 60.0
        self._user = User(os.getuid(), os.getgid(), (), (), 0)
        self._operations = Operations()
        self._memory = MemoryCounter(b"-1")
        self._gate = SocketGate(-1, 0)
        self._null = os.open("/dev/null", os.O_RDWR)
        os.dup2(self._null, 1)  # nothing but messages goes to the host; a traceback still goes to its stderr
        self._wake, wakeup = os.pipe()
        for fd in (0, self._wake, wakeup):
            os.set_blocking(fd, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
        self._actions: dict[int, Callable[[int, Sequence[bytes]], None]] = {
            Ask.SETUP: self._set_up,
            Ask.RUN: self._run,
            Ask.STDIN: self._feed,
            Ask.CLOSE_STDIN: self._end_stdin,
            Ask.TAKEN: self._taken,
            Ask.KILL: self._kill,
            Ask.READ: self._read,
            Ask.WRITE: self._write,
            Ask.LIST: self._list,
            Ask.OPERATE: self._operate,
            Ask.KNOW: self._know,
            Ask.PING: self._value,
        }

    def serve(self) -> None:
        """Works until the host is gone. The sandbox ends with this process, which is its first."""
        decoder = FrameDecoder(MAX_BODY)
        heard = time.monotonic()
        while True:
            now = time.monotonic()
            if now > heard + self._lease:
                return
            ready = self._wait(min([heard + self._lease, *(c.deadline for c in self._commands.values())]) - now)
            if 0 in ready:
                data = os.read(0, CHUNK * 16)
                if not data:
                    return
                heard = time.monotonic()
                decoder.feed(data)
                while (body := decoder.take()) is not None:
                    self._answer(*parse(body))
            if self._wake in ready:
                os.read(self._wake, CHUNK)
                self._reap()
            if self._gate.fd in ready:
                self._gate.answer()
            self._move(ready)
            self._end_late(time.monotonic())
            while self._ended:
                self._finish(*self._ended.pop())

    def _wait(self, seconds: float) -> set[int]:
        """Waits until something can be done, and says on which descriptors."""
        poll = select.poll()
        poll.register(0, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        if self._gate.fd >= 0:
            poll.register(self._gate.fd, select.POLLIN)
        if self._host.blocked:
            poll.register(self._host.fd, select.POLLOUT)
        for command in self._commands.values():
            for source in command.sources:
                if source.open and source.window > 0:
                    poll.register(source.fd, select.POLLIN)
            if command.stdin and command.stdin.blocked:
                poll.register(command.stdin.fd, select.POLLOUT)
        return {fd for fd, _ in poll.poll(max(0, int(seconds * 1000) + 1))}

    def _move(self, ready: set[int]) -> None:
        if self._host.fd in ready:
            self._host.pump()
        for command in self._commands.values():
            for source in command.sources:
                if source.open and source.fd in ready:
                    source.pump(16)
            if command.stdin and command.stdin.open and command.stdin.fd in ready:
                command.stdin.pump()

    def _answer(self, kind: int, number: int, fields: Sequence[bytes]) -> None:
        try:
            self._actions[kind](number, fields)
        except ValueError as error:
            self._send(Answer.ERROR, number, b"0", str(error).encode())
        except OSError as error:
            self._send(Answer.ERROR, number, b"%d" % (error.errno or 5), (error.strerror or "").encode())

    def _send(self, kind: int, number: int, *fields: bytes) -> None:
        self._host.send(message(kind, number, *fields))

    def _value(self, number: int, fields: Sequence[bytes]) -> None:
        self._send(Answer.VALUE, number, *fields)

    def _set_up(self, number: int, fields: Sequence[bytes]) -> None:
        uid, gid, niceness, lease, workdir, rlimits, filters, sockets, entrances, counters = fields
        pairs = [int(value) for value in unpack(rlimits)]
        groups = [int(fd) for fd in unpack(entrances)]
        self._memory = MemoryCounter(*unpack(counters))
        for fd in [*groups, self._memory.fd]:
            if fd >= 0:
                os.set_inheritable(fd, False)
        self._user = User(int(uid), int(gid), list(zip(pairs[::2], pairs[1::2])), groups, int(niceness))
        self._lease = float(lease)
        os.umask(0o022)
        if self._user.switches:
            os.setgroups([])
            if os.stat(workdir).st_uid != self._user.uid:
                os.chown(workdir, self._user.uid, self._user.gid)
        programs = unpack(filters)
        by_machine = dict(zip((p.decode() for p in programs[::2]), programs[1::2]))
        filtered = keep_from_children(by_machine, asks=bool(int(sockets)))
        self._gate = SocketGate(filtered.listener, int(sockets))
        numbers = os.getpid(), os.getuid(), filtered.listener >= 0
        self._value(number, [filtered.unfiltered, *(b"%d" % n for n in numbers)])

    def _run(self, number: int, fields: Sequence[bytes]) -> None:
        argv, cwd, env, timeout, keep, stream, stdin = fields
        words = unpack(env)
        variables = dict(zip(words[::2], words[1::2]))
        try:
            command = self._launch(
                number,
                lambda: execute(self._user, unpack(argv), cwd, variables),
                timeout=float(timeout),
                keep=int(keep),
                stream=bool(stream),
                has_stdin=bool(stdin or stream),
            )
        except OSError as error:
            self._not_started(number, error)
            return
        if command.stdin:
            command.stdin.send(stdin)
            if not stream:
                command.stdin.end()

    def _operate(self, number: int, fields: Sequence[bytes]) -> None:
        """Does what takes long in a process of its own, which streams its result like a command."""
        name, timeout, *arguments = fields

        def work() -> None:
            os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # other commands' pipes, which nothing here executes away
            with self._user:
                self._operations.run(name.decode(), arguments)

        freezes = not self._user.switches  # where the workload has the operation's uid, it could kill it
        if freezes:
            self._freeze()
        try:
            command = self._launch(
                number, work, timeout=float(timeout), keep=_OPERATION_KEEPS, stream=True, has_stdin=True
            )
        except OSError as error:
            if freezes:
                self._thaw()
            self._not_started(number, error)
            return
        command.freezes = freezes

    def _not_started(self, number: int, error: OSError) -> None:
        """Tells of a command that got no process: what runs in the background has taken all that there may be."""
        said = b"loopwright: " + os.strerror(error.errno or errno.EAGAIN).encode()
        how = b"%d" % NOT_EXECUTABLE, b"0", b"0", b"0", b"0"
        self._send(Answer.DONE, number, *how, b"", b"", b"0", said, b"", b"0")

    def _freeze(self) -> None:
        """Stops the workload for as long as an operation takes."""
        if not self._frozen:
            _signal_all(signal.SIGSTOP)
        self._frozen += 1

    def _thaw(self) -> None:
        self._frozen -= 1
        if not self._frozen:
            _signal_all(signal.SIGCONT)

    def _launch(
        self, number: int, work: Callable[[], None], *, timeout: float, keep: int, stream: bool, has_stdin: bool
    ) -> Command:
        self._tag += 1
        now = time.monotonic()
        out, err = os.pipe(), os.pipe()
        source, sink = os.pipe() if has_stdin else (self._null, -1)
        try:
            pid = fork(self._tag, (source, out[1], err[1]), work)
        except OSError:
            for end in (out[0], err[0], *([sink] if has_stdin else ())):
                os.close(end)
            raise
        finally:
            for end in (out[1], err[1], *([source] if has_stdin else ())):
                os.close(end)
        command = Command(number, pid, now + timeout, self._tag)
        command.kept = [Kept(keep), Kept(keep)]
        take = self._streamed(command) if stream else command.kept[0].add
        command.sources = [Source(out[0], take), Source(err[0], command.kept[1].add)]
        command.stdin = Sink(sink) if has_stdin else None
        self._commands[number] = self._by_pid[pid] = command
        return command

    def _streamed(self, command: Command) -> Callable[[bytes], None]:
        def take(data: bytes) -> None:
            command.sources[0].window -= len(data)
            self._send(Answer.CHUNK, command.number, data)

        return take

    def _feed(self, number: int, fields: Sequence[bytes]) -> None:
        command = self._commands.get(number)
        if command and command.stdin:
            command.stdin.send(fields[0])

    def _end_stdin(self, number: int, _: Sequence[bytes]) -> None:
        command = self._commands.get(number)
        if command and command.stdin:
            command.stdin.end()

    def _taken(self, number: int, fields: Sequence[bytes]) -> None:
        command = self._commands.get(number)
        if command:
            command.sources[0].window += int(fields[0])

    def _kill(self, number: int, _: Sequence[bytes]) -> None:
        command = self._commands.get(number)
        if command:
            self._kill_tree(command)

    def _read(self, number: int, fields: Sequence[bytes]) -> None:
        with self._user:
            data = files.read(fields[0], int(fields[1]))
        self._send(Answer.VALUE, number, data)

    def _write(self, number: int, fields: Sequence[bytes]) -> None:
        path, data, mode = fields[0], fields[1], int(fields[2])
        with self._user:
            resolved, made = files.write(path, data, mode)
        self._operations.know_write(resolved, data, mode, made)
        self._send(Answer.VALUE, number)

    def _list(self, number: int, fields: Sequence[bytes]) -> None:
        with self._user:
            names = files.names(fields[0])
        self._send(Answer.VALUE, number, *names)

    def _know(self, number: int, fields: Sequence[bytes]) -> None:
        self._operations.know_tree(fields[0], fields[1:])
        self._send(Answer.VALUE, number)

    def _end_late(self, now: float) -> None:
        for command in list(self._commands.values()):
            if now >= command.deadline:
                command.timed_out = True
                command.deadline = now + 3600
                self._kill_tree(command)

    def _kill_tree(self, command: Command) -> None:
        live = [other.tag for other in self._commands.values() if other is not command]
        command.killed |= kill_strays(command.tag, live, self._reap)

    def _reap(self) -> None:
        """Takes the status of every child that has ended, orphans of commands among them."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            command = self._by_pid.pop(pid, None)
            if command:
                self._ended.append((command, status))

    def _finish(self, command: Command, status: int) -> None:
        seconds = time.monotonic() - command.started
        self._kill_tree(command)
        if command.freezes:
            self._thaw()
        leftovers = len(command.killed - {command.pid})
        del self._commands[command.number]
        for source in command.sources:
            source.window = 1 << 62  # what is still in the pipe is at most its capacity
            source.pump(1 << 10)
            source.close()
        if command.stdin:
            command.stdin.close()
        code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        out_of_memory = self._memory.rose()
        kept = [part for k in command.kept for part in (bytes(k.head), k.tail, b"%d" % k.dropped)]
        numbers = [b"%d" % code, b"%d" % command.timed_out, b"%d" % out_of_memory, b"%d" % leftovers, b"%.6f" % seconds]
        self._send(Answer.DONE, command.number, *numbers, *kept)


def _signal_all(number: int) -> None:
    """Signals everything in the sandbox but this process."""
    try:
        os.kill(-1, number)
    except ProcessLookupError:
        pass  # there is nothing else


def main() -> None:
    """Entry point."""
    Runner().serve()
    os._exit(0)  # nothing is left to be tidied up that ends with the process
