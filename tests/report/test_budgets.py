"""Searches beside best-of-N and a classical solver, at equal budgets."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pytest
import yaml

import loopwright
from loopwright.report import render_html, summarize_run
from loopwright.report._budgets import budget_tables
from loopwright.report._climb import Climb, Rung
from loopwright.report._row import EpisodeRow
from loopwright.types import Usage, ValueOptions
from tests.discovery.test_search import TASK

UP = ValueOptions(direction="maximize", name="height")
AGENTS = {"coded": {"proposer": "coder"}, "tuned": {"proposer": "tuner"}}


def climb(strategy: str, *found: float | None, tokens: int = 10, usd: str | None = "0.1") -> Climb:
    """A climb by the values of its candidates, each of which takes a second and as many tokens."""
    better: list[Rung] = []
    rungs: list[Rung] = []
    best: float | None = None
    for number, value in enumerate(found, 1):
        best = value if value is not None and (best is None or value > best) else best
        cost = None if usd is None else number * Decimal(usd)
        rungs.append(Rung(number, number, float(number), tokens * number, cost, best))
        if best is not None and (not better or better[-1].value != best):
            better.append(rungs[-1])
    return Climb(tuple(better), rungs[-1], strategy, search=strategy == "discover")


def row(
    task: str, repeat: int, climbed: Climb, status: Literal["scored", "failed", "unfinished"] = "scored"
) -> EpisodeRow:
    return EpisodeRow(
        episode=f"{task}:{climbed.strategy}:{repeat}",
        task=task,
        instance=task,
        variant=climbed.strategy,
        repeat=repeat,
        status=status,
        score=1.0,
        passed=True,
        iterations=climbed.whole.candidates,
        rule="max_iterations",
        model_calls=0,
        usage=Usage(),
        cost_usd=None,
        seconds=1.0,
        failure=None,
        judged=(),
        graded=(),
        valued=UP,
        climb=climbed,
    )


def config(**known: object) -> dict[str, object]:
    environment = {"name": "discovery", "verifier": "v", **known}
    return {"tasks": [{"name": name, "agents": agents, "environment": environment} for name, agents in AGENTS.items()]}


def test_methods_have_the_same_candidates_time_tokens_and_money() -> None:
    rows = [row("coded", 0, climb("discover", 1, 5, None, 9)), row("coded", 0, climb("best_of_n", 2, 3, tokens=30))]
    (table,) = budget_tables(rows, config())
    assert table.budgets == ("with 2 candidates", "in 2.0 s", "for 40 tokens", "for $0.2000")
    assert [(one.kind, one.found) for one in table.rows] == [
        ("search", ("5", "5", "9", "5")),
        ("best-of-N", ("3", "3", "2", "3")),
    ]


def test_a_task_of_the_tuner_on_the_same_problem_is_the_classical_solver() -> None:
    rows = [row("coded", 0, climb("discover", 1, 5)), row("tuned", 0, climb("best_of_n", 2, 4, tokens=0, usd="0"))]
    (table,) = budget_tables(rows, config())
    assert [(one.method, one.kind) for one in table.rows] == [
        ("coded discover", "search"),
        ("tuned best_of_n", "classical solver"),
    ]
    assert table.budgets == ("with 2 candidates", "in 2.0 s")
    assert table.missing == ()


def test_seeds_are_paired_and_an_interval_needs_enough_of_them() -> None:
    def gain(seeds: int) -> str:
        found = [
            row("tuned", seed, climb(name, better + seed % 3))
            for seed in range(seeds)
            for name, better in (("discover", 2.0 + seed % 2), ("best_of_n", 1.0))
        ]
        return budget_tables(found, config())[0].rows[1].difference

    assert gain(1) == ""
    assert re.fullmatch(r"\+1.5 \[-.*, \+.*\] over 2 seeds", gain(2)), "two seeds exclude nothing"
    same = [
        row("tuned", seed, climb(name, top)) for seed in (0, 1) for name, top in (("discover", 2), ("best_of_n", 1))
    ]
    assert budget_tables(same, config())[0].rows[1].difference == "+1 (too few seeds for an interval) over 2 seeds"
    found = re.fullmatch(r"\+1.5 \[\+(.*), \+(.*)\] over 30 seeds", gain(30))
    assert found
    assert float(found[1]) < 1.5 < float(found[2])


def test_what_it_takes_to_a_known_value_is_told_with_the_seeds_that_never_got_there() -> None:
    rows = [row("coded", seed, climb("discover", 1, top, 9)) for seed, top in enumerate((2, 8, 8))]
    rows += [row("coded", seed, climb("best_of_n", 1, 1, top)) for seed, top in enumerate((1, 1, 8))]
    (table,) = budget_tables(rows, config(known=[{"value": 8, "source": "a paper"}]))
    assert [(one.target, one.method, one.reached[:6], one.took[0]) for one in table.targets] == [
        ("height 8 (a paper)", "discover", "3 of 3", "2"),
        ("height 8 (a paper)", "best_of_n", "1 of 3", "never"),
        ("height 1 (what all of them reached)", "discover", "3 of 3", "1"),
        ("height 1 (what all of them reached)", "best_of_n", "3 of 3", "1"),
    ]
    assert table.targets[0].spent == ", after 2 candidates, 2.0 s, 20 tokens, $0.2000 in the median"
    assert table.targets[1].spent == ""


def test_episodes_without_a_score_and_runs_without_a_search_have_no_table() -> None:
    assert budget_tables([row("coded", 0, climb("best_of_n", 1))], config()) == ()
    assert budget_tables([row("coded", 0, climb("discover", 1), "failed")], config()) == ()


def test_a_search_without_a_valid_candidate_is_told_as_one() -> None:
    rows = [row("coded", 0, climb("discover", None, None)), row("coded", 0, climb("best_of_n", None, 3))]
    (table,) = budget_tables(rows, config())
    assert [one.found[0] for one in table.rows] == ["none", "3"]
    assert table.targets == ()


@pytest.mark.parametrize(("agent", "lines"), [("coded", 2), ("tuned", 1)])
def test_what_was_not_run_beside_a_search_is_told_with_how_to_run_it(agent: str, lines: int) -> None:
    (table,) = budget_tables([row(agent, 0, climb("discover", 1))], config())
    assert len(table.missing) == lines
    assert "--strategy discover,best_of_n" in table.missing[0]


@pytest.mark.slow
def test_a_run_of_a_search_and_of_best_of_n_tells_both_in_its_report(tmp_path: Path) -> None:
    given = yaml.safe_load(TASK)
    given["matrix"] = {"strategies": ["discover", "best_of_n"]}
    given["environment"]["known"] = [{"value": 0.5, "source": "a guess"}]
    (tmp_path / "hill.yaml").write_text(yaml.safe_dump(given))
    loopwright.run(tmp_path / "hill.yaml", out=tmp_path / "run", seed=3)
    (table,) = summarize_run(tmp_path / "run").budgets
    assert [one.kind for one in table.rows] == ["search", "classical solver"]
    assert table.budgets[0] == "with 12 candidates"
    assert table.rows[0].took[0] == table.rows[1].took[0] == "12"
    page = render_html(tmp_path / "run")
    assert "Best with 12 candidates" in page
    assert "value 0.5 (a guess)" in page
    assert "the first so many of the search" in page


def test_seeds_that_cost_nothing_count_in_the_middle_of_the_money() -> None:
    rows = [row("task", repeat, climb("discover", 1, 5, usd=usd)) for repeat, usd in enumerate(("0", "0", "0.25"))]
    (table,) = budget_tables(rows, config())
    (found,) = [one for one in table.rows if one.kind == "search"]
    assert "$0.5000" not in " ".join(found.found)
