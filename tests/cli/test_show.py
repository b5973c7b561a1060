from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from loopwright.cli.render._episode import shown_verdict
from loopwright.verify import Check, Verdict
from tests.cli.conftest import Invoke, WriteTask
from tests.geo import test_geo_task as geo
from tests.report import samples
from tests.report.builder import RunBuilder, Turn


@pytest.fixture
def run(invoke: Invoke, write_task: WriteTask) -> Path:
    write_task()
    folder = Path("runs/20260101-000000-aaaa")
    assert invoke("run", "say.yaml", "--model", "scripted/right.yaml", "--out", folder).exit_code == 0
    return folder


@pytest.mark.parametrize("name", [(), ("runs/20260101-000000-aaaa",), ("20260101-000000-aaaa",), ("2026",)])
def test_a_run_is_found_by_path_id_beginning_or_as_the_latest(invoke: Invoke, run: Path, name: tuple[str, ...]) -> None:
    result = invoke("show", *name)
    assert result.exit_code == 0
    assert "say:refine:0   passed    1.00            2   all_passed" in result.stdout


def test_the_latest_run_is_the_newest_and_not_the_last_by_name(
    invoke: Invoke, run: Path, write_task: WriteTask
) -> None:
    write_task("other")
    assert invoke("run", "other.yaml", "--model", "scripted/wrong.yaml", "--out", "runs/0-later").exit_code == 0
    Path("runs/zzz").mkdir()
    Path("runs/zzz/run.json").write_text("{}")
    assert "other:refine:0   missed" in invoke("show").stdout
    assert invoke("report").stdout == "wrote runs/0-later/report.html\n"
    assert json.loads(invoke("resume", "--json").stdout)["folder"] == "runs/0-later"
    assert "There are: zzz, 20260101-000000-aaaa, 0-later." in invoke("show", "nowhere").stderr


def test_an_ambiguous_beginning_is_told(invoke: Invoke, run: Path, write_task: WriteTask) -> None:
    invoke("run", "say.yaml", "--model", "scripted/right.yaml", "--out", "runs/20260101-000000-bbbb")
    result = invoke("show", "2026")
    assert result.exit_code == 2
    assert "20260101-000000-aaaa, 20260101-000000-bbbb" in result.stderr


@pytest.mark.parametrize("name", ["agents", "nowhere", ""])
def test_what_is_no_run_is_told(invoke: Invoke, project: Path, name: str) -> None:
    result = invoke("show", *([name] if name else []))
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    assert "run" in result.stderr


def test_an_episode_shows_every_iteration(invoke: Invoke, run: Path) -> None:
    page = invoke("show", run, "say").stdout
    first, second = page.partition("--- iteration 1, from 0 ---")[::2]
    assert "--- iteration 0, afresh ---\n[candidate]\n  no\n[observation]\n  ran no\n[verdict]\n  score 0.00" in first
    assert "[critique]\n  1 of 1 checks fail.\n  - word: got 'no'" in first
    assert "[decision]\n  continue from iteration 0, by progress" in first
    assert "[hidden checks]\n  score 1.00" in second
    assert "passed: answer of iteration 1, score 1.00, stopped by all_passed" in second


def test_an_episode_tells_each_call_in_a_line(invoke: Invoke, run: Path) -> None:
    page = invoke("show", run, "say").stdout
    (first, second) = re.findall(r"\[calls\]\n  proposer asks scripted/right.yaml, (\d+) in, (\d+) out", page)
    assert "user:" not in page, "prompts are long"
    assert first != ("0", "0")
    assert second != ("0", "0")


def test_the_transcript_of_an_episode_has_prompts_and_replies(invoke: Invoke, write_task: WriteTask) -> None:
    write_task()
    critique = "{{ view.current.critique if view.current else '' }}"
    Path("prompts/sayer.md").write_text(f"You say words.\n--- user ---\n1\n2\n3\n4\n{{{{ view.goal }}}}\n{critique}\n")
    invoke("run", "say.yaml", "--model", "scripted/right.yaml", "--out", "out")
    first, second = invoke("show", "out", "say", "--transcript").stdout.partition("--- iteration 1, from 0 ---")[::2]
    assert "  system:\n    You say words.\n  user:\n    1\n    2\n    3\n    4\n    Say yes.\n" in first
    assert "    Say yes.\n  reply:\n    no\n[candidate]" in first
    asked = (
        "  system:\n    (as in the call before)\n  user:\n    (5 lines as in the call before)\n"
        "    1 of 1 checks fail.\n    - word: got 'no'\n  reply:\n    yes\n[candidate]"
    )
    assert asked in second


