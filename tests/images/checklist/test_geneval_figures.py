"""GenEval's human answers, judged by checklists, give the tallies that were derived from them before."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.images import coverage, geneval
from loopwright.images.checklist import to_ask, verdict


@pytest.fixture(scope="module")
def data(published: Path) -> geneval.Data:
    return geneval.load(published / "geneval")


@pytest.fixture(scope="module")
def tallies(data: geneval.Data) -> dict[geneval.Image, geneval.Tally]:
    return {image: geneval.tally(data, image) for image in data.people}


def test_an_example_worked_by_hand(data: geneval.Data) -> None:
    """A chair left of a zebra: all see both; right, left, right, left, right."""
    checklist = data.specs["421"].checklist
    people = data.people["if-xl", "421", "0"]
    assert [to_ask(checklist, given) for given in people] == [()] * 5
    assert [verdict(checklist, given).passed for given in people] == [False, True, False, True, False]


def test_every_tally_is_reproduced(data: geneval.Data, tallies: dict[geneval.Image, geneval.Tally]) -> None:
    assert len(tallies) == 600
    assert tallies == data.derived


def test_pictures_right_by_majority(data: geneval.Data, tallies: dict[geneval.Image, geneval.Tally]) -> None:
    wanted = {
        "single_object": (23, 24, 24, 24),
        "two_object": (11, 33, 19, 36),
        "counting": (16, 27, 18, 36),
        "colors": (26, 32, 32, 36),
        "position": (4, 9, 6, 40),
        "color_attr": (0, 21, 11, 28),
    }
    found = geneval.by_tag(data, tallies)
    for tag, (clip, if_xl, sdv2, n) in wanted.items():
        assert [found[tag, model] for model in ("clip", "if-xl", "sdv2")] == [(clip, n), (if_xl, n), (sdv2, n)]


def test_how_alike_people_answer(data: geneval.Data) -> None:
    votes = geneval.votes(data)
    told = {kind: geneval.noise(said) for kind, said in votes.items()}
    assert {kind: round(one.agree, 3) for kind, one in told.items()} == {
        "object": 0.925,
        "count": 0.887,
        "attribute": 0.852,
        "relation": 0.805,
        "all clauses": 0.868,
        "fit = 4": 0.673,
    }
    assert (told["relation"].false_yes, told["relation"].false_no) == ((48, 470), (19, 76))
    assert (told["attribute"].false_yes, told["attribute"].false_no) == ((43, 387), (74, 903))


def test_the_rules_make_of_a_prompt_what_its_spec_says(published: Path) -> None:
    found = coverage.geneval(published / "geneval/evaluation_metadata.jsonl")
    assert [(one.category, one.same) for one in found] == [(one.category, one.prompts) for one in found]


@pytest.mark.parametrize(
    ("category", "least"),
    [
        ("3d_spatial", 60),
        ("spatial", 60),
        ("color", 49),
        ("shape", 51),
        ("texture", 45),
        ("numeracy", 52),
        ("complex", 20),
    ],
)
def test_how_many_prompts_the_rules_take_apart(published: Path, category: str, least: int) -> None:
    found = {one.category: one for one in coverage.compbench(published / "t2i_compbench")}
    assert found[category].prompts == 60
    assert found[category].taken_apart >= least


def test_swapped_attributes_are_told_apart(published: Path) -> None:
    lines = (published / "t2i_compbench/color.txt").read_text().splitlines()
    made = [checklist for line in lines if (checklist := coverage.apart(line))]
    assert len({frozenset(coverage.statements(one)) for one in made}) == len(made)
