"""What a record says of its episodes, by name."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from loopwright import load_result
from loopwright.types import Usage
from tests.report.builder import RunBuilder, Turn


def test_an_episode_tells_what_it_was_and_what_it_took(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run")
    last = Turn(1, decision="stop", rule="all_passed", tokens=100, cost="0.5")
    run.episode([Turn(0.5, tokens=200, cost="0.25"), last], task="sums", instance="7", variant="refine")
    (episode,) = load_result(run.close())
    assert (episode.task, episode.instance, episode.variant) == ("sums", "7", "refine")
    assert (episode.strategy, episode.stop_reason) == ("refine", "all_passed")
    assert (episode.usage, episode.cost, episode.seconds) == (Usage(input=300, output=60), Decimal("0.75"), 3.0)


def test_what_an_episode_took_is_not_known_before_its_end_nor_a_cost_without_prices(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run", episodes=2)
    run.episode([Turn(0.5)], instance="1", finish=False)
    run.episode([Turn(1)], instance="2", priced=False)
    open_one, unpriced = load_result(run.close())
    assert (open_one.stop_reason, open_one.usage, open_one.cost, open_one.seconds) == ("", None, None, None)
    assert (unpriced.instance, unpriced.cost, unpriced.seconds) == ("2", None, 2.0)
