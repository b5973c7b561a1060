"""The matrix of docs/models.md, made from the declarations that the tests play.

`python -m tests.models.servers.table` writes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.models.servers.description import Server
from tests.models.servers.listed import SERVERS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "models.md"
BEGIN, END = "<!-- matrix: begin -->", "<!-- matrix: end -->"
_CLASSES = {"input": "input", "cache_read": "cache read", "cache_write": "cache write", "output": "output"}
_BACK = {
    "encrypted_content": "encrypted thoughts",
    "signature": "signed thoughts",
    "thoughtSignature": "signatures of thoughts",
    "thought_signature": "signatures of thoughts",
    "reasoning_details": "thoughts",
    "reasoning_content": "thoughts",
}
_SCHEMA = {"followed": "by schema", "refused": "schema in the prompt", "passed over": "after one repair"}


def matrix() -> str:
    """The table and its sources, as Markdown."""
    return "\n".join([BEGIN, "", *_rows(SERVERS), "", "Sources:", "", *map(_sources, SERVERS), "", END])


def _rows(servers: Sequence[Server]) -> Iterator[str]:
    columns = (
        "server",
        "plain reply",
        "structured reply",
        "tools",
        "picture",
        "reasoning kept",
        "cut reply",
        "usage",
        "error bodies",
        "rate limits",
        "stall",
    )
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for server in servers:
        yield f"| {' | '.join((server.name, *_cells(server)))} |"


def _cells(server: Server) -> Iterator[str]:
    left_out = sorted(server.refuses.keys() - {"response_format", "max_tokens"})
    yield f"yes, without {', '.join(f'`{name}`' for name in left_out)}" if left_out else "yes"
    yield _SCHEMA[server.schema]
    yield f"yes; {_BACK[server.wants_back]} go back" if server.wants_back else "yes"
    yield "yes" if server.blind is None else "none: the server takes text only"
    yield server.thoughts + _condition(server)
    yield "yes"
    told = server.counted.model_dump()
    classes = [text for name, text in _CLASSES.items() if told[name]]
    yield ", ".join(classes) or "not for a cached prompt: the call counts at its reserve"
    yield f"yes ({len(server.faults)})"
    yield server.limited if isinstance(server.limited, str) else _waits(server.limited.wait)
    yield "yes"


def _condition(server: Server) -> str:
    if server.effort:
        return ", beside a `reasoning_effort`"
    return ", asked for by the endpoint's `body`" if server.own else ""


def _waits(seconds: float | None) -> str:
    return "yes; waits as long as it asks" if seconds else "yes; it names no time"


def _sources(server: Server) -> str:
    pages = ", ".join(f"[{what}]({url})" for what, url in server.sources.items())
    return f"- {server.name}: {pages}"


def main() -> None:
    """Writes the page."""
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    PAGE.write_text(before + matrix() + rest.partition(END)[2])


if __name__ == "__main__":
    main()
