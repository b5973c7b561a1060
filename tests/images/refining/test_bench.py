"""The bench of pictures: what it runs, what it writes down, and that it goes on where it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.images.__main__ import fill, read
from bench.images.episodes import CAPS, STRATEGIES, Cell, Outcome, Ran, prompts, run
from bench.images.tables import aspects_table, caps_table, results_of, shared_table
from loopwright.images.shapes import parse_prompt

TEXTS = prompts(3, 4, "tests")


def cell(strategy: str, model: str = "painter/default", noise: str = "low") -> Cell:
    return Cell(model=model, atoms=3, noise=noise, strategy=strategy)


EXACT = "painter/omit=0,swap=0,miscount=0,misplace=0,fail=0,damage=0"


@pytest.mark.parametrize("strategy", [name for name in STRATEGIES if name != "staged"])
def test_an_exact_painter_needs_one_picture(strategy: str) -> None:
    for ran in run(cell(strategy, EXACT, noise="none"), TEXTS, 0):
        assert all(outcome.audited and outcome.claimed for outcome in ran.outcomes.values())
        assert ran.outcomes[CAPS[-1]].images == 1


def test_a_staged_plan_takes_a_picture_for_each_thing_that_is_added() -> None:
    for ran in run(cell("staged", EXACT, noise="none"), TEXTS, 0):
        things = [group for group in parse_prompt(ran.prompt).groups if group.count]
        assert ran.outcomes[CAPS[-1]].images == min(len(things), 3)
        assert ran.outcomes[CAPS[-1]].audited


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_without_errors_of_the_verifier_nothing_wrong_is_claimed_and_no_cap_is_passed(strategy: str) -> None:
    for ran in run(cell(strategy, noise="none"), TEXTS, 1):
        for cap, outcome in ran.outcomes.items():
            assert outcome.images <= cap
            assert outcome.looks >= outcome.images
            assert outcome.audited == (not outcome.failed)
            assert not outcome.claimed or outcome.audited


def test_the_same_episode_comes_out_the_same() -> None:
    assert list(run(cell("streams"), TEXTS, 0)) == list(run(cell("streams"), TEXTS, 0))


def test_a_run_that_was_cut_goes_on_where_it_was(tmp_path: Path) -> None:
    cells, texts = [cell(strategy) for strategy in STRATEGIES], {3: TEXTS}
    whole, cut = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    fill(whole, cells, texts, 2)
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    fill(cut, cells, texts, 2)

    def sorted_(runs: list[Ran]) -> list[str]:
        return sorted(one.model_dump_json() for one in runs)

    assert sorted_(read(cut)) == sorted_(read(whole))
    (result,) = results_of(read(cut), cells)
    assert {len(runs) for by_prompt in result.episodes.values() for runs in by_prompt.values()} == {2}
    assert caps_table(result).row_count == len(CAPS) * (len(STRATEGIES) + 1)
    assert aspects_table(result).row_count == len(STRATEGIES)


def test_prompts_that_share_a_cap_leave_over_what_they_do_not_need() -> None:
    """Of two prompts one takes a picture, and the other fifteen of the sixteen: eight are not enough for it."""

    def ran(prompt: str, needed: int) -> Ran:
        outcomes = {
            cap: Outcome(claimed=True, believed=1, audited=cap >= needed, images=min(cap, needed), looks=1, failed=())
            for cap in CAPS
        }
        return Ran(cell=cell("streams"), prompt=prompt, seed=0, outcomes=outcomes)

    (result,) = results_of([ran(TEXTS[0], 1), ran(TEXTS[1], 15)], [cell("streams")])
    (row,) = zip(*(column.cells for column in shared_table(result).columns), strict=True)
    assert row[:5] == ("streams", "50.0", "4.50", "50.0", "4.50")
    (result,) = results_of([ran(text, 1) for text in TEXTS[:3]] + [ran(TEXTS[3], 15)], [cell("streams")])
    (row,) = zip(*(column.cells for column in shared_table(result).columns), strict=True)
    assert row[:5] == ("streams", "75.0", "2.75", "100.0", "4.50")


def test_a_prompt_that_not_all_strategies_have_is_in_no_table() -> None:
    runs = [*run(cell("streams"), TEXTS, 0), *run(cell("ircig"), TEXTS[:2], 0)]
    (result,) = results_of(runs, [cell("streams"), cell("ircig")])
    assert {len(by_prompt) for by_prompt in result.episodes.values()} == {2}
