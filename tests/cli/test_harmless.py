"""Whatever ids, names and errors hold, no verb writes what acts on a terminal, and no line is forged."""

from __future__ import annotations

import json
import os
import pty
import re
from pathlib import Path

import pytest

from tests import forked
from tests.cli.conftest import Invoke, WriteTask, with_path

_ID = "a\x1b]0;title\x07\x1b[2J\x9b31m\u202egnp\u2066\x85\nforged: passed\rgone"
_ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@pytest.fixture
def hostile(invoke: Invoke, write_task: WriteTask, project: Path) -> Path:
    """A run whose task has an odd id, and whose environment fails with odd words."""
    rows = [{"id": _ID}, {"id": f"{_ID} lost"}]
    (project / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (project / "right.yaml").write_text('- "yes"\n- "lost"\n')
    echo = project / "echo_environment.py"
    echo.write_text(echo.read_text().replace('"the sandbox is gone"', repr(f"gone {_ID}")))
    return write_task(more="data: {file: d.jsonl}\n")


def test_no_verb_writes_what_acts_on_a_terminal(invoke: Invoke, hostile: Path, project: Path) -> None:
    ran = invoke("run", hostile, "--model", "scripted/right.yaml", "--out", "runs/r", "--concurrency", 1)
    assert "not scored" in ran.stderr
    (project / "broken.yaml").write_text(f"version: 1\nname: {json.dumps(_ID)}\ngoal: g\nenvironment: {{name: text}}\n")
    verbs: list[list[str | Path]] = [
        ["show", "runs/r"], ["show", "runs/r", "say"], ["report", "runs/r"], ["compare", "runs/r", "runs/r"],
        ["gate", "runs/r", "runs/r"], ["validate", hostile], ["validate", "broken.yaml"], ["resume", "runs/r"],
        ["fork", "runs/r", "--at", "say:refine:0:1"], ["explain", hostile], ["run", "broken.yaml"],
    ]  # fmt: skip
    told = [ran]
    for words in verbs:
        told += [invoke(*words), invoke(*words, "--json")]
    for result in told:
        assert _ACTING.search(result.output.replace("\r\n", "\n")) is None, ascii(result.output)
    assert json.loads(invoke("show", "runs/r", "--json").stdout)
    assert not any(line.startswith("forged") for line in ran.stderr.splitlines())


@pytest.mark.parametrize(
    "words",
    [
        [_ID], [f"--{_ID}"], ["show", f"--{_ID}"], ["show", "a", "b", _ID], ["run", "x.yaml", "--repeats", _ID],
        ["run", _ID], ["drift", _ID], ["bench", "run", "intercode-bash", "--scoring", _ID],
        ["bench", "list", f"-{_ID}"],
        ["run", "x.yaml", "--model", _ID], ["data", "fetch", _ID], ["env", "build", _ID], ["resume", "--project", _ID],
        ["report", "--out", _ID, _ID],
    ],
)  # fmt: skip
def test_what_was_typed_wrongly_is_told_harmlessly(invoke: Invoke, project: Path, words: list[str]) -> None:
    result = invoke(*words)
    assert result.exit_code in {2, 3}
    assert _ACTING.search(result.output) is None, ascii(result.output)
    assert not any(line.startswith("forged") for line in result.stderr.splitlines()), result.stderr


def test_the_moving_display_is_harmless(hostile: Path, project: Path) -> None:
    outer, inner = pty.openpty()
    command = ["-m", "loopwright.cli", "run", str(hostile), "--model", "scripted/right.yaml"]
    done = forked.start(command, folder=project, environment=with_path(), streams=Path(os.ttyname(inner)))
    os.close(inner)
    seen = b""
    try:
        while part := os.read(outer, 65536):
            seen += part
    except OSError:  # the other end is closed
        pass
    finally:
        done.join(120)
        os.close(outer)
    text = seen.decode()
    for raw in ("\x1b]0;title", "\x1b[2J", "\x9b", "\u202e", "\u2066", "\x85"):
        assert raw not in text
