"""Questions of the host and answers to them: a JSON object in each frame."""

from __future__ import annotations

import json

from loopwright.sandbox._guest.frames import Ended, read_frame, write_frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def serve(answer: Callable[[dict[str, Any]], dict[str, Any]], incoming: int = 0, outgoing: int = 1) -> None:
    """Answers questions until the pipe is closed."""
    try:
        while True:
            said = json.dumps(answer(json.loads(read_frame(incoming))), ensure_ascii=False)
            write_frame(outgoing, said.encode("utf-8", "surrogatepass"))
    except Ended:
        return
