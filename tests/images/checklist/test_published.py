"""Published specs and rows become checklists as they are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from loopwright.errors import TaskError
from loopwright.images.checklist import CountAtom, NegationAtom, RelationAtom, read_dsg, read_geneval

HEADING = (
    "item_id,text,keywords,proposition_id,dependency,category_broad,category_detailed,tuple,question_natural_language\n"
)


def specs(folder: Path, *lines: str) -> Path:
    path = folder / "specs.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_every_geneval_spec_is_a_checklist(published: Path) -> None:
    specs = read_geneval(published / "geneval/evaluation_metadata.jsonl")
    assert len(specs) == 277
    kinds = Counter(atom.kind for one in specs for atom in one.checklist.atoms)
    assert kinds == {"object": 427, "attribute": 147, "relation": 50, "count": 40}
    counts = [atom for one in specs for atom in one.checklist.atoms if isinstance(atom, CountAtom)]
    assert Counter((atom.compare, atom.count) for atom in counts) == {
        ("exactly", 2): 11,
        ("exactly", 3): 14,
        ("exactly", 4): 15,
    }


def test_the_relation_reads_as_the_prompt_does(published: Path) -> None:
    """In `include` the object that the prompt names last stands first."""
    for one in read_geneval(published / "geneval/evaluation_metadata.jsonl"):
        for atom in one.checklist.atoms:
            if isinstance(atom, RelationAtom):
                said = one.checklist.prompt.partition(f" {atom.relation} ")
                assert said[0].endswith(f" {atom.object}")
                assert said[2].endswith(f" {atom.reference}")
                assert atom.parents == ("1", "0")


def test_counts_and_exclusions_of_any_spec(tmp_path: Path) -> None:
    path = specs(
        tmp_path,
        '{"prompt": "two cats", "include": [{"class": "cat", "count": 2}], '
        '"exclude": [{"class": "dog", "count": 1}, {"class": "cow", "count": 3}, '
        '{"class": "bus", "count": 1, "color": "red"}]}',
    )
    atoms = read_geneval(path)[0].checklist.atoms
    counts = [(one.object, one.compare, one.count) for one in atoms if isinstance(one, CountAtom)]
    assert counts == [("cat", "at least", 2), ("cow", "at most", 2)]
    assert [one.object for one in atoms if isinstance(one, NegationAtom)] == ["dog", "red bus"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"prompt": "a cat"}', "nothing that can be checked"),
        ('{"include": []}', "'prompt' is missing"),
        ('{"prompt": "a cat", "include": [{"class": "cat", "position": ["left of", 1]}]}', "no other clause"),
        ('{"prompt": "a cat", "include": [{"class": "cat", "count": 0}]}', "include.0.count"),
        ('{"prompt": ', "not JSON"),
    ],
)
def test_a_wrong_spec_is_told_with_its_line(tmp_path: Path, line: str, problem: str) -> None:
    path = specs(tmp_path, '{"prompt": "a cat", "include": [{"class": "cat"}]}', line)
    with pytest.raises(TaskError) as caught:
        read_geneval(path)
    assert caught.value.line == 2
    assert problem in str(caught.value)


def test_both_lists_of_dsg_are_read_and_their_faults_are_told(published: Path) -> None:
    asked = read_dsg(published / "dsg/dsg-1k-anns.tifa160.csv")
    by_hand = read_dsg(published / "dsg/tifa160-dev-anns.csv")
    assert (len(asked), sum(len(one.checklist.atoms) for one in asked)) == (80, 476)
    assert (len(by_hand), sum(len(one.checklist.atoms) for one in by_hand)) == (80, 457)
    assert {one.id: len(one.changes) for one in asked if one.changes} == {
        "tifa160_67": 1,
        "tifa160_89": 1,
        "tifa160_134": 8,
        "tifa160_144": 1,
    }
    assert {one.id: len(one.changes) for one in by_hand if one.changes} == {"coco_67370": 1}
    # Of the 271 rows that name parents, questions 2, 3 and 4 of tifa160_134 and one that is its own parent keep none.
    assert sum(bool(atom.parents) for one in asked for atom in one.checklist.atoms) == 271 - 4
    assert all(atom.question for one in by_hand for atom in one.checklist.atoms)


def test_parents_may_have_higher_numbers(published: Path) -> None:
    asked = {one.id: one.checklist for one in read_dsg(published / "dsg/dsg-1k-anns.tifa160.csv")}
    for name, child in (("tifa160_2", "3"), ("tifa160_139", "6")):
        order = [atom.id for atom in asked[name].ordered]
        parents = next(atom.parents for atom in asked[name].atoms if atom.id == child)
        assert any(int(parent) > int(child) for parent in parents)
        assert all(order.index(parent) < order.index(child) for parent in parents)


def test_rows_become_typed_atoms_with_their_own_questions(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(
        HEADING + "p,two dogs,dogs,1,0,entity,whole,entity - whole (dogs),Are there dogs?\n"
        'p,two dogs,dogs,2,1,other,count,"other - count (dogs, ==2)",\n'
        'p,two dogs,dogs,3,"1,2",relation,spatial,"relation - spatial (dogs, mat, to the left of)",Left?\n'
        'p,two dogs,dogs,4,1,relation,action,"relation - action (dogs, mat, chew)",Do they chew the mat?\n'
    )
    atoms = read_dsg(path)[0].checklist.atoms
    assert [atom.kind for atom in atoms] == ["object", "count", "relation", "other"]
    assert [atom.question for atom in atoms[1:3]] == ["Are there exactly two dogs?", "Left?"]
    assert atoms[2].parents == ("1", "2")


def test_rows_of_another_form_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("item_id,text\n1,a cat\n")
    with pytest.raises(TaskError, match="the column 'proposition_id' is missing"):
        read_dsg(path)
    path.write_text(HEADING + "p,a cat,cat,,0,entity,whole,entity - whole (cat),Is there a cat?\n")
    with pytest.raises(TaskError, match=r"rows\.csv:2: the row is no atom"):
        read_dsg(path)
