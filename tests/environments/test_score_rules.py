"""Score rules of a user, by import path and by entry point."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import loopwright
from loopwright import EpisodeResult, Task
from loopwright.environments import ScoreRule, Scores, bash_environment, find_score_rule
from loopwright.errors import MissingContent, UserError
from loopwright.models import Scripted

RULES = """\
from loopwright.environments import NothingToScore, Score, ShellOutcome


class Near:
    async def score(self, outcome: ShellOutcome) -> Score:
        return Score(1 - abs(int(outcome.agent.answer) - int(outcome.gold.answer)) / 10, {"gold": outcome.gold.answer})


class Nothing:
    async def score(self, outcome: ShellOutcome) -> Score:
        raise NothingToScore(why="no reason")


class Number:
    async def score(self, outcome: ShellOutcome) -> float:
        return 0.5


class Wrong:
    def score(self, outcome: ShellOutcome) -> Score:
        return Score(1)
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "rules_of_mine.py").write_text(RULES)
    return tmp_path


def task(scoring: Any) -> Task:
    return Task.model_validate(
        {
            "name": "lines",
            "goal": "How many lines has /data/a.txt?",
            "environment": bash_environment(files={"/data/a.txt": "one\ntwo\n"}, gold="echo 2", scoring=scoring),
            "agents": {"proposer": "actor"},
            "loop": {"strategy": "single"},
            "sandbox": {"provider": "bubblewrap"},
        }
    )


def played(scoring: Any) -> EpisodeResult:
    (episode,) = loopwright.run(task(scoring), model=Scripted(["echo 5"]), out=Path("run"))
    return episode


def test_a_rule_of_ones_own_decides_and_is_recorded_with_the_exact_one() -> None:
    verdict = played("rules_of_mine:Near").verdict
    assert verdict is not None
    assert (verdict.checks[0].name, verdict.score) == ("rules_of_mine:Near", 0.7)
    scores = Scores.of(verdict)
    assert scores is not None
    assert dict(scores.rules) == {"rules_of_mine:Near": 0.7, "exact": 0.0}
    assert scores.parts["gold"] == "2\n"


def test_the_first_of_several_rules_decides() -> None:
    verdict = played(["exact", "rules_of_mine:Near", "intercode"]).verdict
    assert verdict is not None
    assert verdict.score == 0.0
    scores = Scores.of(verdict)
    assert scores is not None
    assert scores.rules.keys() == {"exact", "rules_of_mine:Near", "intercode"}


def test_a_rule_may_find_nothing_to_score() -> None:
    verdict = played("rules_of_mine:Nothing").verdict
    assert verdict is not None
    assert verdict.score == 0.0
    assert verdict.checks[0].evidence.splitlines()[-1] == "why: no reason"


def test_a_rule_that_gives_no_score_is_a_failure_of_the_grader() -> None:
    episode = played("rules_of_mine:Number")
    assert not episode.scored
    assert episode.outcome is not None
    assert episode.outcome.failure is not None
    assert "'rules_of_mine:Number' failed" in episode.outcome.failure.message


@pytest.mark.parametrize(
    ("scoring", "told"),
    [
        ("intrcode", r"'intrcode' among the score_rules.*Did you mean intercode\?.*exact, f1, includes, intercode"),
        ("rules_of_mine:Absent", "cannot be imported"),
        ("rules_of_mine:Wrong", "method `score` is not async"),
        ([], "environment.scoring"),
    ],
)
def test_a_rule_that_cannot_be_used_is_told_before_a_run(scoring: Any, told: str) -> None:
    with pytest.raises(UserError, match=f"(?s){told}"):
        loopwright.check(task(scoring), model="scripted/x.yaml")


def test_the_line_that_names_an_unknown_rule_is_told(project: Path) -> None:
    text = "version: 1\nname: t\ngoal: g\nenvironment:\n  name: bash\n  scoring: near\n  hidden: {gold: 'true'}\n"
    (project / "t.yaml").write_text(f"{text}agents: {{proposer: actor}}\nloop: {{strategy: single}}\n")
    (project / "x.yaml").write_text("- 'true'\n")
    with pytest.raises(MissingContent, match=r"t\.yaml:6:3"):
        loopwright.check("t.yaml", model="scripted/x.yaml")


def test_a_package_registers_a_rule(project: Path) -> None:
    about = project / "near-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: near\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[loopwright.score_rules]\nnear = rules_of_mine:Near\n")
    assert isinstance(find_score_rule("near"), ScoreRule)
    verdict = played("near").verdict
    assert verdict is not None
    assert verdict.score == 0.7
