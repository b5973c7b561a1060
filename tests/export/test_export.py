"""What holds for every format."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pydantic_core
import pytest

from loopwright.errors import MissingContent, StoreError, UserError
from loopwright.export import FORMATS, ExportOptions, RunSource, export
from tests.report.builder import RunBuilder, Turn
from tests.report.samples import hostile, study


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("sample", [study, hostile])
def test_a_run_gives_the_same_files_each_time(tmp_path: Path, name: str, sample: Any) -> None:
    run = sample(tmp_path / "run")
    one, other = (export(run, name, tmp_path / folder) for folder in ("one", "other"))
    assert one.entries == other.entries
    assert [path.name for path in one.files] == [path.name for path in other.files]
    # Inspect gives each event an identifier of its own.
    if name != "inspect":
        assert [path.read_bytes() for path in one.files] == [path.read_bytes() for path in other.files]


@pytest.mark.parametrize("name", FORMATS)
def test_an_interrupted_run_can_be_exported(tmp_path: Path, name: str) -> None:
    run = RunBuilder(tmp_path / "run", episodes=2)
    run.episode([Turn(0.5, hidden=0.5), Turn(1, hidden=1.0, reply="other")], instance="1")
    run.episode([Turn(0.5)], instance="2", finish=False)
    assert export(run.close(None), name, tmp_path / "out").entries >= (
        name not in ("picture-preferences", "swebench", "turns")
    )


@pytest.mark.parametrize("name", FORMATS)
def test_what_a_live_run_adds_meanwhile_is_left_for_the_next_export(tmp_path: Path, name: str) -> None:
    run = RunBuilder(tmp_path / "run", episodes=3)
    turns = [Turn(0.5, hidden=0.5), Turn(1, hidden=1.0, reply="other")]
    run.episode(turns, instance="1")
    run.episode(turns[:1], instance="2", finish=False)
    source = RunSource.open(tmp_path / "run")
    run.episode(turns, instance="3")
    run.close()
    (tmp_path / "out").mkdir()
    FORMATS[name].write(source, tmp_path / "out", ExportOptions())
    assert [episode.started.instance for episode in source.episodes if episode.started] == ["1", "2"]


@pytest.mark.parametrize("name", ["atif", "inspect"])
def test_a_failed_verifier_does_not_quote_what_is_hidden(tmp_path: Path, name: str) -> None:
    run = RunBuilder(tmp_path / "run")
    failed = {
        "cause": "verifier",
        "error": "VerifierError",
        "message": "assert total([7]) == hidden_total cannot be compiled",
    }
    run.episode([Turn(0.5)], failed=failed)
    written = export(run.close(), name, tmp_path / "out")
    for path in written.files:
        names = zipfile.ZipFile(path).namelist() if name == "inspect" else []
        texts = [zipfile.ZipFile(path).read(one) for one in names] or [path.read_bytes()]
        assert any(b"VerifierError" in text for text in texts)
        assert not any(b"hidden_total" in text for text in texts)


def test_a_format_that_writes_elsewhere_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stray_format.py").write_text(
        "from loopwright.export import ExportResult\n\n"
        "class Stray:\n"
        "    about = 'Writes beside the folder.'\n\n"
        "    def write(self, run, output, options):\n"
        "        return ExportResult((output.parent / 'x',), 1)\n\n"
        "FORMAT = Stray()\n"
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="outside of the folder"):
        export(study(tmp_path / "run"), "stray_format:FORMAT", tmp_path / "out")


def test_a_folder_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    run, out = study(tmp_path / "run"), tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="is taken"):
        export(run, "chat", out)
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert export(study(tmp_path / "run"), "chat", tmp_path / "out").files[0].parent == tmp_path / "out"


def test_an_export_that_fails_leaves_nothing(tmp_path: Path) -> None:
    run = study(tmp_path / "run")
    lines = (run / "events.jsonl").read_bytes().splitlines(keepends=True)
    lines[len(lines) // 2] = b"{}\n"
    (run / "events.jsonl").write_bytes(b"".join(lines))
    with pytest.raises(StoreError):
        export(run, "chat", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_an_unknown_format_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(MissingContent, match="nothing named 'atiff'") as told:
        export(study(tmp_path / "run"), "atiff", tmp_path / "out")
    assert "atif, chat" in str(told.value.remedy)


@pytest.mark.parametrize("name", ["atif", "inspect"])
def test_only_rows_have_a_share_and_a_licence(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="no data set of rows"):
        export(study(tmp_path / "run"), name, tmp_path / "out", options=ExportOptions(license="mit"))


def test_a_share_is_below_one() -> None:
    with pytest.raises(UserError, match="share for tests is 1"):
        ExportOptions(test_share=1)


def test_a_format_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lines_of_mine.py").write_text(
        "from loopwright.export import ExportResult\n\n"
        "class Names:\n"
        "    about = 'Names of episodes.'\n\n"
        "    def write(self, run, output, options):\n"
        "        names = [episode.id for episode in run.scored]\n"
        "        (output / 'names.txt').write_text('\\n'.join(names))\n"
        "        return ExportResult((output / 'names.txt',), len(names))\n\n"
        "FORMAT = Names()\n"
    )
    monkeypatch.chdir(tmp_path)
    written = export(study(tmp_path / "run"), "lines_of_mine:FORMAT", tmp_path / "out")
    assert len((tmp_path / "out" / "names.txt").read_text().splitlines()) == written.entries > 0


@pytest.mark.parametrize("name", ["atif", "rewards"])
def test_of_an_episode_that_was_begun_anew_the_last_attempt_counts(tmp_path: Path, name: str) -> None:
    run = RunBuilder(tmp_path / "run")
    for reply in ("old words", "new words"):
        run.episode([Turn(1, hidden=1.0, reply=reply)])
    written = export(run.close(), name, tmp_path / "out")
    text = written.files[0].read_text("utf-8")
    assert (written.entries, "old words" in text, "new words" in text) == (1, False, True)


@pytest.mark.parametrize("name", FORMATS)
def test_a_manifest_that_somebody_wrote_breaks_nothing(tmp_path: Path, name: str) -> None:
    run = RunBuilder(tmp_path / "run", run="a\n<script>\x1b]0;owned\x07")
    run.episode([Turn(0.5, hidden=0.5), Turn(1, hidden=1.0, reply="other")])
    run.close()
    manifest = json.loads((tmp_path / "run" / "run.json").read_text())
    changed = {**manifest, "created": "<b>x", "loopwright": "<img src=x onerror=y>"}
    (tmp_path / "run" / "run.json").write_text(json.dumps(changed))
    written = export(tmp_path / "run", name, tmp_path / "out")
    cards = [path.read_text("utf-8") for path in written.files if path.name == "README.md"]
    assert not any(part in card for card in cards for part in ("<script>", "<img", "<b>", "\x1b"))


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "inspect"])
def test_strict_readers_of_json_take_half_characters(tmp_path: Path, name: str) -> None:
    written = export(hostile(tmp_path / "run"), name, tmp_path / "out")
    for path in (path for path in written.files if path.suffix in (".json", ".jsonl")):
        data = path.read_bytes()
        for part in [data] if path.suffix == ".json" else data.splitlines():
            pydantic_core.from_json(part)
