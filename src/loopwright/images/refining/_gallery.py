"""The gallery: which image model is good at what, and which one is tried next.

It counts, for each model, kind of atom and operation, how often the atom held afterwards. Thompson sampling chooses:
for each model a rate is drawn from the beta distribution of its counts, and the highest rate wins. So models that
nobody knows are tried, and those that fail are left alone. What other episodes taught is fixed before an episode
begins, and is recorded with it; edits also count the attempts of the episode itself. So a resume chooses the same.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import NamedTuple

from pydantic import NonNegativeInt, TypeAdapter

from loopwright.agents import DrawsImages, HasRandom, View
from loopwright.errors import UserError
from loopwright.files import read_regular, write_whole
from loopwright.images.checklist import Atom, Checklist
from loopwright.images.refining._operations import Operation, aims_of
from loopwright.images.refining._stages import drawn
from loopwright.images.refining._votes import Votes, kind_of, votes_of
from loopwright.record import Episodes
from loopwright.store import read_run
from loopwright.types import Attempt

ENOUGH = 2
"""Failures of a model at the same operation on the same picture after which another one is taken."""
GENERATE = "generate"
"""The operation that makes a new picture."""


class Skill(NamedTuple):
    """What is counted apart."""

    model: str
    kind: str
    """Of the atom."""
    operation: str


class Row(NamedTuple):
    """A skill with its counts, as it is written down."""

    model: str
    kind: str
    operation: str
    held: NonNegativeInt
    failed: NonNegativeInt


_ROWS = TypeAdapter(list[Row])


@dataclass(slots=True)
class Gallery:
    """Success counts of image models."""

    held: Counter[Skill] = field(default_factory=Counter)
    failed: Counter[Skill] = field(default_factory=Counter)

    def learn(self, attempts: Iterable[Attempt]) -> None:
        """Counts the attempts of an episode; atoms that nobody was asked about are not counted."""
        for attempt in attempts:
            made = attempt.candidate.made if attempt.candidate else {}
            model, operation, aims = made.get("model"), made.get("operation"), aims_of(made)
            if not isinstance(model, str) or not isinstance(operation, str) or not (aims or operation == GENERATE):
                continue
            for check in drawn(attempt):
                if votes_of(check) != Votes() and (not aims or check.name in aims):
                    counts = self.held if check.passed else self.failed
                    counts[Skill(model, kind_of(check), operation)] += 1

    def choose(self, names: Sequence[str], kinds: Collection[str], operation: str, random: Random) -> str:
        """One of several models, for an operation on atoms of some kinds."""
        ordered = sorted(kinds)
        draws = {
            name: sum(self._draw(Skill(name, kind, operation), random) for kind in ordered)
            for name in dict.fromkeys(names)
        }
        return max(draws, key=draws.__getitem__)

    def _draw(self, skill: Skill, random: Random) -> float:
        return random.betavariate(1 + self.held[skill], 1 + self.failed[skill])

    @property
    def rows(self) -> list[Row]:
        """The counts, in order."""
        return [Row(*skill, self.held[skill], self.failed[skill]) for skill in sorted({*self.held, *self.failed})]

    def add(self, rows: Iterable[Sequence[object]]) -> None:
        """Adds counts that were written down.

        Raises:
            ValueError: They are no such counts.
        """
        for row in _ROWS.validate_python([tuple(row) for row in rows]):
            skill = Skill(row.model, row.kind, row.operation)
            self.held[skill] += row.held
            self.failed[skill] += row.failed


def chosen_generator(view: View, client: DrawsImages) -> str:
    """Who makes a new picture.

    Raises:
        UserError: No generator is named.
    """
    names = client.named.generators
    if not names:
        raise UserError(
            "no image model is named", remedy="Name one: `image_models: {generator: local/shapes}` in the task file."
        )
    return _chosen(names, view, client, Checklist.model_validate(view.public["checklist"]).atoms, GENERATE)


def chosen_editor(view: View, client: DrawsImages, head: int, operation: Operation) -> str:
    """Who carries out an operation on the picture of an iteration; not who failed twice there, if others are left."""
    failed = Counter(
        attempt.candidate.made.get("model")
        for attempt in view.attempts
        if attempt.parent == head and attempt.candidate and aims_of(attempt.candidate.made) == operation.aims
    )
    names = client.named.editors
    left = [name for name in names if failed[name] < ENOUGH]
    atoms = [atom for atom in Checklist.model_validate(view.public["checklist"]).atoms if atom.id in operation.aims]
    return _chosen(left or names, view, client, atoms, operation.kind)


def _chosen(names: Sequence[str], view: View, client: DrawsImages, atoms: Sequence[Atom], operation: str) -> str:
    if len(names) == 1 or not isinstance(client, HasRandom):
        return names[0]
    gallery = Gallery()
    gallery.add(view.public.get("gallery", ()))
    if operation != GENERATE:
        # New pictures may be drawn at the same time: none knows which of the others were looked at before it.
        gallery.learn(view.attempts)
    return gallery.choose(names, {atom.kind for atom in atoms}, operation, client.random())


def read_gallery(path: Path) -> Gallery:
    """Reads the counts of earlier runs from a file.

    Raises:
        UserError: It is not there, or no gallery.
    """
    gallery = Gallery()
    try:
        gallery.add(_ROWS.validate_json(read_regular(path)))
    except OSError as error:
        raise UserError(f"the gallery {path} cannot be read: {error.strerror}") from None
    except ValueError:
        remedy = "`loopwright.images.save_gallery` writes one from runs."
        raise UserError(f"{path} is no gallery", remedy=remedy) from None
    return gallery


def save_gallery(runs: Iterable[Path], path: Path) -> Gallery:
    """Counts the successes of image models in runs, and writes them to a file.

    Args:
        runs: Run folders.
        path: The file; one that is there is replaced.

    Raises:
        StoreError: There is no run in a folder, or its record is damaged.
        OSError: The file cannot be written.
    """
    gallery = Gallery()
    for folder in runs:
        for episode in Episodes.of(read_run(folder)):
            gallery.learn(episode)
    write_whole(path, json.dumps(gallery.rows, indent=0).encode() + b"\n", within=path.parent)
    return gallery