def test_the_reply_without_a_candidate_is_shown(invoke: Invoke, write_task: WriteTask) -> None:
    write_task()
    Path("silent.yaml").write_text('- "<think>hm</think>"\n- "yes"\n')
    assert invoke("run", "say.yaml", "--model", "scripted/silent.yaml", "--out", "out").exit_code == 0
    page = invoke("show", "out", "say", "--transcript").stdout
    assert "  reasoning:\n    hm\n[candidate]\n  none: the model answered nothing" in page


def test_an_instance_shows_what_each_variant_answered(invoke: Invoke, write_task: WriteTask) -> None:
    write_task()
    Path("once.yaml").write_text('- "no"\n- "no"\n- "yes"\n')
    args = ("--model", "scripted/once.yaml", "--strategy", "single,refine", "--concurrency", "1", "--out", "out")
    invoke("run", "say.yaml", *args)
    result = invoke("show", "out", "--instance", "say")
    assert result.exit_code == 0, result.stderr
    single, refine = result.stdout.partition("--- refine ---")[::2]
    assert "--- single ---\nmissed: answer of iteration 0, score 0.00" in single
    assert "[candidate]\n  no\n" in single
    assert "[reply]\n  no" in single
    assert "--- refine ---" in result.stdout
    assert "passed: answer of iteration 1" in refine
    assert "[candidate]\n  yes\n" in refine
    told = json.loads(invoke("show", "out", "--instance", "say", "--json").stdout)
    assert [(one["variant"], one["candidate"]["text"], one["calls"][0]["reply"]["text"]) for one in told] == [
        ("single", "no", "no"),
        ("refine", "yes", "yes"),
    ]


def test_an_unknown_instance_and_two_ways_at_once_are_told(invoke: Invoke, run: Path) -> None:
    result = invoke("show", run, "--instance", "sya")
    assert result.exit_code == 2
    assert "Name one of these: say" in result.stderr
    assert invoke("show", run, "say", "--instance", "say").exit_code == 2
    assert "--transcript needs an episode" in invoke("show", run, "--transcript").stderr


def test_an_unknown_episode_names_near_ones(invoke: Invoke, run: Path) -> None:
    result = invoke("show", run, "sya:refine:0")
    assert result.exit_code == 2
    assert "say:refine:0" in result.stderr


def test_json_has_the_events(invoke: Invoke, run: Path) -> None:
    told = json.loads(invoke("show", run, "say:refine:0", "--json").stdout)
    assert told["events"][0]["data"]["type"] == "episode_started"
    assert json.loads(invoke("show", run, "--json").stdout)["episodes"][0]["passed"] is True


def test_words_of_a_model_cannot_act_on_the_terminal(invoke: Invoke, write_task: WriteTask) -> None:
    write_task()
    Path("evil.yaml").write_text('- "\\e[2Jwiped\\u202e"\n- "yes"\n')
    invoke("run", "say.yaml", "--model", "scripted/evil.yaml", "--out", "out")
    page = invoke("show", "out", "say").stdout
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "\\x1b[2Jwiped" in page


def test_a_narrow_terminal_gets_blocks(invoke: Invoke, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    page = invoke("show", run).stdout
    assert "episode: say:refine:0\nresult: passed\n" in page
    assert max(len(line) for line in page.splitlines() if "loopwright show" not in line) <= 40


def _foreign(folder: Path) -> None:
    (folder / "run.json").write_text('{"name": "not a manifest"}')


def _not_json(folder: Path) -> None:
    (folder / "run.json").write_bytes(b"\xff\x00")


def _newer(folder: Path) -> None:
    events = folder / "events.jsonl"
    events.write_text(re.sub(r'"v": ?\d+\b', '"v":99', events.read_text()))


def _damaged(folder: Path) -> None:
    events = folder / "events.jsonl"
    lines = events.read_text().splitlines(keepends=True)
    events.write_text("".join([lines[0], "garbage\n", *lines[1:]]))


def _without_events(folder: Path) -> None:
    (folder / "events.jsonl").unlink()


@pytest.mark.parametrize("spoil", [_foreign, _not_json, _newer, _damaged, _without_events])
@pytest.mark.parametrize("verb", ["show", "report", "resume", "compare"])
def test_a_record_that_cannot_be_read_is_told(
    invoke: Invoke, run: Path, verb: str, spoil: Callable[[Path], None]
) -> None:
    spoil(run)
    result = invoke(verb, run)
    assert result.exit_code == 3
    assert result.stderr.startswith("error: ")
    assert "Traceback" not in result.stderr
    assert len(result.stderr.splitlines()) >= 2, "a remedy follows"


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9])
def test_a_half_written_run_is_shown_as_far_as_it_goes(invoke: Invoke, run: Path, kept: float) -> None:
    events = run / "events.jsonl"
    content = events.read_bytes()
    events.write_bytes(content[: int(len(content) * kept)])
    result = invoke("show", run)
    assert result.exit_code == 0, result.stderr
    assert "not finished" in result.stdout
    assert "$0" not in result.stdout, "nobody knows what it cost"
    assert json.loads(invoke("show", run, "--json").stdout)["variants"][0]["cost_usd"] is None
    assert invoke("report", run).exit_code == 0


