"""GenEval's human answers, judged by the code of checklists.

Five people said of each of 600 pictures what they count, which colours they see and where things are (Ghosh et al.
2023, arXiv 2310.11513). Their answers go through the checklist of the prompt, as a verifier's would.

`python -m bench.images.geneval [--from FOLDER]`
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import fmean

from rich.console import Console
from rich.table import Table

from bench.images.published import MISSING, options
from loopwright.images.checklist import Answer, Checklist, PublishedChecklist, blocking, read_geneval, to_ask, verdict

Image = tuple[str, str, str]
"""Who drew it, the prompt's index, the picture's number."""
Answers = dict[str, Answer]


@dataclass(frozen=True, slots=True)
class Tally:
    """What the people of one picture said."""

    answered: int
    """How many answered all that is needed."""
    correct: int
    """How many of these found all clauses met."""
    fit: int
    """How many said that the whole caption fits."""

    @property
    def right(self) -> bool:
        """By the majority of those who answered."""
        return 2 * self.correct > self.answered


@dataclass(frozen=True, slots=True)
class Data:
    """What the files hold."""

    specs: Mapping[str, PublishedChecklist]
    people: Mapping[Image, Sequence[Answers]]
    """The answers of each person to a picture's checklist."""
    fits: Mapping[Image, Sequence[bool]]
    """Whether each of them found that the whole caption fits."""
    derived: Mapping[Image, Tally]
    """The tallies of `verdicts.csv`."""


def load(folder: Path) -> Data:
    """Reads specs, answers and the tallies that were derived from them before."""
    specs = {one.id: one for one in read_geneval(folder / "evaluation_metadata.jsonl")}
    people: dict[Image, list[Answers]] = {}
    fits: dict[Image, list[bool]] = {}
    for row in _rows(folder / "annotations.csv"):
        image = (row["model"], row["index"], row["image"])
        people.setdefault(image, []).append(answers(specs[row["index"]].checklist, row))
        fits.setdefault(image, []).append(row["fit"] == "4")
    derived = {
        (row["model"], row["index"], row["image"]): Tally(int(row["answered"]), int(row["correct"]), int(row["fit_4"]))
        for row in _rows(folder / "verdicts.csv")
    }
    return Data(specs, people, fits, derived)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def answers(checklist: Checklist, row: Mapping[str, str]) -> Answers:
    """One person's answers by the atoms' ids; what was not asked or skipped is left out.

    The part of an id before the dot is the number of the clause, and so of the columns.
    """
    found: Answers = {}
    for atom in checklist.atoms:
        clause = atom.id.partition(".")[0]
        seen = row[f"count_{clause}"]
        holds: bool | None = None
        if atom.kind == "object" and seen:
            holds = int(seen) > 0
        elif atom.kind == "count" and seen:
            holds = atom.holds(int(seen))
        elif atom.kind == "attribute" and row[f"color_{clause}"]:
            holds = atom.value in row[f"color_{clause}"].split("|")
        elif atom.kind == "relation":
            word, axis = atom.relation.removesuffix(" of"), "x" if atom.relation.endswith(" of") else "y"
            holds = row[f"position_{axis}"] == word if row[f"position_{axis}"] else None
        if holds is not None:
            found[atom.id] = Answer(value="yes" if holds else "no")
    return found


def tally(data: Data, image: Image) -> Tally:
    """Counts the verdicts of those who answered all that the checklist asks."""
    checklist = data.specs[image[1]].checklist
    whole = [given for given in data.people[image] if not to_ask(checklist, given)]
    correct = sum(verdict(checklist, given).passed for given in whole)
    return Tally(len(whole), correct, sum(data.fits[image]))


@dataclass(frozen=True, slots=True)
class Noise:
    """How alike people answer."""

    agree: float
    """Share of pairs of people who say the same."""
    false_yes: tuple[int, int]
    """How often one says yes where the majority of the others says no, and of how many."""
    false_no: tuple[int, int]


