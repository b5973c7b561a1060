"""Terminals: narrow, coloured or not, none; and what shells ask for completion."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests import forked
from tests.cli.conftest import Invoke, WriteTask, with_path

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_INTERVAL = re.compile(r"\[[+-]\d\.\d\d, [+-]\d\.\d\d\]")
_COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-7][0-9;]*m")


def _in_terminal(*args: str, columns: int, **environment: str) -> tuple[int, str]:
    """Runs the command line in a terminal of its own; its exit code and all that it drew."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    unset = {key: value for key, value in with_path().items() if key not in ("COLUMNS", "NO_COLOR", "CI")}
    process = forked.start(
        ["-m", "loopwright.cli", *args],
        folder=Path.cwd(),
        environment={**unset, "TERM": "xterm-256color", **environment},
        streams=Path(os.ttyname(theirs)),
    )
    os.close(theirs)
    drawn = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        drawn += chunk
    os.close(ours)
    process.join(60)
    assert process.exitcode is not None
    return process.exitcode, drawn.decode()


@pytest.mark.slow
@pytest.mark.parametrize("columns", [40, 120])
def test_a_terminal_shows_progress_and_the_summary(write_task: WriteTask, columns: int) -> None:
    task = write_task()
    task.write_text(task.read_text().replace('want: "yes"\n  hidden', 'want: "yes"\n  slow: 0.6\n  hidden'))
    code, drawn = _in_terminal("run", "say.yaml", "--model", "scripted/right.yaml", "--out", "out", columns=columns)
    assert code == 0, drawn
    text = _ESCAPE.sub("", drawn)
    assert "say:refine:0: iteration 1" in text
    assert "0/1 episodes, 0 passed" in text
    assert "pass rate" in text
    moving = [line for line in text.splitlines() if "iteration" in line and "say:refine:0:" in line]
    assert max(len(line.rstrip()) for line in moving) <= columns


@pytest.mark.slow
def test_a_table_fits_a_narrow_terminal(invoke: Invoke, write_task: WriteTask) -> None:
    write_task()
    assert invoke("run", "say.yaml", "--model", "scripted/right.yaml", "--out", "out").exit_code == 0
    _, drawn = _in_terminal("show", "out", columns=40)
    lines = [line.rstrip() for line in _ESCAPE.sub("", drawn).splitlines()]
    assert "episode: say:refine:0" in lines
    assert max(len(line) for line in lines if "loopwright show" not in line) <= 40


@pytest.fixture
def long_names(invoke: Invoke, write_task: WriteTask) -> Path:
    """A run of two variants whose episodes have names of nearly fifty characters."""
    write_task("spreadsheet-balances", more="data:\n  - id: opening-balance-of-march\n  - id: closing\n")
    folder = Path("runs/20260101-000000-aaaa")
    flags = ("--strategy", "best_of_n,refine", "--calls", 2, "--out", folder)
    Path("all.yaml").write_text('- "yes"\n' * 8)
    assert invoke("run", "spreadsheet-balances.yaml", "--model", "scripted/all.yaml", *flags).exit_code == 0
    return folder