@pytest.fixture
def painted(project: Path) -> Path:
    return samples.pictures(Path("runs/painted"))


def test_an_episode_names_the_files_of_its_pictures(invoke: Invoke, painted: Path) -> None:
    told = invoke("show", "painted", "cubes.cube-000:streams:0").stdout
    places = [Path(place) for place in re.findall(r"picture: artifact (.+)", told)]
    assert [place.read_bytes() for place in places] == [samples.picture(n) for n in range(6)]


def test_an_episode_of_pictures_ends_with_a_table_of_its_atoms(invoke: Invoke, painted: Path) -> None:
    told = invoke("show", "painted", "cubes.cube-000:streams:0").stdout.partition("atoms by iteration")[2]
    assert re.search(r"cube +-\+-\+-\+ +1, 2, 3, 5 +4 +2400 +\$0.0040 +3.2 s\n", told)
    assert re.search(r"size +\.-\.\?\.\+\n", told)
    assert re.search(r"new pictures +0, 4 +2 +1200 +\$0.0020 +1.6 s\n", told)


def test_images_are_counted_where_a_run_has_some(invoke: Invoke, painted: Path, run: Path) -> None:
    told = invoke("show", "painted").stdout
    assert re.search(r"calls +images +tokens", told)
    assert json.loads(invoke("show", "painted", "--json").stdout)["variants"][0]["images"] == 12
    assert "images" not in invoke("show", run).stdout


def test_progress_counts_images(invoke: Invoke, project: Path) -> None:
    pixels = "{proposer: image_refiner, verifier: pixel_verifier}"
    (project / "star.yaml").write_text(
        f"version: 1\nname: star\ngoal: a red star\nenvironment: {{name: images}}\nagents: {pixels}\n"
        "image_models: {generator: painter/exact}\nloop: {strategy: best_of_n, max_iterations: 1}\n"
    )
    assert ", 0 calls, 1 image, 0 tokens, " in invoke("run", "star.yaml", "--out", "out").stderr


def test_pictures_are_saved_by_episode_and_iteration(invoke: Invoke, painted: Path) -> None:
    result = invoke("show", "painted", "cubes.cube-001:streams:0", "--save-images", "out")
    names = [f"cubes.cube-001-streams-0-{n}.png" for n in range(6)]
    assert sorted(path.name for path in Path("out").iterdir()) == sorted(
        [*names, "cubes.cube-001-streams-0-1-mask.png"]
    )
    assert (Path("out") / names[2]).read_bytes() == samples.picture(102)
    assert "wrote out/cubes.cube-001-streams-0-0.png" in result.stdout


def test_a_run_without_pictures_saves_none(invoke: Invoke, run: Path) -> None:
    result = invoke("show", run, "--save-images", "out")
    assert result.exit_code == 2
    assert "there is no picture in" in result.stderr
    assert not Path("out").exists()
    assert invoke("show", run, "--save-images", "out", "--instance", "say").exit_code == 2


def _made(turn: Turn) -> None:
    run = RunBuilder(Path("runs/made"))
    run.episode([turn])
    run.close()