def noise(votes: Sequence[Sequence[bool]]) -> Noise:
    """From what people say to each question; one against a tie of the others is not counted."""
    pairs = [a == b for said in votes for a, b in combinations(said, 2)]
    against: Counter[tuple[bool, bool]] = Counter()
    for said in votes:
        for index, own in enumerate(said):
            others = [*said[:index], *said[index + 1 :]]
            if 2 * sum(others) != len(others):
                against[2 * sum(others) > len(others), own] += 1
    no, yes = against[False, True] + against[False, False], against[True, True] + against[True, False]
    return Noise(sum(pairs) / len(pairs), (against[False, True], no), (against[True, False], yes))


def votes(data: Data) -> dict[str, list[list[bool]]]:
    """What people say, by the kind of question: each kind of atom, all clauses, and the whole caption.

    An atom below a failed one was not asked, and fails; what a person skipped is left out.
    """
    found: dict[str, list[list[bool]]] = {}
    for image, people in data.people.items():
        checklist = data.specs[image[1]].checklist
        blocked = [(given, blocking(checklist, given)) for given in people]
        for atom in checklist.atoms:
            said = [
                not above[atom.id] and given[atom.id].value == "yes"
                for given, above in blocked
                if atom.id in given or above[atom.id]
            ]
            found.setdefault(atom.kind, []).append(said)
        whole = [verdict(checklist, given).passed for given in people if not to_ask(checklist, given)]
        found.setdefault("all clauses", []).append(whole)
        found.setdefault("fit = 4", []).append(list(data.fits[image]))
    return found


def by_tag(data: Data, tallies: Mapping[Image, Tally]) -> dict[tuple[str, str], tuple[int, int]]:
    """Pictures right by majority and all pictures, for each tag and model."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for image, one in tallies.items():
        key = (data.specs[image[1]].group, image[0])
        right, n = found.get(key, (0, 0))
        found[key] = (right + one.right, n + 1)
    return found


def tables(data: Data) -> Iterator[Table | str]:
    """All that is printed."""
    tallies = {image: tally(data, image) for image in data.people}
    counts = by_tag(data, tallies)
    models = sorted({model for _, model in counts})
    tags = list(dict.fromkeys(one.group for one in data.specs.values()))
    table = Table("tag", *models, title="Pictures right by majority")
    for tag in tags:
        table.add_row(tag, *(f"{counts[tag, model][0]}/{counts[tag, model][1]}" for model in models))
    shares = {model: [counts[tag, model][0] / counts[tag, model][1] for tag in tags] for model in models}
    table.add_row("mean of six", *(f"{fmean(shares[model]):.3f}" for model in models))
    yield table
    differ = {image: one for image, one in tallies.items() if data.derived.get(image) != one}
    yield f"verdicts.csv: {len(data.derived)} pictures, {len(differ)} differ"
    yield from (f"  {image}: {one}, there {data.derived.get(image)}" for image, one in differ.items())
    unanimous = sum(one.correct in (0, one.answered) for one in tallies.values())
    yield f"unanimous: {unanimous}; not answered by all: {sum(one.answered < 5 for one in tallies.values())}"
    both = Counter((one.right, 2 * one.fit > 5) for one in tallies.values())
    yield (
        f"by clauses against by fit = 4: both right {both[True, True]}, both wrong {both[False, False]}, "
        f"clauses only {both[True, False]}, fit only {both[False, True]}"
    )
    yield _noise_table(data)


def _noise_table(data: Data) -> Table:
    table = Table("question", "two people agree", "yes where the others say no", "no where they say yes")
    for kind, said in votes(data).items():
        found = noise(said)
        rates = (f"{wrong} of {n}, {wrong / n:.3f}" for wrong, n in (found.false_yes, found.false_no))
        table.add_row(kind, f"{found.agree:.3f}", *rates)
    return table


def main() -> None:
    arguments = options(__doc__, "geneval").parse_args()
    console = Console(width=200)
    if arguments.source is None or not arguments.source.is_dir():
        console.print(MISSING)
        return
    for one in tables(load(arguments.source)):
        console.print(one)


if __name__ == "__main__":
    main()
