"""Checklists: what is refused where, what is mended, and the order of the graph."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from loopwright.errors import TaskError
from loopwright.images.checklist import Checklist, ObjectAtom, load_checklist, read_checklist, repaired
from loopwright.project import load_document
from tests.images.checklist.graphs import checklists

SOUND = """\
prompt: three red cubes left of a cat
atoms:
  - {id: cube, kind: object, object: cube}
  - {id: 3, kind: count, object: cube, count: 3, parents: [cube]}
  - {id: red, kind: attribute, object: cube, aspect: color, value: red, parents: [cube], weight: 2}
  - {id: cat, kind: object, object: cat}
  - {id: left, kind: relation, object: cube, relation: left of, reference: cat, parents: [cube, cat]}
"""


def file(folder: Path, text: str, name: str = "checklist.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_checklist_is_read_from_yaml(tmp_path: Path) -> None:
    checklist = load_checklist(file(tmp_path, SOUND))
    assert [atom.id for atom in checklist.ordered] == ["cube", "cat", "3", "red", "left"]
    assert [[atom.id for atom in level] for level in checklist.levels] == [["cube", "cat"], ["3", "red", "left"]]
    assert checklist.ancestors["left"] == {"cube", "cat"}
    assert checklist.atoms[2].weight == 2


def test_json_holds_what_a_checklist_was_written_as(tmp_path: Path) -> None:
    checklist = load_checklist(file(tmp_path, SOUND))
    again = load_checklist(file(tmp_path, checklist.model_dump_json(), "checklist.json"))
    assert again == checklist


def test_a_task_holds_one_and_its_goal_is_the_prompt(tmp_path: Path) -> None:
    text = "goal: a cat\nenvironment:\n  checklist:\n    atoms: [{id: cat, kind: object, object: cat}]\n"
    document = load_document(file(tmp_path, text))
    checklist = read_checklist(document, ("environment", "checklist"), prompt=document.data["goal"])
    assert (checklist.prompt, checklist.atoms[0].question) == ("a cat", "Is there a cat?")


@pytest.mark.parametrize(
    ("atoms", "line", "problem"),
    [
        ("[]", 2, "no list of atoms"),
        ("cat", 2, "no list of atoms"),
        ("\n  - cat", 3, "an atom is a mapping"),
        ("\n  - {id: a, object: cat}", 3, "needs a kind"),
        ("\n  - {id: a, kind: thing}", 3, "no kind of atom 'thing'"),
        ("\n  - {id: a, kind: object}", 3, "'atoms.0.object' is missing"),
        ("\n  - {id: a, kind: object, object: cat, colour: red}", 3, "unknown key 'atoms.0.colour'"),
        ("\n  - {id: a, kind: count, object: cat, count: many}", 3, "atoms.0.count"),
        ("\n  - {id: a, kind: relation, object: cat, relation: inside, reference: dog}", 3, "atoms.0.relation"),
        ("\n  - {id: a, kind: other}", 3, "needs a question"),
        ("\n  - {id: a, kind: object, object: cat, weight: 0}", 3, "atoms.0.weight"),
        ("\n  - {id: a, kind: object, object: cat}\n  - {id: a, kind: object, object: dog}", 4, "'a' is given twice"),
        ("\n  - {id: a, kind: object, object: cat, parents: [a]}", 3, "its own parent"),
        ("\n  - {id: a, kind: object, object: cat, parents: [b]}", 3, "has the parent 'b', which is not there"),
        (
            "\n  - {id: x, kind: object, object: cat}"
            "\n  - {id: a, kind: object, object: cat, parents: [x, b]}"
            "\n  - {id: b, kind: object, object: cat, parents: [a]}",
            4,
            "in a circle: a -> b -> a",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, atoms: str, line: int, problem: str) -> None:
    with pytest.raises(TaskError) as caught:
        load_checklist(file(tmp_path, f"prompt: a cat\natoms: {atoms}\n"))
    assert caught.value.line == line
    assert problem in str(caught.value)
    assert caught.value.remedy


def test_a_checklist_needs_a_prompt(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="'prompt' is missing"):
        load_checklist(file(tmp_path, "atoms: [{id: a, kind: object, object: cat}]"))


def test_objects_are_checked_like_files() -> None:
    with pytest.raises(ValidationError, match="in a circle"):
        Checklist(prompt="-", atoms=(atom("a", "b"), atom("b", "a")))
    with pytest.raises(ValidationError, match="at least 1 item"):
        Checklist(prompt="-", atoms=())


def atom(name: str, *parents: str) -> ObjectAtom:
    return ObjectAtom(id=name, parents=parents, object="cube")


def test_broken_graphs_are_mended_and_told() -> None:
    done = repaired([atom("1", "1"), atom("2", "9", "1", "1"), atom("3", "4"), atom("4", "3"), atom("4")])
    assert [(one.id, one.parents) for one in done.atoms] == [
        ("1", ()),
        ("2", ("1",)),
        ("3", ()),
        ("4", ("3",)),
        ("4 (2)", ()),
    ]
    assert done.changes == (
        "atom 4: the id is given twice; the second is 4 (2) now",
        "atom 1: the parent 1 was dropped: it is the atom itself",
        "atom 2: the parent 9 was dropped: no such atom",
        "atom 3: the parent 4 was dropped: it closes a circle",
    )


@given(checklists())
def test_parents_come_before_children_and_nothing_is_lost(checklist: Checklist) -> None:
    order = [atom.id for atom in checklist.ordered]
    assert sorted(order) == sorted(atom.id for atom in checklist.atoms)
    for one in checklist.atoms:
        assert all(order.index(parent) < order.index(one.id) for parent in one.parents)
        assert set(one.parents) <= checklist.ancestors[one.id]
        for parent in one.parents:
            assert checklist.ancestors[parent] <= checklist.ancestors[one.id]


@given(checklists())
def test_a_sound_graph_is_not_changed(checklist: Checklist) -> None:
    done = repaired(checklist.atoms)
    assert (done.atoms, done.changes) == (checklist.atoms, ())


@given(st.lists(st.tuples(st.integers(0, 5), st.lists(st.integers(0, 7), max_size=4)), min_size=1, max_size=8))
def test_any_atoms_become_a_checklist(drawn: list[tuple[int, list[int]]]) -> None:
    # A parent that is given twice is dropped without a word.
    atoms = [atom(str(name), *(str(parent) for parent in dict.fromkeys(parents))) for name, parents in drawn]
    done = repaired(atoms)
    Checklist(prompt="-", atoms=done.atoms)
    assert len(done.atoms) == len(atoms)
    assert bool(done.changes) == (done.atoms != tuple(atoms))
    assert repaired(done.atoms).changes == ()