def test_answers_are_saved_by_episode(invoke: Invoke, painted: Path) -> None:
    result = invoke("show", "painted", "--save-answers", "out")
    episodes = [f"cubes.cube-00{n}-streams-0" for n in range(2)]
    assert sorted(path.name for path in Path("out").iterdir()) == episodes
    assert (Path("out") / episodes[1] / "picture.png").read_bytes() == samples.picture(105)
    assert f"wrote out/{episodes[0]}/picture.png" in result.stdout
    both = invoke("show", "painted", "--save-answers", "out", "--save-images", "out")
    assert (both.exit_code, "one at a time" in both.stderr) == (2, True)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"id,value\na,1\nb,2\n", "made.csv"),
        (b"[[1, 2], [3, 4]]", "made.json"),
        (b"\x93NUMPY\x01\x00", "made.npy"),
        (b"\xff\x00", "made.bin"),
        (b"plain words\n", "made.txt"),
        (b'"a",b\n"c\n', "made.txt"),
    ],
)
def test_an_artifact_gets_the_ending_of_its_content(invoke: Invoke, project: Path, content: bytes, name: str) -> None:
    _made(Turn(1.0, artifacts={"made": content}))
    assert invoke("show", "made", "--save-answers", "out").exit_code == 0
    assert [path.read_bytes() for path in Path("out").rglob(name)] == [content]


def test_a_path_that_a_model_chose_stays_in_the_folder(invoke: Invoke, project: Path) -> None:
    files = {"../../out.py": "a = 1", "/etc/passwd": "b = 2", "pkg/mod.py": "c = 3"}
    _made(Turn(1.0, files=files))
    before = set(Path().rglob("*"))
    assert invoke("show", "made", "--save-answers", "kept/answers").exit_code == 0
    new = {path for path in Path().rglob("*") if path.is_file()} - before
    assert all(path.is_relative_to("kept/answers") for path in new)
    assert {path.read_text() for path in new} >= set(files.values())


def test_runs_that_are_not_named_are_counted(invoke: Invoke, run: Path) -> None:
    for number in range(4):
        Path(f"runs/more-{number}").mkdir()
        Path(f"runs/more-{number}/run.json").write_text("{}")
    assert "and 2 more. A path to a run folder works too." in invoke("show", "nowhere").stderr


def test_a_grade_by_the_loop_itself_is_no_hidden_check(invoke: Invoke, write_task: WriteTask) -> None:
    task = write_task()
    task.write_text(task.read_text().replace('  hidden:\n    want: "yes"\n', ""))
    assert invoke("run", "say.yaml", "--model", "scripted/right.yaml", "--out", "out").exit_code == 0
    page = invoke("show", "out", "say:refine:0").stdout
    assert "[grade]" in page
    assert "[hidden checks]" not in page


def test_many_calls_of_an_iteration_are_one_line(invoke: Invoke, tmp_path: Path) -> None:
    geo.run(tmp_path / "run", geo.task(), geo.Rater(fails=(3,)))
    page = invoke("show", tmp_path / "run", "places").stdout
    first = page.partition("--- iteration 1")[0]
    assert first.count(" asks ") == 1
    assert f"proposer asks test/rater {geo.N} times, {9 * (geo.N - 1)} in, {5 * (geo.N - 1)} out" in first
    assert "1 failed" in first


def test_the_diff_of_actions_in_a_repository_is_saved(invoke: Invoke, project: Path) -> None:
    run = RunBuilder(Path("runs/made"))
    check = Check(name="tests", score=1.0, data={"changes.diff": run.store.put(b"the diff")})
    run.episode([Turn(1.0, text="submit", judged=Verdict(checks=(check,)))])
    run.close()
    assert invoke("show", "made", "--save-answers", "out").exit_code == 0
    assert [path.read_bytes() for path in Path("out").rglob("changes.diff")] == [b"the diff"]


def test_a_verdict_without_checks_is_no_failure() -> None:
    assert shown_verdict(Verdict(), None) == "no checks"


@pytest.mark.parametrize("linked", ["kept/made-0", "kept/made-0/pkg", "kept/made-0/pkg/mod.py"])
def test_answers_are_not_written_through_a_link(invoke: Invoke, project: Path, linked: str) -> None:
    _made(Turn(1.0, files={"pkg/mod.py": "c = 3"}))
    assert invoke("show", "made", "--save-answers", "first").exit_code == 0
    [folder] = Path("first").iterdir()
    link = Path(linked.replace("made-0", folder.name))
    Path("mine").mkdir()
    Path("mine/file").write_text("precious")
    link.parent.mkdir(parents=True)
    link.symlink_to(Path("mine/file" if linked.endswith(".py") else "mine").absolute())
    invoke("show", "made", "--save-answers", "kept")
    assert [path.name for path in Path("mine").iterdir()] == ["file"]
    assert Path("mine/file").read_text() == "precious"
