"""Questions of the host and answers to them: a JSON object in each frame."""

from __future__ import annotations

import json

from loopwright.sandbox._guest.frames import Ended, read_frame, write_frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# Of the rows in an answer: the host reads no frame of more than 8 MiB.
LARGEST = 7 * 1024 * 1024


def size_of(row: list[Any]) -> int:
    """How many bytes a row takes in an answer: a control character takes six, a byte of a blob two."""
    return len(_encoded(row)) + len(", ")


def serve(answer: Callable[[dict[str, Any]], dict[str, Any]], incoming: int = 0, outgoing: int = 1) -> None:
    """Answers questions until the pipe is closed."""
    try:
        while True:
            write_frame(outgoing, _encoded(answer(json.loads(read_frame(incoming)))))
    except Ended:
        return


def _encoded(said: object) -> bytes:
    return json.dumps(said, ensure_ascii=False).encode("utf-8", "surrogatepass")
