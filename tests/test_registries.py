"""Whatever can be chosen in a task is told wherever users look: `explain`, `env list`, help texts, guides."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from loopwright.agents import AgentRole, View
from loopwright.budget import Ledger
from loopwright.cli import main
from loopwright.drift import BUILTIN_DETECTORS
from loopwright.environments import BUILTIN_ENVIRONMENTS
from loopwright.loop import ACTING_STRATEGIES, BUILTIN_STRATEGIES, STOP_MEANINGS, STOP_RULES, VIEW_FIELDS
from loopwright.task import CapOptions, task_schema

ROOT = Path(__file__).resolve().parents[1]
GUIDES = ROOT / "docs" / "guides"
RULES = [rule.name for rule in STOP_RULES]
DETECTORS = list(BUILTIN_DETECTORS)
CAPS = list(CapOptions.model_fields)
FLAGS = {"model_calls": "--max-calls"}
"""Caps whose option is named otherwise."""

TASK = """\
version: 1
name: t
goal: Say yes.
environment: {name: text, rubric: It says yes.}
agents: {proposer: author, critic: critic, verifier: verifier, auditor: verifier}
loop:
  max_iterations: 7
  threshold: 0.9
  plateau: 2
  learning_curve: true
  pilot: {accuracy: 0.5, correction: 0.2, injection: 0.1}
session: {}
drift:
  first: 200
  mitigations:
    consolidation: {probes: 0}
"""
SEARCH = """\
version: 1
name: search
goal: Find a large number.
environment: {name: discovery, verifier: "def verify(numbers): return numbers[0]"}
agents: {proposer: coder, idea: idea, reviewer: reviewer}
loop: {strategy: discover, value: {direction: maximize}}
"""
CAPPED = "budget: {AMOUNTS, run: {AMOUNTS}}\n".replace("AMOUNTS", ", ".join(f"{cap}: 11000" for cap in CAPS))
OWN = """\
from loopwright.loop import STOP_RULES, Decision, RefinementStrategy, StopRule


def on(context):
    return Decision("continue", "on", "why not", context.iteration)


tired = StopRule("tired", "it is late", lambda context: "it is late" if context.iteration > 1 else None)
Tired = RefinementStrategy("tired", on, (*STOP_RULES, tired))
"""


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next one."""
    assert f"\n{heading}\n" in text
    return text.partition(f"\n{heading}\n")[2].partition("\n#")[0]


def rows(text: str) -> list[str]:
    """The names in the first column of tables."""
    return re.findall(r"^\| `([^`]+)` +\|", text, re.MULTILINE)


