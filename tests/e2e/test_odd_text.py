"""What an agent makes and says is scored, whatever characters it holds, and the record can be read by any program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import loopwright
from loopwright.models import Reply, Request
from loopwright.report import render_csv, render_html, summarize_run
from loopwright.store import read_run

_HALF = "print('\\ud83d', {'\\udc00': chr(0)})"
# Environment, and what an agent does in it: names, output and replies that are no UTF-8, or that hold NUL.
_DEEDS = {
    "bash": (
        {"name": "bash", "hidden": {"gold": "echo 3"}},
        [
            "```bash\ntouch $'/tmp/\\xe9t\\xe9'; printf '\\xe9\\0\\xff'; ls /tmp\n```",
            "```bash\necho \0 \ud83d\n```",
            f"```bash\n: {'x' * 200_000}\n```",
        ],
    ),
    "interpreter": (
        {"name": "interpreter", "hidden": {"gold": "x = 1", "tests": ["assert f() == 1"]}},
        [f"```python\n{_HALF}\n```", "```python\n'\\ud83d'\n```", "```python\nprint('\0\ud83d')\n```"],
    ),
    "sql": (
        {"name": "sql", "script": "CREATE TABLE t (a);", "hidden": {"gold": "SELECT a FROM t"}},
        ["```sql\nSELECT CAST(x'ff00e9' AS TEXT), char(0), char(55357)\n```", "```sql\nSELECT '\0\ud83d'\n```"],
    ),
    "python": (
        {
            "name": "python",
            "tests": "from solution import f\ndef test_f():\n    assert f() == 1",
            "hidden": {"tests": "from solution import f\ndef test_g():\n    assert f() == 1"},
        },
        [
            f"```python\ndef f():\n    {_HALF}\n    return '\\ud83d\\0'\n```",
            "```python\ndef f(): return '\0\ud83d'\n```",
        ],
    ),
    "ctf": (
        {"name": "ctf", "hidden": {"gold": "flag"}},
        ["```bash\ntouch $'\\xe9'; printf '\\xe9\\0'; ls\n```", "```bash\nls \0\n```", "submit \0\ud83d"],
    ),
}


class _Model:
    """Says what it was given, over and over, and looks whether a server could be asked."""

    name = "own/odd"
    repeatable = True

    def __init__(self, replies: list[str]) -> None:
        self._replies = replies
        self._asked = 0

    async def complete(self, request: Request) -> Reply:
        json.dumps(request.model_dump(mode="json"), ensure_ascii=False).encode()
        self._asked += 1
        return Reply(text=self._replies[(self._asked - 1) % len(self._replies)], model=self.name)

    async def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("kind", sorted(_DEEDS))
def test_whatever_characters_there_are_the_episode_is_scored(kind: str, tmp_path: Path) -> None:
    environment, replies = _DEEDS[kind]
    task = loopwright.Task.model_validate(
        {
            "name": kind,
            "goal": "do it",
            "environment": environment,
            "agents": {"proposer": "proposer" if kind == "python" else "actor"},
            "loop": {
                "strategy": "refine" if kind == "python" else "react",
                "max_iterations": len(replies),
                "repetition": None,
            },
            "sandbox": {"provider": "bubblewrap"},
        }
    )
    results = loopwright.run(task, model=_Model(replies), out=tmp_path / "run")
    (episode,) = results.episodes
    assert episode.scored, episode.outcome
    for line in (tmp_path / "run" / "events.jsonl").read_bytes().splitlines():
        json.dumps(json.loads(line), ensure_ascii=False).encode()
    assert list(read_run(tmp_path / "run").events)
    for page in (render_html(tmp_path / "run"), render_csv(summarize_run(tmp_path / "run"))):
        page.encode()
