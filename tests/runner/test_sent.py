"""A run that somebody sent names code: it is imported only where somebody asked for it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import loopwright
from loopwright.errors import UserError
from loopwright.plugins import import_nothing_for

_CODE = """\
from pathlib import Path

Path("CODE_RAN").touch()


class V:
    async def verify(self, candidate, instance):
        from loopwright.verify import Verdict

        return Verdict(summary="seen")
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A finished run without code of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "replies.yaml").write_text(json.dumps(["```python\ndef f():\n    return 1\n```"] * 3))
    (tmp_path / "payload_of_tests.py").write_text(_CODE)
    (tmp_path / "task.yaml").write_text(
        "version: 1\nname: t\ngoal: write f\nmodel: scripted/replies.yaml\n"
        "environment: {name: python, tests: 'def test_f(): from solution import f; assert f() == 1'}\n"
        "agents: {critic: rules}\nsandbox: {provider: bubblewrap}\n"
    )
    loopwright.run(["task.yaml"], out="run")
    yield tmp_path / "run"
    import_nothing_for(None)


def _change(run: Path, **config: Any) -> None:
    told = json.loads((run / "run.json").read_text())
    told["config"] |= config
    for task in told["config"]["tasks"]:
        task.setdefault("agents", {})["verifier"] = "payload_of_tests:V"
    (run / "run.json").write_text(json.dumps(told))
    first = (run / "events.jsonl").read_bytes().splitlines(keepends=True)[0]
    (run / "events.jsonl").write_bytes(first)


def test_code_that_a_changed_manifest_names_is_not_imported(run: Path) -> None:
    _change(run)
    with pytest.raises(UserError, match="payload_of_tests:V, which would be imported from") as caught:
        loopwright.resume(run)
    assert "--project" in caught.value.remedy
    assert not Path("CODE_RAN").exists()


def test_code_in_the_run_folder_is_not_imported(run: Path) -> None:
    shutil.copy("payload_of_tests.py", run)
    _change(run, project="run")
    with pytest.raises(UserError, match="would be imported from"):
        loopwright.resume(run)
    assert not Path("CODE_RAN").exists()


def test_code_is_imported_from_the_folder_that_was_asked_for(run: Path, tmp_path: Path) -> None:
    _change(run)
    loopwright.resume(run, project=tmp_path, changed=True)
    assert Path("CODE_RAN").exists()


def test_a_run_that_was_sent_and_names_no_code_goes_on(run: Path) -> None:
    told = json.loads((run / "run.json").read_text())
    assert told.pop("origin")
    (run / "run.json").write_text(json.dumps(told))
    assert loopwright.resume(run).pass_rate == 1
