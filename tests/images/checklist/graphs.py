"""Checklists that hypothesis draws."""

from __future__ import annotations

from hypothesis import strategies as st

from loopwright.images.checklist import Answer, Checklist, ObjectAtom


@st.composite
def checklists(draw: st.DrawFn) -> Checklist:
    """Graphs without circles, in any order of their atoms."""
    count = draw(st.integers(1, 9))
    atoms = []
    for index in range(count):
        above = draw(st.sets(st.integers(0, index - 1), max_size=3)) if index else set()
        weight = draw(st.sampled_from([0.5, 1.0, 3.0]))
        parents = tuple(str(parent) for parent in sorted(above))
        atoms.append(ObjectAtom(id=str(index), parents=parents, object="cube", weight=weight))
    return Checklist(prompt="cubes", atoms=tuple(draw(st.permutations(atoms))))


def answered(checklist: Checklist, truth: dict[str, bool]) -> dict[str, Answer]:
    return {atom.id: Answer(value="yes" if truth[atom.id] else "no") for atom in checklist.atoms}
