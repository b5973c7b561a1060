"""Files that belong to somebody else, and disks that are full, end in a message, never in a traceback."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke, WriteTask, with_path

_DROP = 24  # PR_CAPBSET_DROP
_OVERRIDES = (1, 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


def _as_anybody() -> None:
    """Takes from root, under whom tests may run, the right to read and write what its mode forbids."""
    for capability in _OVERRIDES:
        ctypes.CDLL(None).prctl(_DROP, capability, 0, 0, 0)


def _told(project: Path, *words: str) -> tuple[int, str]:
    ended = subprocess.run(
        [sys.executable, "-m", "loopwright.cli", *words],
        cwd=project,
        env=with_path(),
        capture_output=True,
        text=True,
        preexec_fn=_as_anybody,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


@pytest.fixture
def closed(invoke: Invoke, project: Path, write_task: WriteTask) -> Path:
    """A project whose runs are `mine`, and `theirs`, into which only its owner may look."""
    task = write_task()
    for name in ("mine", "theirs"):
        assert invoke("run", task.name, "--model", "scripted/right.yaml", "--out", f"runs/{name}").exit_code == 0
    (project / "runs" / "theirs").chmod(0)
    return project


@pytest.mark.parametrize(
    "words",
    [
        "show runs/theirs",
        "report runs/theirs",
        "resume runs/theirs",
        "regrade runs/theirs --out runs/new",
        "export runs/theirs --format atif --out x",
        "compare runs/theirs runs/mine",
        "ctl runs/theirs pause",
    ],
)
def test_a_run_of_somebody_else_is_named(closed: Path, words: str) -> None:
    code, told = _told(closed, *words.split())
    assert (code, "Traceback" in told) == (2, False), told
    assert "theirs/run.json cannot be used: Permission denied" in told


def test_a_run_of_somebody_else_hides_no_other(closed: Path) -> None:
    assert _told(closed, "show", "mine")[0] == 0
    code, told = _told(closed, "show")
    assert (code, "runs/mine" in told) == (0, True), told


@pytest.mark.parametrize("folder", ["agents", "prompts"])
@pytest.mark.parametrize("words", ["validate say.yaml", "run say.yaml --model scripted/right.yaml"])
def test_a_card_that_may_not_be_read_is_named(closed: Path, folder: str, words: str) -> None:
    (closed / folder).chmod(0)
    code, told = _told(closed, *words.split())
    assert (code, "Traceback" in told) == (2, False), told
    assert f"{folder}/sayer" in told
    assert "Permission denied" in told


def test_a_place_that_may_not_be_written_is_named(closed: Path) -> None:
    (closed / "full").mkdir(mode=0o555)
    code, told = _told(closed, "export", "runs/mine", "--format", "atif", "--out", "full/x")
    assert (code, "Traceback" in told) == (2, False), told
    assert "full/" in told
    assert "Permission denied" in told
    assert "See who may" in told


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk")
def test_a_folder_for_which_there_is_no_room_is_no_wrong_name(invoke: Invoke, closed: Path) -> None:
    (closed / "disk").mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "nr_inodes=1", "tmpfs", str(closed / "disk")]
    if subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not allow mounts")
    try:
        for place in ("disk/x", "disk/x/y"):
            ended = invoke("export", "runs/mine", "--format", "atif", "--out", place)
            assert (ended.exit_code, "Make room" in ended.stderr) == (3, True), ended.output
    finally:
        subprocess.run(["umount", str(closed / "disk")], check=True)


@pytest.mark.parametrize("place", ["right.yaml/x", "/proc/x", "/proc/x/y"])
def test_a_place_where_no_folder_can_be_is_named(invoke: Invoke, closed: Path, place: str) -> None:
    (closed / "samples.jsonl").write_text('{"input": "How many?", "target": "2"}\n')
    for words in ("export runs/mine --format atif", "import inspect samples.jsonl"):
        ended = invoke(*words.split(), "--out", place)
        assert (ended.exit_code, "Traceback" in ended.output) == (2, False), ended.output
        assert f"{place} cannot be made" in ended.stderr


@pytest.mark.parametrize("words", ["show runs/mine", "show runs/mine --json", "schema", "report runs/mine"])
def test_output_to_a_full_disk_ends_in_a_message(closed: Path, words: str) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "loopwright.cli", *words.split()],
            cwd=closed,
            env=with_path(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (ended.returncode, "Traceback" in ended.stderr) == (3, False), ended.stderr
    assert "No space left on device" in ended.stderr
