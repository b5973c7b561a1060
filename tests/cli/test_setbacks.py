"""A failure that is tried again is told when it comes up, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Invoke

TASK = """\
version: 1
name: hello
goal: Say hello.
environment: {name: python, tests: "from solution import x\\ndef test_x(): assert x == 1"}
model: away:model
"""
MODEL = '''\
from loopwright import Reply
from loopwright.errors import ModelUnavailable


class Away:
    """Is away for two calls."""

    name = "away:model"
    repeatable = True
    calls = 0

    async def complete(self, request):
        self.calls += 1
        if self.calls < 3:
            raise ModelUnavailable("away at http://127.0.0.1:9: connection refused", remedy="Start it.")
        return Reply(text="```python\\nx = 1\\n```", model=self.name)

    async def close(self):
        pass


model = Away()
'''


def test_a_server_that_is_away_is_told_at_once_and_once(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.yaml").write_text(TASK)
    (tmp_path / "away.py").write_text(MODEL)
    result = invoke("run", "t.yaml")
    assert result.exit_code == 0, result.stderr
    assert result.stderr.count("connection refused; it is tried again") == 1
