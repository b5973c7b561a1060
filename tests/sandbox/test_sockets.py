"""What programs do with sockets of their own goes on working: candidates test servers and talk to themselves."""

from __future__ import annotations

import pytest

from loopwright.sandbox import Limits, Sandbox, SandboxProvider, SandboxSpec

pytestmark = pytest.mark.anyio

WEB = """
import concurrent.futures, http.server, threading, urllib.request

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"x" * 200_000)
    def log_message(self, *words): pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
def fetch(_): return len(urllib.request.urlopen(f"http://localhost:{server.server_port}").read())
with concurrent.futures.ThreadPoolExecutor(20) as pool: print(sum(pool.map(fetch, range(100))))
"""
ASYNC = """
import asyncio

async def main():
    async def echo(reader, writer):
        writer.write(await reader.read(-1)); await writer.drain(); writer.close()
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async def talk():
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(bytes(1 << 20)); writer.write_eof()
        return len(await reader.read(-1))
    print(sum(await asyncio.gather(*(talk() for _ in range(20)))))
asyncio.run(main())
"""
OTHERS = """
import multiprocessing, socket

here, there = socket.socketpair()
here.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
here.sendall(b"pair"); print(there.recv(10))
with socket.socket(type=socket.SOCK_DGRAM) as receiver, socket.socket(type=socket.SOCK_DGRAM) as sender:
    receiver.bind(("127.0.0.1", 0)); sender.sendto(b"datagram", receiver.getsockname()); print(receiver.recv(10))
with multiprocessing.Pool(2) as pool: print(pool.map(abs, [-1, -2]))
print(socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)[0][4][0] in ("127.0.0.1", "::1"))
"""


@pytest.mark.parametrize(
    ("program", "said"),
    [(WEB, "20000000\n"), (ASYNC, f"{20 << 20}\n"), (OTHERS, "b'pair'\nb'datagram'\n[1, 2]\nTrue\n")],
    ids=["web", "asyncio", "others"],
)
async def test_programs_talk_to_themselves(box: Sandbox, program: str, said: str) -> None:
    done = await box.run(["python3", "-c", program], timeout=60)
    assert done.stdout.text == said, done.stderr.text


async def test_sockets_that_were_closed_count_no_more(provider: SandboxProvider) -> None:
    box = await provider.open(SandboxSpec(limits=Limits(memory_mb=32)))
    program = "import socket\nfor _ in range(200): socket.socket().close()\nprint('all')"
    done = await box.run(["python3", "-c", program])
    holds = "import socket\nheld = []\ntry:\n  while True: held.append(socket.socket())\nexcept OSError as e: print(e)"
    full = await box.run(["python3", "-c", holds])
    again = await box.run(["python3", "-c", program])
    await box.close()
    assert (done.stdout.text, again.stdout.text) == ("all\n", "all\n")
    assert full.stdout.text == "[Errno 105] No buffer space available\n"
