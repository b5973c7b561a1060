"""Reaching the host, its network, or another sandbox."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from pathlib import Path

import pytest

from loopwright.sandbox import Sandbox, SandboxProvider, SandboxSpec
from tests.security.conftest import Attack, refusals
from tests.security.table import proves

pytestmark = pytest.mark.anyio


@proves("reading the host's files, by absolute paths, `..` and `/proc/1/root`", "they are not there, or refused")
async def test_files_of_the_host(attack: Attack, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    secret.chmod(0o644)
    done = await attack(
        f"for number, path in enumerate(({str(secret)!r}, '../../../../..' + {str(secret)!r}, '/proc/1/root' + "
        f"{str(secret)!r}, '/proc/1/cwd' + {str(secret)!r}, '/etc/shadow', '/root/.bashrc', '/root/.ssh/id_rsa',\n"
        "  '/proc/kcore', '/proc/sysrq-trigger', '/sys/firmware/efi')):\n"
        "  attempt(str(number), lambda: open(path, 'rb').read(1))\n"
        "print('homes', os.path.isdir('/home') and os.listdir('/home') or '-')"
    )
    found = refusals(done)
    assert found.pop("homes") == "-"
    assert len(found) == 10
    assert set(found.values()) <= {"ENOENT", "EACCES", "EPERM"}


@proves("reading what the kernel tells in `/proc/kmsg`, `/dev/mem` and the log", "refused, or not there")
async def test_the_kernels_log(attack: Attack) -> None:
    done = await attack(
        "for path in ('/proc/kmsg', '/dev/mem', '/dev/kmem', '/dev/kmsg', '/dev/port'):\n"
        "  attempt(path, lambda: os.read(os.open(path, os.O_RDONLY | os.O_NONBLOCK), 1))\n"
        "attempt('syslog', lambda: check(libc.klogctl(3, ctypes.create_string_buffer(99), 99)))\n"
        "for path in ('/proc/sys/kernel/core_pattern', '/proc/sys/kernel/modprobe', '/proc/sys/vm/drop_caches'):\n"
        "  attempt(path, lambda: os.open(path, os.O_WRONLY))\n"
    )
    found = refusals(done)
    assert len(found) == 9
    assert set(found.values()) <= {"ENOENT", "EACCES", "EPERM", "EROFS", "ENXIO"}


@proves("reading another sandbox's files and processes, and signalling them", "there is nothing of it to be seen")
async def test_another_sandbox(provider: SandboxProvider, box: Sandbox, attack: Attack) -> None:
    token = secrets.token_hex(8)
    other = await provider.open(SandboxSpec(env={"TOKEN": token}))
    for folder in ("/work", "/tmp", "/dev/shm"):
        await other.write(f"{folder}/{token}", token.encode())
    running = await other.start(["sh", "-c", f"sleep 97 # {token}"])
    done = await attack(
        "for top in ('/work', '/tmp', '/dev/shm'): print(os.listdir(top))\n"
        "for pid in filter(str.isdigit, os.listdir('/proc')):\n"
        "  for name in ('cmdline', 'environ'):\n"
        "    try: print(open(f'/proc/{pid}/{name}').read().replace('\\0', ' '))\n"
        "    except OSError: pass\n"
        "try: os.kill(-1, 9)\n"
        "except OSError: pass\n"
    )
    assert "[]\n[]\n[]" in done.stdout.text
    assert token not in done.stdout.text
    assert (await other.read(f"/work/{token}")) == token.encode()
    assert "sleep" in (await other.run(["sh", "-c", "cat /proc/[0-9]*/comm"])).stdout.text
    await running.kill()
    await other.close()


@proves("finding the Docker socket, or any other", "there is none")
async def test_the_docker_socket(attack: Attack) -> None:
    done = await attack(
        "for path in ('/var/run/docker.sock', '/run/docker.sock', '/run/containerd/containerd.sock', "
        "'/run/podman/podman.sock', '/run/systemd/private', '/run/dbus/system_bus_socket'):\n"
        "  attempt(path, lambda: socket.socket(socket.AF_UNIX).connect(path))\n"
        "for place, folders, files in os.walk('/'):\n"
        "  folders[:] = [name for name in folders if os.path.join(place, name) not in ('/proc', '/sys', '/usr')]\n"
        "  for name in files:\n"
        "    path = os.path.join(place, name)\n"
        "    if stat.S_ISSOCK(os.lstat(path).st_mode): print(path, 'FOUND')\n",
        timeout=60,
    )
    found = refusals(done)
    assert len(found) == 6
    assert set(found.values()) <= {"ENOENT", "EACCES"}


@proves("reading the environment of the process that opened the sandbox", "nothing of it was handed on")
async def test_the_environment_of_the_parent(provider: SandboxProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    token = secrets.token_hex(8)
    monkeypatch.setenv("OPENAI_API_KEY", token)
    box = await provider.open(SandboxSpec())
    done = await box.run(["sh", "-c", "env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>&1 | tr '\\0' '\\n'"])
    await box.close()
    assert done.ok
    assert "PATH=" in done.stdout.text
    assert token not in done.stdout.text
    assert "OPENAI_API_KEY" not in done.stdout.text


@proves("raw, packet, vsock, Bluetooth, netlink and kernel-crypto sockets", "refused, or without a peer")
async def test_raw_sockets(attack: Attack) -> None:
    done = await attack(
        "for name, family, kind, protocol in (('raw', 2, 3, 1), ('raw6', 10, 3, 58), ('packet', 17, 3, 0x300),\n"
        "    ('vsock', 40, 1, 0), ('alg', 38, 5, 0), ('bluetooth', 31, 1, 0), ('can', 29, 3, 1), ('rds', 21, 5, 0),\n"
        "    ('tipc', 30, 1, 0), ('xdp', 44, 3, 0)):\n"
        "  attempt(name, lambda: socket.socket(family, kind, protocol))\n"
        "def add_address():\n"
        "  import fcntl\n"
        "  with socket.socket() as plain: fcntl.ioctl(plain, 0x8916, b'lo'.ljust(16, b'\\0') + bytes(24))\n"
        "attempt('address', add_address)\n"
    )
    found = refusals(done)
    assert len(found) == 11
    assert set(found.values()) <= {"EPERM", "EACCES", "EAFNOSUPPORT", "EPROTONOSUPPORT", "ESOCKTNOSUPPORT"}


@proves("DNS, and packets to the internet or a cloud's metadata service", "there is no route")
async def test_dns_and_the_internet(attack: Attack) -> None:
    done = await attack(
        "try: socket.getaddrinfo('example.com', 80); print('dns WORKED')\n"
        "except socket.gaierror: print('dns unknown')\n"
        "for address in ('8.8.8.8', '169.254.169.254', '10.0.0.1', '172.17.0.1'):\n"
        "  for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):\n"
        "    attempt(f'{address}/{kind.value}', lambda: socket.socket(socket.AF_INET, kind).connect((address, 53)))\n"
        "attempt('v6', lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).connect(('2001:db8::1', 53)))",
        timeout=20,
    )
    found = refusals(done)
    assert found.pop("dns") == "unknown"
    assert len(found) == 9
    assert set(found.values()) <= {"ENETUNREACH", "EADDRNOTAVAIL", "EAFNOSUPPORT"}


@proves("connecting to services that listen on the host's loopback", "refused: the sandbox has a loopback of its own")
async def test_loopback_services_of_the_host(attack: Attack) -> None:
    callers = 0

    def called(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal callers
        callers += 1
        writer.close()

    server = await asyncio.start_server(called, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    done = await attack(
        f"for address in ('127.0.0.1', '127.0.0.2', '0.0.0.0'):\n"
        f"  attempt(address, lambda: socket.create_connection((address, {port}), 2))"
    )
    server.close()
    assert refusals(done) == dict.fromkeys(("127.0.0.1", "127.0.0.2", "0.0.0.0"), "ECONNREFUSED")
    assert callers == 1


@proves("connecting to an abstract Unix socket of the host, or of another sandbox", "refused: they are per network")
async def test_abstract_unix_sockets(provider: SandboxProvider, attack: Attack) -> None:
    name = f"loopwright-{secrets.token_hex(8)}"
    other = await provider.open(SandboxSpec())
    listen = f"import socket, time\ns = socket.socket(socket.AF_UNIX)\ns.bind('\\0{name}-other')\ns.listen()\n"
    running = await other.start(["python3", "-c", listen + "print('listening', flush=True)\ntime.sleep(97)"])
    assert await running.read() == b"listening\n"
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(f"\0{name}")
        server.listen()
        client.connect(f"\0{name}")
        done = await attack(
            f"for name in ('{name}', '{name}-other'):\n"
            "  attempt(name, lambda: socket.socket(socket.AF_UNIX).connect('\\0' + name))"
        )
    await other.close()
    assert refusals(done) == dict.fromkeys((name, f"{name}-other"), "ECONNREFUSED")


@proves("shared memory, queues and semaphores of the host", "the sandbox has its own")
async def test_interprocess_communication(provider: SandboxProvider, attack: Attack) -> None:
    done = await attack(
        "print('entries', *(open('/proc/sysvipc/' + name).read().count('\\n') - 1 for name in ('shm', 'msg', 'sem')))\n"
        "print('namespace', os.readlink('/proc/self/ns/ipc'))"
    )
    found = refusals(done)
    assert found["entries"] == "0 0 0"
    assert found["namespace"] != await asyncio.to_thread(os.readlink, "/proc/self/ns/ipc")
