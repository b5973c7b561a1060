"""A model that writes programs, by scripted replies."""

from __future__ import annotations

import json
from pathlib import Path

import loopwright
from loopwright.record import RunReader
from loopwright.store import read_run
from tests.discovery.test_search import TASK

EDIT = """Wider steps.
<<<<<<< SEARCH
STEP = 0.3  # tune: 0.01 to 1
=======
STEP = 1.0  # tune: 0.01 to 1
>>>>>>> REPLACE
"""
WHOLE = "The answer.\n```python\nimport json\njson.dump([1], open('construction.json', 'w'))\n```\n"


def searched(tmp_path: Path, *replies: str, candidates: int = 1) -> list[tuple[float | None, str]]:
    (tmp_path / "replies.json").write_text(json.dumps(replies))
    task = tmp_path / "task.yaml"
    task.write_text(
        TASK.replace("tuner", "coder").replace("max_iterations: 12", f"max_iterations: {candidates}, width: 1")
    )
    loopwright.run(task, model=f"scripted/{tmp_path / 'replies.json'}", out=tmp_path / "run", seed=1)
    record = read_run(tmp_path / "run")
    (episode,) = RunReader(record.result).read(record.events)
    return [
        (one.judged.verdict.value if one.judged else None, one.proposed.problem if one.proposed else "")
        for one in episode.iterations.values()
    ]


def test_an_edit_of_the_seed_program_and_a_whole_program_are_measured(tmp_path: Path) -> None:
    found = searched(tmp_path, EDIT, WHOLE, candidates=2)
    assert [problem for _, problem in found] == ["", ""]
    assert found[0][0] is not None
    assert found[1][0] == 1.0


def test_a_program_that_is_written_another_way_is_not_executed(tmp_path: Path) -> None:
    other = WHOLE.replace("import json\n", "# the same\nimport  json\n\n")
    (_, first), (value, problem) = searched(tmp_path, WHOLE, other, other, candidates=2)
    assert (first, value) == ("", None)
    assert "no change" in problem


def test_an_edit_that_fits_nowhere_is_repaired_once(tmp_path: Path) -> None:
    lost = EDIT.replace("STEP = 0.3  #", "SPEED = 77 * other  #")
    assert searched(tmp_path, lost, WHOLE)[0] == (1.0, "")


def test_the_second_edit_that_fits_nowhere_is_no_candidate(tmp_path: Path) -> None:
    lost = EDIT.replace("STEP = 0.3  #", "SPEED = 77 * other  #")
    value, problem = searched(tmp_path, lost, lost)[0]
    assert value is None
    assert "no match" in problem


def test_a_program_of_several_files_is_executed_and_edited_file_by_file(tmp_path: Path) -> None:
    first = """Two files.
```python solution.py
import json, parts
json.dump([parts.X], open('construction.json', 'w'))
```
```python parts.py
X = 0.25
```
"""
    second = """More.
parts.py
<<<<<<< SEARCH
X = 0.25
=======
X = 0.75
>>>>>>> REPLACE
"""
    assert searched(tmp_path, first, second, candidates=2) == [(0.25, ""), (0.75, "")]