@pytest.fixture
def explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """What `explain` tells of a task in which everything is on, with other strategies if wanted."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "says.yaml").write_text("- 'yes'\n")
    (tmp_path / "prices.yaml").write_text("date: 2026-11-01\nmodels:\n  scripted/*: {input: 1, output: 1}\n")
    (tmp_path / "own_rules.py").write_text(OWN)

    def explain(*flags: str, more: str = "", task: str = TASK) -> dict[str, Any]:
        (tmp_path / "t.yaml").write_text(task + more)
        with pytest.raises(SystemExit) as ended:
            main(["explain", "t.yaml", "--model", "scripted/says.yaml", "--prices", "prices.yaml", "--json", *flags])
        told = capsys.readouterr()
        assert ended.value.code == 0, told.err
        shown: dict[str, Any] = json.loads(told.out)
        return shown

    return explain


def test_explain_tells_every_stop_rule_in_its_order(explained: Any) -> None:
    told = explained()["stop_rules"]
    assert list(told) == RULES
    assert all(told.values())


def test_explain_tells_the_rules_of_a_strategy_of_ones_own(explained: Any) -> None:
    assert explained("--strategy", "own_rules:Tired")["stop_rules"]["tired"] == "it is late"


def test_explain_tells_the_rules_that_a_task_names(explained: Any) -> None:
    task = TASK.replace("loop:\n", "loop:\n  stop_rules: [own_rules:tired, plateau]\n")
    told = explained("--strategy", "single", task=task)["stop_rules"]
    assert list(told) == ["all_passed", "tired", "plateau"]


def test_the_guide_to_reports_tells_everything_that_stops_a_loop() -> None:
    table = "\n".join(f"| `{name}` | {meaning} |" for name, meaning in STOP_MEANINGS.items())
    assert table in section((GUIDES / "read-a-report.md").read_text(), "## What stopped the loops")


@pytest.mark.parametrize("option", [rule.option for rule in STOP_RULES if rule.option])
def test_the_rules_with_an_option_are_in_the_reference_of_tasks(option: str) -> None:
    assert option in rows(section((ROOT / "docs/task-file.md").read_text(), "## `loop`"))


@pytest.mark.parametrize("name", BUILTIN_ENVIRONMENTS)
def test_every_environment_is_listed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["env", "list", "--json"])
    assert name in [one["name"] for one in json.loads(capsys.readouterr().out)]


@pytest.mark.parametrize("name", BUILTIN_ENVIRONMENTS)
def test_the_guide_to_environments_tells_every_one(name: str) -> None:
    assert f"`{name}`" in (GUIDES / "write-an-environment.md").read_text()


@pytest.mark.parametrize("name", BUILTIN_STRATEGIES)
def test_the_guide_to_strategies_tells_every_one(name: str) -> None:
    assert f"`{name}`" in (GUIDES / "write-a-strategy.md").read_text()


def test_the_strategies_that_act_are_in_the_table_of_benchmarks() -> None:
    told = rows(section((ROOT / "docs/benchmarks.md").read_text(), "## Strategies"))
    assert told == ["single", *ACTING_STRATEGIES]


@pytest.mark.parametrize("name", BUILTIN_STRATEGIES)
def test_explain_draws_every_strategy(name: str, explained: Any) -> None:
    graph = explained("--strategy", name)["graphs"][name]
    assert graph[0].startswith("START -> ")
    assert any("END" in edge for edge in graph)


def test_the_detectors_are_those_of_the_guide_the_task_and_the_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert [name for name in rows((ROOT / "docs/drift.md").read_text()) if name in DETECTORS] == DETECTORS
    described = task_schema()["$defs"]["DriftOptions"]["properties"]["detector"]["description"]
    assert re.findall(r"`([^`]+)`", described) == [*DETECTORS, "module:Name"]
    with pytest.raises(SystemExit):
        main(["drift", "report", "--help"])
    assert f"{', '.join(DETECTORS)}, or your own" in " ".join(capsys.readouterr().out.split())


def test_explain_tells_every_role_and_what_each_sees(explained: Any) -> None:
    told, search = explained(), explained(task=SEARCH)
    thinkers = {AgentRole.IDEA, AgentRole.REVIEWER}
    assert {*AgentRole} - thinkers == set(told["roles"]) - {"environment"}
    assert {*AgentRole} - thinkers == set(told["sees"])
    assert thinkers == set(search["sees"]) - {"proposer"}
    assert all([*told["sees"].values(), *search["sees"].values()])
    assert "the idea to carry out" in search["sees"]["proposer"]


@pytest.mark.parametrize("role", ["proposer", "critic"])
def test_explain_tells_who_learns_how_many_iterations_are_left(role: str, explained: Any) -> None:
    assert "how many iterations are left" in explained()["sees"][role]


@pytest.mark.parametrize("role", [role for role in AgentRole if role is not AgentRole.SUMMARIZER])
def test_the_guide_to_agents_tells_every_role_of_the_loop(role: str) -> None:
    assert f"**{role}**" in (GUIDES / "write-an-agent.md").read_text()


def test_the_guide_to_agents_tells_everything_in_a_view_and_who_sees_it() -> None:
    told = [f"| `view.{field.name}` | {field.meaning} | {', '.join(field.seen_by)} |" for field in VIEW_FIELDS]
    assert "\n".join(told) in (GUIDES / "write-an-agent.md").read_text()
    assert {field.name.partition(".")[0] for field in VIEW_FIELDS} == set(View.model_fields) - {"role"}


@pytest.mark.parametrize("cap", CAPS)
def test_explain_tells_every_cap_of_an_episode_and_of_all_of_them(cap: str, explained: Any) -> None:
    limits = explained(more=CAPPED)["limits"]
    assert {limits[cap], limits[f"all episodes: {cap}"]} <= {"11000", "11000.0"}


@pytest.mark.parametrize("cap", CAPS)
def test_every_cap_is_an_option_of_a_run_and_in_the_guide_and_the_reference(
    cap: str, capsys: pytest.CaptureFixture[str]
) -> None:
    flag = FLAGS.get(cap, f"--max-{cap.replace('_', '-')}")
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    assert f"{flag} " in capsys.readouterr().out
    assert f"`{flag}`" in section((GUIDES / "costs-and-limits.md").read_text(), "## Caps")
    reference = (ROOT / "docs/task-file.md").read_text()
    assert cap in rows(section(reference, "## `budget`"))
    assert cap in rows(section(reference, "## `budget.run`"))


def test_ledgers_know_the_caps_of_tasks() -> None:
    caps = CapOptions.model_validate(dict.fromkeys(CAPS, 11))
    ledger = Ledger(caps)
    ledger.restart_clock()
    assert [name for name in CAPS if not ledger.capped(name)] == []
    assert [name for name, amount in ledger.left if amount is None] == []
