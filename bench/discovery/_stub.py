"""A chat server that answers each request after a while, with another program each time.

`python -m bench.discovery._stub SECONDS LOG` prints its port. Each request is a line in the log: when it came.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from pathlib import Path
from typing import TextIO

_REPLY = """One idea.
<NAME>
step_{number}
</NAME>
<DESCRIPTION>
Another number.
</DESCRIPTION>
<CODE>
```python
# EVOLVE-BLOCK-START
import json
X = {value}
with open("construction.json", "w") as file:
    json.dump([X], file)


def run():
    return X
# EVOLVE-BLOCK-END
```
</CODE>
"""


def answer(number: int) -> bytes:
    """The body of a reply."""
    text = _REPLY.format(number=number, value=number / 1e6)
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 100, "completion_tokens": 100, "total_tokens": 200}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    reply = {"id": str(number), "object": "chat.completion", "created": 0, "model": "stub"}
    return json.dumps({**reply, "choices": choices, "usage": usage}).encode()


async def serve(seconds: float, requests: TextIO) -> None:
    """Serves until it is killed."""
    numbers = itertools.count(1)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                length = next((int(line[15:]) for line in head.split("\r\n") if line.startswith("content-length:")), 0)
                await reader.readexactly(length)
                requests.write(f"{time.time()}\n")
                requests.flush()
                await asyncio.sleep(seconds)
                body = answer(next(numbers))
                reply = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write(reply.encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with Path(sys.argv[2]).open("a") as _requests:
        asyncio.run(serve(float(sys.argv[1]), _requests))