def _lines(*args: str, columns: int) -> list[str]:
    code, drawn = _in_terminal(*args, columns=columns)
    assert code == 0, drawn
    return [line.rstrip() for line in _ESCAPE.sub("", drawn).splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("columns", [80, 40])
def test_names_stay_whole_and_tables_fit(long_names: Path, columns: int) -> None:
    names = [
        f"spreadsheet-balances.{instance}:{variant}:0"
        for instance in ("opening-balance-of-march", "closing")
        for variant in ("best_of_n", "refine")
    ]
    lines = _lines("show", columns=columns)
    for name in names:
        line = next(line for line in lines if name in line)
        assert line.removeprefix("episode: ").startswith(name)
        assert columns < 60 or " passed " in line, "the result stands beside the name"
    tables = [line for line in lines if not any(name in line for name in names)]
    assert max(map(len, tables)) <= columns
    for variant in ("best_of_n", "refine"):
        assert any(line.split()[:1] == [variant] for line in lines), "the summary keeps its variants"
    assert any("[0.34, 1.00]" in line for line in lines)
    assert columns < 60 or any(line.startswith("no room for: ") and "tokens" in line for line in lines)


@pytest.mark.slow
@pytest.mark.parametrize("columns", [80, 40])
def test_a_comparison_keeps_names_and_intervals_whole(long_names: Path, columns: int) -> None:
    long_names.rename("runs/20260102-000000-bbbb-with-a-long-name")
    lines = _lines("compare", "2026", columns=columns)
    table = lines[: lines.index("")]
    assert max(map(len, table)) <= columns
    assert sum(len(_INTERVAL.findall(line)) for line in table) == 1
    assert any("best_of_n" in line.split() for line in lines)
    assert any("refine" in line.split() for line in lines)
    lines = _lines("compare", "2026", "2026", columns=columns)
    assert sum("20260102-000000-bbbb-with-a-long-name refine" in line for line in lines) >= 2
    assert sum(len(_INTERVAL.findall(line)) for line in lines) == 2


@pytest.mark.slow
@pytest.mark.parametrize("columns", [80, 40])
def test_a_run_ends_with_its_variants(write_task: WriteTask, columns: int) -> None:
    write_task()
    Path("all.yaml").write_text('- "yes"\n' * 4)
    lines = _lines(
        *("run", "say.yaml", "--model", "scripted/all.yaml", "--strategy", "best_of_n,refine", "--calls", "2"),
        columns=columns,
    )
    for variant in ("best_of_n", "refine"):
        assert any(line.split()[:1] == [variant] for line in lines)


@pytest.mark.slow
def test_no_color_means_no_colour(project: Path) -> None:
    code, coloured = _in_terminal("show", "nowhere", columns=80)
    _, plain = _in_terminal("show", "nowhere", columns=80, NO_COLOR="1")
    assert code == 2
    assert _COLOUR.search(coloured)
    assert not _COLOUR.search(plain)


@pytest.mark.slow
def test_no_terminal_means_plain_lines(write_task: WriteTask) -> None:
    write_task()
    done = subprocess.run(
        [sys.executable, "-m", "loopwright.cli", "run", "say.yaml", "--model", "scripted/right.yaml"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, env=with_path(), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert done.stderr.splitlines()[-1].startswith("[1/1] say:refine:0: passed")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("loopwright re", {"regrade", "report", "resume"}),
        ("loopwright models pu", {"pull"}),
        ("loopwright show 2026", {"20260101-000000-aaaa", "20260202-000000-bbbb"}),
        ("loopwright run --stra", {"--strategy"}),
    ],
)
def test_shells_complete_verbs_options_and_runs(project: Path, words: str, expected: set[str]) -> None:
    for name in ("20260101-000000-aaaa", "20260202-000000-bbbb", "other"):
        (project / "runs" / name).mkdir(parents=True)
        (project / "runs" / name / "run.json").write_text("{}")
    environment = {
        **with_path(),
        "_LOOPWRIGHT_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-m", "loopwright.cli"], capture_output=True, text=True, env=environment, check=False
    )
    assert {line.partition(",")[2] for line in done.stdout.splitlines()} == expected


@pytest.mark.parametrize("name", ["a b", "ünï 🙂", "a/b:c", "-x", "[red]x[/red]"])
def test_names_of_instances_and_folders_may_hold_anything(
    invoke: Invoke, write_task: WriteTask, project: Path, name: str
) -> None:
    write_task(more=f"data:\n  - id: '{name}'\n")
    folder = project / name.replace("/", "_")
    assert invoke("run", "say.yaml", "--model", "scripted/right.yaml", "--out", folder).exit_code == 0
    assert f"say.{name}:refine:0" in invoke("show", folder).stdout
    assert "passed: answer of iteration 1" in invoke("show", folder, f"say.{name}:refine:0").stdout
    assert invoke("report", folder).exit_code == 0
